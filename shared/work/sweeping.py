"""What the sweep looks for: content that the ledger does not know, and runs that have not ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count

from shared.core.course import resumed
from shared.core.landing import Landing
from shared.core.location import Location, fixed_prefix
from shared.core.route import Route
from shared.core.run import Run, may_run_again, run_id
from shared.core.snapshot import File
from shared.errors import LandfallError, UnknownVersion
from shared.ports import BatchEndpoint, Blobs
from shared.routes import Routes
from shared.telemetry import error
from shared.work.ledger import Ledger
from shared.work.twins import by_endpoint, cancel_those_of

LOOKBACK = timedelta(days=2)
"""How far back content is looked for. Event Grid itself gives up after one day."""

HEAD_START = timedelta(seconds=10)
"""What is younger is left to its events."""


@dataclass(frozen=True, slots=True)
class Left:
    """What the ledger says is not over: `open` runs, as they are to be carried on if nobody does, and `ended` ones of
    which jobs may still turn up."""

    open: tuple[Run, ...]
    ended: tuple[Run, ...]


def left_over(ledger: Ledger, now: datetime) -> Left:
    """What is not over. A record that cannot be read is reported once, and left as it is."""
    going, ended = [], []
    for run in ledger.unfinished(now):
        if not isinstance(run, Run):
            if ledger.report_once(run):
                error("run.unreadable", run_id=run.run_id, message=run.reason)
        elif run.has_ended:
            ended.append(run)
        else:
            going.append(run)
    return Left(tuple(going), tuple(ended))


def as_it_is_now(ledger: Ledger, run_id: str, now: datetime) -> Run | None:
    """A run that nobody carries out, as it is to be taken up; None if it has ended since it was found.

    It has to be read after it was seen that nobody does: whoever did may have ended it in between.
    """
    run = ledger.run(run_id)
    return None if run is None or run.has_ended else resumed(run, now)


def cancel_late_jobs(endpoint: BatchEndpoint, ledger: Ledger, ended: Iterable[Run], now: datetime) -> None:
    """Cancel jobs that turned up for abandoned attempts after their run had ended: one list of each endpoint's jobs,
    and trouble with one keeps no other from being asked."""
    runs = list(ended)
    own = {name for run in runs for name in run.own_jobs}
    for scoring_uri, abandoned in by_endpoint({sent: run.names for run in runs for sent in run.abandoned}).items():
        try:
            cancel_those_of(endpoint, ledger, abandoned, now, own=own)
        except Exception as trouble:
            error("sweep.failed", endpoint=scoring_uri, message=f"{type(trouble).__name__}: {trouble}")


def missed(routes: Routes, blobs: Blobs, ledger: Ledger, now: datetime) -> list[Landing]:
    """Landings with content of the last days that has no run, or may have another. A route whose storage does not
    answer does not keep the others from being swept."""
    found: list[Landing] = []
    for route in routes.usable:
        try:
            found += [
                landing
                for landing, files in _landings(route, blobs)
                if _is_due(files, now) and not _is_known(landing, files, ledger)
            ]
        except LandfallError as trouble:
            error("sweep.failed", route=route.name, message=str(trouble))
    return found


def _landings(route: Route, blobs: Blobs) -> Iterator[tuple[Landing, list[File]]]:
    above = fixed_prefix(route.folder).rpartition("/")[0]
    found: dict[str, list[File]] = defaultdict(list)
    for file in blobs.list_below(Location(route.landing, above)):
        folder, _, name = f"{above}/{file.name}".lstrip("/").rpartition("/")
        if route.parts(folder) is not None and (route.wants(name) or name == route.ready.marker):
            found[f"{folder}/{name}" if route.takes_files else folder].append(replace(file, name=name))
    return ((Landing(route, path), files) for path, files in found.items())


def _is_due(files: list[File], now: datetime) -> bool:
    newest = max(file.modified for file in files)
    return now - LOOKBACK <= newest <= now - HEAD_START


def _is_known(landing: Landing, files: list[File], ledger: Ledger) -> bool:
    snapshot = landing.freeze(files)
    if not snapshot.files:
        return True  # a marker alone: nothing to score
    for number in count():
        try:
            run = ledger.run(run_id(landing.route.name, landing.location, snapshot.fingerprint, number))
        except UnknownVersion:
            return True  # it has a run; what becomes of it is for the program that can read it
        if run is None:
            return False
        if not may_run_again(run, snapshot.drop):
            return True
    raise AssertionError("count() never ends")
