"""Queries on the ledger: which runs there were."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from shared.core.identity import REPEATABLE, repetition_id
from shared.core.pointer import Pointer, pointer_to, read_pointer
from shared.core.query import refuse_unknown
from shared.core.record import Record, builtins_of
from shared.core.run import Error, Run, Status
from shared.errors import InputRefused
from shared.work.indexing import runs_by
from shared.work.ledger import Ledger, Unreadable

MOST = 1000
"""Runs that one request may ask for."""
MOST_FILES = 1000
"""Files of a run that one answer tells: a landing may have a hundred thousand."""

PARAMETERS = ("route", "landing", "status", "since", "limit", "continuation")

PRIVATE = frozenset(
    {
        "spec",
        "revision",
        "recorded",
        "renewed_for",
        "admitted",
        "slot",
        "copied_to",
        "since",
        "looks",
        "missing",
        "failures",
        "denied_since",
    }
)
"""Members of the record that are of no use to people, or that are shown in another form."""

_RUN_ID = re.compile(r"[a-z][a-z0-9-]{0,39}-[0-9a-f]{20}")


@dataclass(frozen=True, slots=True)
class Query:
    """Which runs are asked for."""

    route: str | None
    status: Status | None
    since: datetime | None
    limit: int
    landing: str | None = None
    """Its path, with or without its container before it."""
    before: Pointer | None = None
    """The last run of the page before."""

    @property
    def asks_for_all(self) -> bool:
        """Whether it leaves out none because of what is in its record."""
        return self.route is None and self.status is None and self.landing is None


def read_query(params: Mapping[str, str]) -> Query:
    """The query in an HTTP request. Raises InputRefused with what would be right."""
    refuse_unknown(params, PARAMETERS)
    status, since, limit = params.get("status"), params.get("since"), params.get("limit", "50")
    if status is not None and status not in set(Status):
        raise InputRefused(f"status is {status[:100]!r}; it must be one of {', '.join(Status)}.")
    try:
        moment = _moment(since) if since else None
    except (ValueError, OverflowError) as error:
        told = f"since is {str(since)[:100]!r}; it must be an ISO 8601 time, e.g. 2026-01-31T12:00:00Z."
        raise InputRefused(told) from error
    if not limit.isdecimal() or len(limit) > 9 or not 1 <= int(limit) <= MOST:
        raise InputRefused(f"limit is {limit[:100]!r}; it must be a whole number from 1 to {MOST}.")
    landing, token = params.get("landing"), params.get("continuation")
    return Query(
        route=params.get("route"),
        status=Status(status) if status else None,
        since=moment,
        limit=int(limit),
        landing=None if landing is None else landing.strip("/"),
        before=_read_token(token) if token else None,
    )


def _read_token(token: str) -> Pointer:
    try:
        return read_pointer(token)
    except InputRefused as error:
        raise InputRefused(
            f"continuation is {token[:100]!r}; it must be the one that came with the page before."
        ) from error


def _moment(text: str) -> datetime:
    # A plus sign that was not percent-encoded arrives as a space.
    moment = datetime.fromisoformat(text.replace(" ", "+"))
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Page:
    """Runs as they are shown; `continuation`: what to ask for the next page with, None if there is none."""

    runs: list[dict[str, Any]]
    continuation: str | None


def runs(ledger: Ledger, query: Query) -> Page:
    """The newest runs that the query asks for. One whose record cannot be read is told of where all are asked for."""
    found = runs_by(
        ledger,
        route=query.route,
        status=query.status,
        landings=_paths_of(query.landing),
        since=query.since,
        before=query.before,
    )
    wanted = (run for run in found if (query.asks_for_all if isinstance(run, Unreadable) else _is_wanted(run, query)))
    page = list(islice(wanted, query.limit))
    last = _pointer_to(page[-1]) if len(page) == query.limit else None
    return Page([_shown(run) for run in page], last.name if last is not None else None)


def _pointer_to(run: Run | Unreadable) -> Pointer | None:
    return run.pointer if isinstance(run, Unreadable) else pointer_to(run)


def _paths_of(landing: str | None) -> tuple[str, ...]:
    """What the path within its container may be."""
    if landing is None:
        return ()
    _, _, rest = landing.partition("/")
    return (landing, rest) if rest else (landing,)


def run(ledger: Ledger, run_id: str) -> dict[str, Any] | None:
    """One run with the first files of its snapshot; None if there is none of that id."""
    found = record_of(ledger, run_id)
    return None if found is None else with_files(ledger, found)


def record_of(ledger: Ledger, run_id: str) -> Run | None:
    """A run's record; None if there is none of that id. Raises InputRefused for what can be no id."""
    if not _RUN_ID.fullmatch(run_id):
        raise InputRefused(f"{run_id[:80]!r} is not a run id.")
    return ledger.run(run_id)


