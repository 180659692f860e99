"""What a person does with a running local cloud: drop data, look at runs, wait until all is done."""

from __future__ import annotations

import json
import mimetypes
import shlex
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from local import addresses, health, tls
from local.addresses import Addresses
from local.database import looking_into
from local.identity.credential import LocalCredential
from local.python import own_python
from local.stack import EVENTS_QUEUE, host_keys, is_up

AT_A_TIME = 8
MOST_RUNS = 1000
PAUSE_SECONDS = 0.25


class CommandFailed(Exception):
    """The command could not be carried out; the message says why, and what to do."""


class NoAnswer(CommandFailed):
    """A part of a local cloud that is up did not answer; it may be starting again."""


def drop(source: Path, target: str, state: Path) -> str:
    """Upload a file or a folder to CONTAINER/PREFIX as a user's tool would; returns what was done."""
    from azure.core.exceptions import AzureError  # slow to import, and only needed here
    from azure.storage.blob import ContainerClient, ContentSettings

    container = place_of(target)[0]
    files = files_in(source, target, broken_links=True)
    where = where_is(state)
    client = ContainerClient(
        where.account_url(),
        container,
        credential=LocalCredential.of(state),
        connection_verify=str(tls.authority(state)),
    )

    def upload(file: tuple[Path, str]) -> int | str:
        """Its bytes, or why it could not be uploaded."""
        path, blob = file
        if not is_plain(blob):
            return f"{path.name!a}: a blob of that name could not be reached; rename it"
        settings = ContentSettings(content_type=mimetypes.guess_type(path.name)[0] or "application/octet-stream")
        try:
            with path.open("rb") as data:
                client.upload_blob(blob, data, overwrite=True, content_settings=settings)
            return path.stat().st_size
        except (AzureError, OSError) as error:
            return f"{blob.rpartition('/')[2]!r}: {str(error).splitlines()[0]}"

    # Markers such as _SUCCESS say that the rest is there, so they go last.
    markers = [file for file in files if file[0].name.startswith("_")]
    data = [file for file in files if file not in markers]
    with client, ThreadPoolExecutor(AT_A_TIME) as pool:
        _expect(client, container)
        told = list(pool.map(upload, data))
        failed = [one for one in told if isinstance(one, str)]
        told += [] if failed else list(pool.map(upload, markers))
    sizes = [one for one in told if isinstance(one, int)]
    if failed := [one for one in told if isinstance(one, str)]:
        left_out = "".join(
            f" {path.name} was left out, so that nobody takes the folder for complete." for path, _ in markers
        )
        raise CommandFailed(
            f"Dropped {len(sizes)} of {len(files)} files to {target}.{left_out} Not dropped:\n  " + "\n  ".join(failed)
        )
    return f"{len(sizes)} {'file' if len(sizes) == 1 else 'files'}, {sum(sizes):,} bytes to {target}"


def _expect(client: Any, container: str) -> None:
    """Raises CommandFailed unless the container is there."""
    from azure.core.exceptions import AzureError, HttpResponseError

    try:
        client.get_container_properties()
    except HttpResponseError as error:
        there = addresses.CONTAINERS[addresses.ACCOUNT]
        raise CommandFailed(
            f"There is no container {container!r} for data that lands; there is {there}. Say CONTAINER/FOLDER, "
            f"for example {there}/digits/tuesday. Nothing was uploaded. ({str(error).splitlines()[0]})"
        ) from error
    except AzureError as error:
        raise NoAnswer(f"Storage did not answer: {str(error).splitlines()[0]}") from error


def place_of(target: str) -> tuple[str, str]:
    """The container and the prefix that a target names. Raises CommandFailed for a path that clients would change."""
    container, _, prefix = target.strip("/").partition("/")
    if not container or "://" in target or not is_plain(target.strip("/")):
        raise CommandFailed(
            f"{target!a} is no place to upload to: say CONTAINER/FOLDER, for example landing/digits/tuesday, "
            "without empty, . and .. parts, backslashes and control characters."
        )
    return container, prefix


