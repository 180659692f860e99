"""What somebody sends to ask for a run, and what is answered while it is under way.

A request with an id is carried out once: its promise is kept in the ledger before its run is claimed, with all that
claiming takes. Whoever repeats it finds the promise, and completes that claim if nobody has.

Sources: OASIS, repeatable-requests-v1.0 (Repeatability-Request-ID, -First-Sent, -Result);
draft-ietf-httpapi-idempotency-key-header (a string in quotes); Azure docs, architecture/patterns/async-request-reply.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from shared.core.inputs import Value
from shared.core.landing import Landing
from shared.core.location import is_safe
from shared.core.record import Record, dump, load, parse
from shared.core.route import Route
from shared.core.run import Run
from shared.errors import InputRefused

LARGEST_BODY = 64 * 1024
"""Bytes; a request names things, it brings no data."""
LONGEST_ID = 256
LONGEST_NAME = 200
"""Characters that are kept of who asked."""

REPEATABILITY_ID, FIRST_SENT, RESULT = "Repeatability-Request-ID", "Repeatability-First-Sent", "Repeatability-Result"
IDEMPOTENCY_KEY = "Idempotency-Key"
FORM = '{"route": NAME, "landing": PATH}, and optionally "again", "settings" and "inputs"'

LONGEST_PAUSE = 60
"""Seconds until somebody who waits for a run looks again."""


class RunRequest(Record, frozen=True, kw_only=True):
    """The body of a request. `landing`: a folder's path, or a file's, or the URL of either; `again`: a run of its own,
    whatever has been. `settings` and `inputs` are instead of the route's."""

    route: str
    landing: str
    again: bool = False
    settings: dict[str, Any] = {}
    inputs: dict[str, Value] = {}

    @property
    def digest(self) -> str:
        """The same for the same request, however it is written."""
        return digest_of(json.dumps(dump(self), sort_keys=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request for a run. `key`: the digest of its id, or of a new one. `is_repeatable`: the caller gave that id, and
    may send the same again. `by`: who it is, if that is known."""

    request: RunRequest
    key: str
    is_repeatable: bool
    by: str | None = None

    @property
    def claimer(self) -> str:
        """Stands for it where a watcher's id would: no orchestration has such an id."""
        return f"request-{self.key[:32]}"


class Promise(Record, frozen=True, kw_only=True, tag_field="version", tag=1):
    """What a request was promised: the run of that id. `asked`: the digest of its body. `claims`: the run, and its
    shadow, as they are claimed for it; nothing, where the content had its run already."""

    asked: str
    run_id: str
    claims: tuple[Run, ...] = ()


class Refusal(StrEnum):
    """Why a request that was understood is not followed."""

    UNKNOWN_ROUTE = "unknown_route"
    BROKEN_ROUTE = "broken_route"
    NO_LANDING = "no_landing"
    EMPTY = "empty"
    NOT_ALLOWED = "not_allowed"
    WRONG_STATUS = "wrong_status"
    CHANGED = "changed"
    OTHER_BODY = "other_body"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Refused:
    """The request is not followed; the message says why, and what would be right."""

    why: Refusal
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The request is followed by this run. `begin`: the runs that nobody carries out yet: it, and its shadow."""

    run: Run
    begin: tuple[Run, ...]


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def read_request(body: bytes) -> RunRequest:
    """What a body asks for. Raises InputRefused with what would be right."""
    try:
        document = parse(body)
        json.loads(body, object_pairs_hook=_once)
    except (RecursionError, UnicodeDecodeError) as error:
        raise InputRefused(f"Not valid JSON. Send {FORM}.") from error
    except InputRefused as refused:
        raise InputRefused(f"{refused}. Send {FORM}.") from refused
    try:
        return load(RunRequest, document)
    except InputRefused as refused:
        raise InputRefused(f"{refused}. Send {FORM}.") from refused


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise InputRefused(f"{next(name for name in names if names.count(name) > 1)[:80]!r} is there twice")
    return found


def read_id(headers: Mapping[str, str]) -> str | None:
    """The id that makes the request repeatable; None if there is none. Raises InputRefused for one that is none."""
    given = {name: headers.get(name) for name in (REPEATABILITY_ID, IDEMPOTENCY_KEY)}
    ids = {name: _id(name, text) for name, text in given.items() if text is not None}
    if len(set(ids.values())) > 1:
        raise InputRefused(f"{REPEATABILITY_ID} and {IDEMPOTENCY_KEY} have different values; send one of them.")
    first_sent = headers.get(FIRST_SENT)
    if first_sent is not None:
        if REPEATABILITY_ID not in ids:
            raise InputRefused(f"{FIRST_SENT} belongs to a {REPEATABILITY_ID}, and there is none.")
        try:
            parsedate_to_datetime(first_sent)
        except (ValueError, OverflowError, TypeError) as error:
            hint = "it must be an HTTP date, e.g. Sun, 01 Mar 2026 12:00:00 GMT"
            raise InputRefused(f"{FIRST_SENT} is {first_sent[:80]!r}; {hint}.") from error
    return next(iter(ids.values()), None)


def _id(name: str, text: str) -> str:
    found = text.strip()
    if len(found) > 2 and found[0] == found[-1] == '"':
        found = found[1:-1]
    if not found or len(found) > LONGEST_ID or not (found.isascii() and found.isprintable()):
        raise InputRefused(f"{name} must be 1 to {LONGEST_ID} printable ASCII characters, such as a GUID.")
    return found


def read_name(text: str | None) -> str | None:
    """Who asked, as far as it is kept; None for nothing that can be shown."""
    name = "".join(letter for letter in text or "" if letter.isprintable()).strip()
    return name[:LONGEST_NAME] or None


def landing_asked(route: Route, text: str) -> Landing | Refused:
    """The landing of that route that a request means, by its path or its URL."""
    path = _path_in(route, text)
    landing = Landing(route, path or "")
    if path is None or not is_safe(path) or not landing.is_taken:
        kind, more = ("files", "/FILE") if route.takes_files else ("folders", "")
        shown = text.partition("?")[0][:200]  # a query may be a signature
        return Refused(
            Refusal.NO_LANDING,
            f"{shown!r} is no landing of route {route.name!r}, which takes {kind} {route.folder}{more} of container "
            f"{route.landing.name}. Send the path, with or without the container, or the URL without a query.",
        )
    if route.takes_files and route.landing_of(landing.path) is None:
        return Refused(Refusal.NO_LANDING, f"Route {route.name!r} does not score files named {landing.file_name!r}.")
    return landing


def _path_in(route: Route, text: str) -> str | None:
    if "://" not in text:
        path = text.removesuffix("/")
        # Answers tell landings with their container.
        return path if Landing(route, path).is_taken else path.removeprefix(f"{route.landing.name}/")
    url = f"{route.landing.url}/"
    is_within = text[: len(url)].lower() == url.lower() and not set("?#") & set(text)
    return unquote(text[len(url) :]).removesuffix("/") if is_within else None


def pause_until_news(run: Run, now: datetime) -> int:
    """Seconds until it is worth while to look at the run again: what it waits for is over, or a tenth of the time since
    anything happened has passed, so that who waits for hours does not ask every second."""
    if run.has_ended:
        return 1
    due = (run.wait_until - now).total_seconds() if run.wait_until is not None else 0.0
    return min(max(1, math.ceil(max(due, (now - run.updated).total_seconds() / 10))), LONGEST_PAUSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where the API was called, and so is called again. `code`: the key that was part of the URL."""

    url: str
    code: str | None = None
    fails_by_status: bool = False

    @classmethod
    def of(cls, url: str, params: Mapping[str, str], forwarded_proto: str | None) -> Origin:
        """From a request. Its own host counts, which a gateway has to preserve: a forwarded one is whatever a caller
        writes there, and the key would be sent to it. That TLS ended before the app may be said: at worst, the next
        call is safer than this one. Raises InputRefused for a `fail` that is not known."""
        fail = params.get("fail")
        if fail not in (None, "status"):
            raise InputRefused(f"fail is {fail[:80]!r}; it must be status, or left out.")
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise InputRefused("The Host header is not valid.") from error
        scheme = "https" if (forwarded_proto or "").strip().lower() == "https" else parts.scheme
        return cls(url=f"{scheme}://{parts.netloc}", code=params.get("code"), fails_by_status=fail is not None)

    def outcome_of(self, run_id: str) -> str:
        """Where the outcome of a run is told, to a client that follows by itself. The key goes where it has been."""
        query = {
            **({"fail": "status"} if self.fails_by_status else {}),
            **({"code": self.code} if self.code is not None else {}),
        }
        return f"{self.url}/api/runs/{run_id}/outcome{'?' if query else ''}{urlencode(query)}"

    def links(self, run: Run) -> dict[str, str]:
        """Where to look, without any key: bodies are kept in logs."""
        found = {"run": f"{self.url}/api/runs/{run.run_id}", "outcome": f"{self.url}/api/runs/{run.run_id}/outcome"}
        return {**found, "runs_of_route": f"{self.url}/api/runs?{urlencode({'route': run.route})}"}
