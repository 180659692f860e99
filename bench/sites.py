"""Landings, runs and routes of any size over storage in memory, and what the app does with them: for `growth`.

Each function makes ready for so many items and answers what is to be measured.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from shared.core.job import Job
from shared.core.landing import Landing
from shared.core.location import Container, Location
from shared.core.record import Names, change
from shared.core.run import Error, Published, Run, Status
from shared.core.snapshot import File
from shared.core.steps import Claimed, ClaimRun, CopyOutputs, LookAt, Publish, RecordRun, SealPublication, StageInput
from shared.ports import Listing
from shared.routes import Routes
from shared.work import claiming, inquiry, publishing, recording, submitting, sweeping
from shared.work.inquiry import read_query
from shared.work.ledger import Ledger
from testbed.examples import LAKEHOUSE, LANDING, SETTINGS, STATE, digits_route
from testbed.fakes import NOON, FakeBlobs, FakeClock

Act = Callable[[], object]

BATCH = 250
"""Files that one activity copies."""
NEW = 100
"""Landings that have come since the last sweep."""
ROUNDS = 3
"""Sweeps that have seen the old landings."""
FOLDER = "digits/tuesday"
STORE = Container(SETTINGS["WORKSPACE_ACCOUNT_URL"], SETTINGS["WORKSPACE_CONTAINER"])
WHERE = Published(url="https://lake/run", container=LAKEHOUSE.name, path="digits", outputs=1, bytes=8)
JOB = Job(name="batchjob-1", status="Completed")
WHY = Error("job_failed", "The script raised KeyError.")


class Still(FakeBlobs):
    """Answers the list of a landing at once: the fake's own work for it is not to be measured."""

    listing: Listing | None = None

    def list_folder(self, folder: Location, *, most: int | None = None) -> Listing:
        return self.listing if self.listing is not None else super().list_folder(folder, most=most)


@dataclass
class Site:
    """A landing with so many files, and what works on it."""

    files: int
    clock: FakeClock = field(default_factory=FakeClock)
    folder: str = FOLDER

    def __post_init__(self) -> None:
        self.route = digits_route()
        self.routes = Routes((self.route,))
        self.blobs = Still(self.clock)
        self.ledger = Ledger(self.blobs, STATE)
        self.listing = Listing(tuple(_file(number) for number in range(self.files)), seen_at=NOON)
        self.blobs.listing = self.listing

    @property
    def names(self) -> Names:
        return Names(route="digits", landing=self.folder, instance_id="bench")

    def look(self) -> str:
        return claiming.look(self.routes, self.blobs, self.ledger, LookAt(self.names, self.clock())).fingerprint

    def claim(self, fingerprint: str) -> Run:
        given = ClaimRun(names=self.names, fingerprint=fingerprint, refusal=None, copies=False, now=self.clock())
        answer = claiming.claim(self.routes, self.blobs, self.ledger, given)
        assert isinstance(answer, Claimed)
        return answer.run


def _file(number: int) -> File:
    name = f"{number:06}.png"
    return File(name=name, etag=f"0x{number:X}", size=100, md5="1B2M2Y8AsgTpgAmY7PhCfg==", modified=NOON)


def looking(size: int) -> Act:
    return Site(size).look


def claiming_run(size: int) -> Act:
    site = Site(size)
    fingerprint = site.look()
    return lambda: site.claim(fingerprint)


def digesting(size: int) -> Act:
    files = [_file(number) for number in range(size)]

    def digest() -> None:
        found = hashlib.sha256()
        for file in files:
            found.update(f"{file.name}\0{file.etag}\0{file.size}\n".encode())

    return digest


def staging(size: int) -> Act:
    site = Site(size)
    run = site.claim(site.look())
    for file in site.listing.files:
        _put(site.blobs, Location(LANDING, f"{FOLDER}/{file.name}"), file)
    source, target = Location(LANDING, FOLDER), Location(STORE, "staged")
    names, drop = run.names, run.snapshot.drop

    def stage() -> None:
        for start in range(0, size, BATCH):
            step = StageInput(names=names, drop=drop, source=source, target=target, start=start, stop=start + BATCH)
            submitting.stage_input(site.blobs, site.ledger, step)

    return stage


def publishing_outputs(size: int) -> Act:
    site = Site(3)
    run = site.claim(site.look())
    source, target = Location(STORE, "out"), Location(LAKEHOUSE, "digits/tuesday/run")
    for number in range(size):
        _put(site.blobs, source.at(f"{number:06}.csv"), _file(number))
    publish = Publish(names=run.names, attempt=1, source=source, target=target)

    def act() -> None:
        publishing.list_outputs(site.blobs, site.ledger, publish)
        for start in range(0, size, BATCH):
            step = CopyOutputs(publish=publish, start=start, stop=start + BATCH)
            publishing.copy_outputs(site.blobs, site.ledger, step)
        publishing.seal(site.blobs, site.ledger, SealPublication(publish=publish, now=NOON))

    return act


def _put(blobs: FakeBlobs, where: Location, file: File) -> None:
    blobs.contents[where] = (b"", replace(file, name=where.path, size=0))


def sweeping_old(size: int) -> Act:
    site = Site(0)
    site.blobs.listing = None
    for number in range(size):
        site.blobs.put(Location(LANDING, f"digits/old-{number:06}/0.png"), b"1")
    site.clock.advance(days=3)

    def sweep() -> Sequence[Landing]:
        site.clock.advance(minutes=15)
        return sweeping.missed(site.routes, site.blobs, site.ledger, site.clock)

    for _ in range(ROUNDS):
        assert not sweep()
    for number in range(NEW):
        site.blobs.put(Location(LANDING, f"digits/new-{number:06}/0.png"), b"1")

    def act() -> None:
        assert len(sweep()) == NEW

    return act


def failed_runs(size: int) -> Act:
    """The newest of which every tenth has failed."""
    site = Site(1)
    for number in range(size):
        site.clock.advance(seconds=1)
        site.folder = f"digits/{number:06}"
        run = site.claim(site.look())
        ended = {"revision": run.revision + 1, "timings": change(run.timings, ended=site.clock())}
        failed, published = (
            {"status": Status.FAILED, "error": WHY},
            {"status": Status.PUBLISHED, "publication": WHERE, "job": JOB},
        )
        progress = change(run.progress, **ended, **(published if number % 10 else failed))
        recording.record(site.ledger, RecordRun(names=run.names, progress=progress, spec=None))
    query = read_query({"status": "failed", "limit": "20"})

    def act() -> None:
        assert len(inquiry.runs(site.ledger, query).runs) == 20

    return act