def is_plain(path: str) -> bool:
    """Whether a path reaches storage as it is: clients resolve dot segments, and take backslashes for slashes."""
    try:
        path.encode()
    except UnicodeEncodeError:  # a file's name that is not UTF-8
        return False
    parts = path.split("/")
    return not {"", ".", ".."} & set(parts) and "\\" not in path and all(letter.isprintable() for letter in path)


def files_in(source: Path, target: str, *, broken_links: bool = False) -> list[tuple[Path, str]]:
    """The files to upload, with the names of their blobs. Raises CommandFailed when there is none. `broken_links`:
    those as well, so that they are told of."""
    _, prefix = place_of(target)
    return [(path, "/".join(filter(None, (prefix, name)))) for path, name in _files(source, broken_links=broken_links)]


def _files(source: Path, *, broken_links: bool) -> list[tuple[Path, str]]:
    """The files to upload, with their names below the prefix. Raises CommandFailed when there is none."""
    if source.is_file():
        return [(source, source.name)]
    found = [
        (path, path.relative_to(source).as_posix())
        for path in sorted(source.rglob("*"))
        if path.is_file() or (broken_links and path.is_symlink() and not path.exists())
    ]
    if not found:
        raise CommandFailed(f"{source} has no files." if source.exists() else f"{source} does not exist.")
    return found


def runs(state: Path, *, status: str | None = None) -> list[dict[str, Any]]:
    """The ledger, newest first. Raises CommandFailed."""
    query = {"limit": str(MOST_RUNS), **({"status": status} if status else {})}
    listed: list[dict[str, Any]] | None = _ask(state, "/api/runs", query)
    return listed or []  # None: another app than Landfall, which has no ledger


def table(listed: list[dict[str, Any]]) -> str:
    """Runs for people."""
    return columns(("run_id", "status", "route", "landing", "attempt", "job"), listed)


