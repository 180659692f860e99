"""What the sweep looks for: content that the ledger does not know, and runs that have not ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from shared.core.event import Landing
from shared.core.location import Location, fixed_prefix
from shared.core.progress import resume
from shared.core.route import Route
from shared.core.run import ENDED, Order, may_run_again, run_id
from shared.core.snapshot import File, freeze
from shared.errors import Unavailable
from shared.ports import BatchEndpoint, Blobs
from shared.routes import Routes
from shared.telemetry import error
from shared.work.job import cancel_twins
from shared.work.ledger import Ledger

LOOKBACK = timedelta(days=2)
"""How far back content is looked for. Event Grid itself gives up after one day."""

HEAD_START = timedelta(seconds=10)
"""What is younger is left to its events."""


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
        except Unavailable as trouble:
            error("sweep.failed", route=route.name, message=str(trouble))
    return found


def open_runs(ledger: Ledger, now: datetime) -> list[dict[str, Any]]:
    """Runs that have not ended, each with its `watcher` and the `state` to carry on from if nobody does."""
    found = []
    for document in ledger.unfinished(now):
        if document["status"] in ENDED:
            continue
        try:
            state = resume(Order.from_payload(document["order"]), document, now).to_payload()
        except (KeyError, TypeError, ValueError) as trouble:
            error("sweep.failed", run_id=document["run_id"], message=f"its document cannot be read: {trouble!r}")
            continue
        found.append({"run_id": document["run_id"], "watcher": document["claimed_by"], "state": state})
    return found


def cancel_late_jobs(ledger: Ledger, endpoint: BatchEndpoint, now: datetime) -> None:
    """Cancel jobs that turned up for abandoned attempts after their run had ended."""
    for document in ledger.unfinished(now):
        if document["status"] not in ENDED:
            continue  # its own orchestration does that
        try:
            cancel_twins(endpoint, Order.from_payload(document["order"]), document["abandoned"])
        except (Unavailable, KeyError, TypeError) as trouble:
            error("sweep.failed", run_id=document["run_id"], message=str(trouble))


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
    snapshot = freeze(files, wants=landing.wants, marker=landing.route.ready.marker)
    if not snapshot.files:
        return True  # a marker alone: nothing to score
    for number in count():
        document = ledger.run(run_id(landing.route.name, landing.location, snapshot.fingerprint, number))
        if document is None:
            return False
        if not may_run_again(document, snapshot.drop):
            return True
    raise AssertionError("count() never ends")