def with_files(ledger: Ledger, run: Run, *, most: int | None = None) -> dict[str, Any]:
    """What people see of a run, with the first files of its snapshot, unless there are more than `most`."""
    shown = _shown(run)
    if most is not None and run.snapshot.files > most:
        return shown
    page = files(ledger, run, FilesPage())
    told = {"list": page["files"], "continuation": page["continuation"]}
    return {**shown, "snapshot": {**shown["snapshot"], **told}, "repeated_by": repetition_of(ledger, run)}


@dataclass(frozen=True, slots=True)
class FilesPage:
    """Which of a run's files are asked for."""

    start: int = 0
    limit: int = MOST_FILES


def read_files_page(params: Mapping[str, str]) -> FilesPage:
    """The page in an HTTP request. Raises InputRefused with what would be right."""
    refuse_unknown(params, ("limit", "continuation"))
    limit, start = params.get("limit", str(MOST_FILES)), params.get("continuation", "0")
    if not limit.isdecimal() or len(limit) > 9 or not 1 <= int(limit) <= MOST_FILES:
        raise InputRefused(f"limit is {limit[:100]!r}; it must be a whole number from 1 to {MOST_FILES}.")
    if not start.isdecimal() or not start.isascii() or len(start) > 9:
        raise InputRefused(f"continuation is {start[:100]!r}; it must be the one that came with the page before.")
    return FilesPage(int(start), int(limit))


def files(ledger: Ledger, run: Run, page: FilesPage) -> dict[str, Any]:
    """A page of the files of a run's snapshot, in their order; `continuation`: what to ask for the next page with, None
    if there is none."""
    frozen, stop = ledger.snapshot(run.run_id, run.snapshot.drop), page.start + page.limit
    return {
        "files": [_filled(file) for file in frozen[page.start : stop]],
        "continuation": str(stop) if stop < len(frozen) else None,
    }


def repetition_of(ledger: Ledger, run: Run) -> str | None:
    """The id of the run that scores this run's content once more, if there is one."""
    for act, statuses in REPEATABLE.items():
        if run.status in statuses and run.shadow_of is None:
            again = repetition_id(run, act)
            return again if ledger.has(again) else None
    return None


def _is_wanted(run: Run, query: Query) -> bool:
    landings = (None, run.landing, _landing_of(run))
    return query.route in (None, run.route) and query.status in (None, run.status) and query.landing in landings


def _landing_of(run: Run) -> str:
    return f"{run.spec.landing.container.name}/{run.landing}"


def _shown(run: Run | Unreadable) -> dict[str, Any]:
    """What people see of a run: its record, less what only Landfall needs."""
    if isinstance(run, Unreadable):
        return {"run_id": run.run_id, "status": "unreadable", "error": Error("version", run.reason).shown}
    shown = {name: value for name, value in _filled(run).items() if name not in PRIVATE}
    return {
        **shown,
        "landing": _landing_of(run),
        "endpoint": run.spec.endpoint.scoring_uri,
        "error": None if run.error is None else run.error.shown,
        "job": None if run.job is None else _filled(run.job),
        "publication": None if run.publication is None else _filled(run.publication),
        "studio_url": run.job.studio_url if run.job else None,
        "staged": run.spec.scores_copies,
        "created": shown["timings"]["claimed"],
    }


def _filled(record: Record) -> dict[str, Any]:
    """With members that have their default, which records leave out of their JSON."""
    return {name: builtins_of(getattr(record, name)) for name in record.__struct_fields__}