def columns(names: Sequence[str], listed: Sequence[Mapping[str, Any]]) -> str:
    """Some members of what is listed, one below the other."""
    rows = [tuple(names), *(tuple(_cell(one.get(name)) for name in names) for one in listed)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(names))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _cell(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("name")
    return "" if value is None else str(value)


def wait(state: Path, timeout: float | None) -> int:
    """Return when nothing is under way: 0, 1 when that takes too long, 2 when a run failed or was canceled that no wait
    has told of, or when routes are broken. The failure of a shadow is told, but is nobody's result."""
    deadline = None if timeout is None else time.monotonic() + timeout
    calm = 0
    while calm < 2:
        busy = _busy(state)
        calm = 0 if busy else calm + 1
        if deadline is not None and time.monotonic() > deadline and calm < 2:
            _tell(f"Still under way after {timeout:g} s: {'; '.join(busy) or 'idle, but only just'}.")
            return 1
        if calm < 2:
            time.sleep(PAUSE_SECONDS)
    broken = _broken_routes(state)
    for problem in broken:
        _tell(f"Problem: {problem}")
    return 2 if _report_failures(state) or broken else 0


def _broken_routes(state: Path) -> list[str]:
    """What is wrong with the app's routes: nothing that lands there is scored, however quiet it is."""
    try:
        return health.problems(where_is(state).host, host_keys(state)["master"], only="routes")
    except httpx.TransportError as error:
        raise NoAnswer(f"The app did not say whether its routes are in order: {error}") from error


def _report_failures(state: Path) -> bool:
    """Whether a run that counts has ended without a publication, and no wait has told of it."""
    path = state / "waited.json"
    told = set(json.loads(path.read_text("utf-8"))) if path.exists() else set()
    ended = [run for status in ("failed", "canceled") for run in runs(state, status=status)]
    failed = [run for run in ended if run["run_id"] not in told]
    for run in failed:
        what, error = "Shadow run" if run.get("shadow_of") else "Run", run.get("error")
        why = f"{error['message']} {error.get('do', '')}".strip() if isinstance(error, dict) else error
        _tell(f"{what} {run['run_id']} of {run.get('landing')} {run['status']}: {why}")
    if failed:
        partial = path.with_suffix(".new")
        partial.write_text(json.dumps(sorted(told | {run["run_id"] for run in failed})), "utf-8")
        partial.rename(path)
    return any(not run.get("shadow_of") for run in failed)


def _busy(state: Path) -> list[str]:
    """What is under way. A part that is starting again may be busy with anything. Events that the app refuses because
    a route is broken are not waited for: nothing comes of them until it is mended."""
    try:
        refused, busy = list(_refused_events(state)), list(_under_way(state))
        return [*busy, *refused] if busy or not refused or not _broken_routes(state) else []
    except NoAnswer as error:
        return [str(error)]


def _under_way(state: Path) -> Iterator[str]:
    """What is not done yet, in the order in which a landing passes through: so nothing slips by between two looks."""
    where = where_is(state)
    held = _events_in_storage(state)
    if held:
        yield f"{held} events waiting for Event Grid"
    for name, counts in _get(f"{where.eventgrid}/status").items():
        if number := counts["pending"] - counts["to_be_retried"]:
            yield f"{number} deliveries to {name}"
    messages = _messages(where)
    if messages:
        yield f"{messages} messages in the queue {EVENTS_QUEUE}"
    listed = _ask(state, "/runtime/webhooks/durabletask/instances", {"runtimeStatus": "Pending,Running"})
    # Entities are listed too, and are always "Running".
    instances = [one for one in listed or [] if not one["instanceId"].startswith("@")]
    for instance in instances[:10]:
        yield f"{instance['name']} {instance['instanceId']}"
    if len(instances) > 10:
        yield f"{len(instances) - 10} more orchestrations"


def _refused_events(state: Path) -> Iterator[str]:
    """Deliveries that failed, and are retried."""
    for name, counts in _get(f"{where_is(state).eventgrid}/status").items():
        if counts["to_be_retried"]:
            yield f"{counts['to_be_retried']} deliveries to {name}, which failed before"


def _events_in_storage(state: Path) -> int:
    with looking_into(state / "storage" / "events.sqlite") as db:
        return int(db.execute("SELECT COUNT(*) FROM pending").fetchone()[0])


def _messages(where: Addresses) -> int:
    from azure.core.exceptions import AzureError, ResourceNotFoundError  # slow to import, and only needed here
    from azure.storage.queue import QueueClient

    with QueueClient.from_connection_string(where.connection_string(), EVENTS_QUEUE, retry_total=0) as queue:
        try:
            return int(queue.get_queue_properties().approximate_message_count or 0)
        except ResourceNotFoundError:
            return 0
        except AzureError as error:
            raise NoAnswer(f"The queue service did not answer: {error}") from error


def _ask(state: Path, path: str, query: dict[str, str]) -> Any:
    """What the function app answers; None for what it does not have."""
    return _get(f"{where_is(state).host}{path}", query, {"x-functions-key": host_keys(state)["master"]})


def _get(url: str, query: dict[str, str] | None = None, headers: dict[str, str] | None = None) -> Any:
    try:
        answer = httpx.get(url, params=query, headers=headers, timeout=60.0, trust_env=False)
    except httpx.TransportError as error:
        raise NoAnswer(
            f"{url} did not answer: {error}. A part that was stopped is started again: ask once more in a moment."
        ) from error
    if answer.status_code == 404:
        return None
    if answer.is_error:
        raise CommandFailed(f"{url} answered {answer.status_code}: {answer.text[:500]}")
    return answer.json()


def where_is(state: Path) -> Addresses:
    """Where the parts are of the local cloud that runs on a state directory. Raises CommandFailed if none does."""
    if not is_up(state) or not (state / "stack.json").exists():
        raise CommandFailed(
            f"No local cloud is running on {state}. Start it with "
            f"'{own_python()} -m local up --state {shlex.quote(str(state))}'."
        )
    return addresses.load(state)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201
