"""Where a blob is that people ask about: its path, in any of the forms in which people have it.

Nothing that is asked is followed: a path only leads to a container that a route reads.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from shared.core.location import LONGEST_BLOB_NAME, SAFE, Container, account_of, is_safe
from shared.core.matching import parts_in
from shared.core.route import Route
from shared.core.selection import folded
from shared.errors import InputRefused

FORMS = (
    "give CONTAINER/PATH, or the blob's https URL, or PATH alone where only one landing container has folders like it"
)
LONGEST_PATH = 8192
"""Characters; a blob's URL has at most some 4 000, fully percent-encoded twice as many."""
LONGEST_TOLD = 200

_NUMBERS = re.compile(r"\[.*\]|[0-9.]+|localhost")
"""Hosts of emulators, whose URLs have the account in the path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A blob or a folder that people ask about. `account`: None where it is not told. `known`: the landing container
    that it is in, None if no usable route reads it. `is_folder`: it was written with a slash at its end."""

    account: str | None
    container: str
    path: str
    known: Container | None
    is_folder: bool

    @property
    def shown(self) -> str:
        """As answers call it."""
        return f"{self.container}/{self.path}"


def read_spot(text: str | None, routes: Sequence[Route], broken: Collection[str] = ()) -> Spot:
    """What is asked about. `broken`: names of containers that routes with problems read. Raises InputRefused with the
    forms that are understood."""
    if not text or not text.strip("/"):
        raise InputRefused(f"path is missing; {FORMS}.")
    if len(text) > LONGEST_PATH:
        raise InputRefused(f"path has {len(text)} characters, and a blob's at most {LONGEST_BLOB_NAME}; {FORMS}.")
    containers = list({route.landing.identity: route.landing for route in routes}.values())
    if text.lower().startswith(("https://", "http://")):
        account, container, path = _of_url(text)
    else:
        account, (container, path) = None, _of_path(text.removeprefix("/"), routes, containers, broken)
    bare = path.removesuffix("/")
    if not is_safe(bare):
        raise InputRefused(f"{_told(bare)} is no path that Landfall takes: such a path has {SAFE}.")
    if not container or not container.isprintable() or len(container) > 63:
        raise InputRefused(f"{_told(container)} is no name of a container; {FORMS}.")
    known = [one for one in containers if one.name == container and account in (None, account_of(one.account_url))]
    if len(known) > 1:
        accounts = ", ".join(account_of(one.account_url) for one in known)
        raise InputRefused(f"Several accounts have a landing container {container!r}: {accounts}; give the blob's URL.")
    return Spot(
        account=account,
        container=container,
        path=bare,
        known=known[0] if known else None,
        is_folder=path != bare,
    )


def _of_url(text: str) -> tuple[str, str, str]:
    """Account, container and path. What is behind a question mark may be a secret (SAS) and is not looked at."""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError as error:
        raise InputRefused(f"path is no valid URL; {FORMS}.") from error
    segments = [unquote(segment) for segment in parts.path.removeprefix("/").split("/")]
    account = segments.pop(0) if _NUMBERS.fullmatch(host) else host.split(".")[0]
    if not account or len(segments) < 2 or not segments[1]:
        raise InputRefused(f"The URL names no blob; {FORMS}.")
    return account.lower(), segments[0], "/".join(segments[1:])


def _of_path(
    text: str, routes: Sequence[Route], containers: Sequence[Container], broken: Collection[str]
) -> tuple[str, str]:
    first, _, rest = text.partition("/")
    if rest and (first in broken or any(one.name == first for one in containers)):
        return first, rest
    like = {route.landing.identity: route.landing for route in routes if _begins_like(route, first)}
    if len(like) > 1:
        names = ", ".join(sorted(f"{one.name} (account {account_of(one.account_url)})" for one in like.values()))
        raise InputRefused(f"{_told(text)} may be in several containers: {names}; {FORMS}.")
    if like:
        return next(iter(like.values())).name, text
    if rest:
        return first, rest
    if len(containers) == 1:
        return containers[0].name, text
    raise InputRefused(f"{_told(text)} names no container; {FORMS}.")


def _begins_like(route: Route, first: str) -> bool:
    """Whether a folder of the route may begin with that segment, apart from case."""
    return parts_in(folded(first), folded(route.folder.split("/")[0])) is not None


def _told(text: str) -> str:
    return repr(text if len(text) <= LONGEST_TOLD else text[: LONGEST_TOLD - 1] + "…")
