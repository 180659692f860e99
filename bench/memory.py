"""The memory that a look at a landing takes, and writing down what it holds as its run is claimed: of few files, and of
many. What is allocated beside what the process had before, at the most."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass

from bench.figures import Row
from bench.listed import read_lists
from shared.core.landing import Landing
from shared.core.location import Location
from shared.ports import Listing
from shared.routes import Routes
from shared.spool import IN_MEMORY, spooled
from shared.work.claiming import seen
from shared.work.stored_files import written
from testbed.examples import STATE, digits_route
from testbed.fakes import NOON, FakeBlobs, FakeClock

AIM = 1.5


def measure(*, quick: bool = False) -> list[Row]:
    """Of a landing with more files than are kept in memory, and of a larger one."""
    few, many = 2 * IN_MEMORY, (3 if quick else 6) * IN_MEMORY
    less, more = _most(few), _most(many)
    return [
        Row(
            name=f"a look and a claim of {many:,} files",
            value=more / 2**20,
            unit="MiB",
            ratio=more / less,
            against=f"of {few:,}",
            n=1,
            aim=AIM,
        )
    ]


def _most(size: int) -> int:
    """Bytes."""
    route, storage = digits_route(), Nowhere(FakeClock(), size=size)
    tracemalloc.start()
    try:
        snapshot, _ = seen(Routes((route,)), storage, Landing(route, "digits/tuesday"))
        assert len(snapshot.files) == size
        assert snapshot.fingerprint != snapshot.drop
        written(storage, Location(STATE, "snapshots/run/drop.json"), snapshot.listed())
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@dataclass
class Nowhere(FakeBlobs):
    """Storage with one long list, as the adapter reads it, that keeps nothing of what is written."""

    size: int = 0

    def list_folder(self, folder: Location, *, most: int | None = None) -> Listing:  # noqa: ARG002
        return Listing(spooled(read_lists(self.size)), seen_at=NOON)

    def replace(self, blob: Location, content: bytes, *, etag: str | None) -> bool:  # noqa: ARG002
        return True
