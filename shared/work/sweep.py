"""What the sweep looks for: content that the ledger does not know, and runs that have not ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from shared.ports import Blobs
from shared.routes import Routes
from shared.scoring.event import Landing
from shared.scoring.location import Location, fixed_prefix
from shared.scoring.progress import resume
from shared.scoring.route import Route
from shared.scoring.run import Order, run_id
from shared.scoring.snapshot import File, freeze
from shared.work.ledger import Ledger

LOOKBACK = timedelta(days=2)
"""How far back content is looked for. Event Grid itself gives up after one day."""

HEAD_START = timedelta(seconds=10)
"""What is younger is left to its events."""


def missed(routes: Routes, blobs: Blobs, ledger: Ledger, now: datetime) -> list[Landing]:
    """Landings with content of the last days that the ledger has no run of."""
    return [
        landing
        for route in routes.usable
        for landing, files in _landings(route, blobs)
        if _is_due(files, now) and not _is_known(landing, files, ledger)
    ]


def open_runs(ledger: Ledger, now: datetime) -> list[dict[str, Any]]:
    """Runs that have not ended, each with its `watcher` and the `state` to carry on from if nobody does."""
    return [
        {"run_id": document["run_id"], "watcher": document["claimed_by"], "state": _state(document, now)}
        for document in ledger.unfinished()
    ]


def _state(document: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    return resume(Order.from_payload(document["order"]), document, now).to_payload()


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
    return ledger.run(run_id(landing.route.name, landing.location, snapshot.fingerprint, 0)) is not None
