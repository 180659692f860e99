"""An app in memory for the doctor to look at, in which single things can be taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import IO, Any

from shared.core.checkup import Check, Report, Request, Verdict
from shared.core.location import Container, Location
from shared.core.route import Route
from shared.core.snapshot import File
from shared.errors import Denied
from shared.ports import Announcer, Copied, Stored
from shared.routes import Routes
from shared.work.doctor import examine
from shared.work.ledger import Ledger
from testbed.examples import LANDING, STATE, digits_route, endpoint_over
from testbed.fakes import FakeBlobs, FakeClock, FakeEndpoint
from testbed.questions import FakeQuestions


@dataclass
class GuardedBlobs(FakeBlobs):
    """Storage in which the app's identity may lack a role. `unreadable` and `unwritable`: containers; what cannot be
    read cannot be written either."""

    unreadable: set[Container] = field(default_factory=set)
    unwritable: set[Container] = field(default_factory=set)
    before_read: Callable[[Location], None] | None = None

    def list_below(self, folder: Location) -> Sequence[File]:
        self._read_in(folder.container)
        return super().list_below(folder)

    def names(self, container: Container, prefix: str, *, folders: bool = False) -> Iterable[str]:
        self._read_in(container)
        return super().names(container, prefix, folders=folders)

    def read(self, blob: Location) -> Stored | None:
        self._read_in(blob.container)
        if self.before_read is not None:
            self.before_read(blob)
        return super().read(blob)

    def create(self, blob: Location, content: bytes | IO[bytes]) -> bool:
        self._write_in(blob.container)
        return super().create(blob, content)

    def copy(self, source: Location, target: Location, **given: Any) -> Copied:
        self._read_in(source.container)
        self._write_in(target.container)
        return super().copy(source, target, **given)

    def _read_in(self, container: Container) -> None:
        if container in self.unreadable:
            raise Denied(
                f"Could not list {container.url}: 403 AuthorizationPermissionMismatch. Give the app's identity more."
            )

    def _write_in(self, container: Container) -> None:
        if container in self.unreadable | self.unwritable:
            raise Denied(f"Could not write {container.url}: 403 AuthorizationPermissionMismatch.")


@dataclass
class Patient:
    """What the doctor works with, at noon, over fakes. Waiting moves the clock; `to_come`: what happens meanwhile, and
    after how much waiting."""

    routes: Routes
    clock: FakeClock
    blobs: GuardedBlobs
    endpoint: FakeEndpoint
    questions: FakeQuestions
    ledger: Ledger
    announcer: Announcer | None = None
    ids: int = 0
    to_come: list[tuple[timedelta, Callable[[], object]]] = field(default_factory=list)

    @property
    def now(self) -> FakeClock:
        return self.clock

    def new_id(self) -> str:
        self.ids += 1
        return f"00000000-0000-0000-0000-{self.ids:012d}"

    def pause(self, span: timedelta) -> None:
        self.clock.moment += span
        self.to_come = [(left - span, happens) for left, happens in self.to_come]
        while self.to_come and self.to_come[0][0] <= timedelta():
            self.to_come.pop(0)[1]()

    def land(self, *names: str, folder: str = "digits/tuesday") -> None:
        for name in names:
            self.blobs.put(Location(LANDING, f"{folder}/{name}"), b"pixels of " + name.encode())

    def ask(self, **asked: Any) -> Report:
        return examine(self, Request(**asked))

    def everything(self) -> Mapping[Location, str]:
        """Every blob that there is, by its content."""
        return {blob: file.etag for blob, (_, file) in self.blobs.contents.items()}


def a_patient(route: Route | None = None, *more: Route) -> Patient:
    route = route or digits_route()
    clock = FakeClock()
    blobs = GuardedBlobs(clock)
    endpoint = endpoint_over(blobs, route)
    return Patient(
        routes=Routes((route, *more)),
        clock=clock,
        blobs=blobs,
        endpoint=endpoint,
        questions=FakeQuestions(endpoint),
        ledger=Ledger(blobs, STATE),
    )


def verdicts(report: Report) -> dict[str, str]:
    """How each check came out, by its name."""
    return {check.name: check.verdict.value for check in report.checks}


def failed(report: Report) -> list[Check]:
    return [check for check in report.checks if check.verdict is Verdict.FAILED]
