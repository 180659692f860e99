"""Asks a running app why a file is scored, or is not: for one path, and for files that were just dropped.

It is a client like any other: it sends `GET /api/explain` with the host's key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import httpx

from local.commands import AT_A_TIME, CommandFailed, NoAnswer, where_is
from local.stack import host_keys

MOST_ASKED = 100
"""Files that are asked about one by one. Of more, one of each kind is: the same folder, the same ending."""
MOST_TOLD = 10
NOT_ASKED = "Could not ask whether a route takes what was uploaded"
SECONDS = 30.0

Explanation = dict[str, Any]


def explanation(state: Path, path: str) -> str:
    """What the app says of a path, for people. Raises CommandFailed."""
    with _client(state) as client:
        return told_by(client, path)


def told_by(client: httpx.Client, path: str) -> str:
    """What that app says of a path, for people. Raises CommandFailed."""
    told = _explained(client, path)
    if told is None:
        raise CommandFailed("The app that runs here does not explain paths; is it Landfall?")
    return str(told["text"])


def warnings(state: Path, container: str, blobs: Sequence[str]) -> list[str]:
    """A line for each of these blobs that no route takes, with the nearest miss; none where no app runs. Never raises:
    the blobs are uploaded."""
    if not (state / "host" / "keys.json").exists():
        return []  # Azure ML alone
    try:
        with _client(state) as client:
            return lines_of(client, f"{where_is(state).account_url()}/{container}", container, blobs)
    except CommandFailed as error:
        return [f"{NOT_ASKED}: {error}"]


def lines_of(client: httpx.Client, url: str, container: str, blobs: Sequence[str]) -> list[str]:
    """The same by that app, for a container with that URL. An app in trouble is said: the blobs are uploaded."""
    asked = list(blobs) if len(blobs) <= MOST_ASKED else one_of_each_kind(blobs)[:MOST_ASKED]
    try:
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            told = list(pool.map(lambda blob: _missed(client, f"{url}/{quote(blob)}"), asked))
    except CommandFailed as error:
        return [f"{NOT_ASKED}: {error}"]
    missed = [(blob, why) for blob, why in zip(asked, told, strict=True) if why is not None]
    return list(_lines(container, missed, sampled=len(asked) < len(blobs)))


def one_of_each_kind(blobs: Sequence[str]) -> list[str]:
    """The first blob of each folder and ending."""
    kinds = {(path.parent, path.suffix): blob for blob in reversed(blobs) for path in [PurePosixPath(blob)]}
    return sorted(kinds.values())


def _lines(container: str, missed: Sequence[tuple[str, str]], *, sampled: bool) -> Iterator[str]:
    others = ", and maybe others like it" if sampled else ""
    for blob, why in missed[:MOST_TOLD]:
        yield f"Warning: no route takes {container}/{_printable(blob)}{others}: {why}"
    if len(missed) > MOST_TOLD:
        yield f"Warning: no route takes {len(missed) - MOST_TOLD} more of them."


def _missed(client: httpx.Client, url: str) -> str | None:
    """Why no route takes a blob; None if one does, or if the app cannot tell."""
    try:
        told = _explained(client, url)
    except _Refused as refused:
        return str(refused)
    if told is None or told.get("miss") is None:
        return None
    return f"{told['miss']['message']}. {told['miss']['do']}"


def _printable(blob: str) -> str:
    return blob if blob.isprintable() else repr(blob)


class _Refused(CommandFailed):
    """The app does not take that for a path."""


def _client(state: Path) -> httpx.Client:
    where = where_is(state)
    headers = {"x-functions-key": host_keys(state)["master"]}
    return httpx.Client(base_url=where.host, headers=headers, timeout=SECONDS, trust_env=False)


def _explained(client: httpx.Client, path: str) -> Explanation | None:
    """What the app says of a path; None for an app that explains nothing."""
    try:
        answer = client.get("/api/explain", params={"path": path})
    except httpx.TransportError as error:
        raise NoAnswer(f"{client.base_url} did not answer: {error}") from error
    if answer.status_code == 404:
        return None
    if answer.status_code == 400:
        raise _Refused(str(answer.json().get("error")))
    if answer.is_error:
        raise CommandFailed(f"{answer.request.url.path} answered {answer.status_code}: {answer.text[:500]}")
    explained: Explanation = answer.json()
    return explained
