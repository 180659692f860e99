"""Where every file is a landing of its own, what is asked of storage concerns that file and no other."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.core.location import Location
from shared.core.record import Names
from shared.core.run import Run
from shared.core.snapshot import Verdict
from shared.core.steps import CheckLanding, Claimed, ClaimRun, LookAt
from shared.routes import Routes
from shared.work import claiming
from shared.work.ledger import Ledger
from testbed.examples import LANDING, STATE, digits_route, in_landing
from testbed.fakes import NOON, FakeBlobs, FakeClock

ROUTES = Routes((digits_route(("type: uri_folder", "type: uri_file")),))


@dataclass
class Folder:
    """A folder of files that are landings, among others that are none, and what is done with one of them."""

    blobs: FakeBlobs = field(default_factory=lambda: FakeBlobs(FakeClock()))

    def __post_init__(self) -> None:
        for number in range(1000):
            self.blobs.put(self.at(f"a{number or ''}.png"), b"pixels")
            self.blobs.put(self.at(f"a{number or ''}.png.txt"), b"notes")

    def at(self, name: str) -> Location:
        return in_landing(f"digits/tuesday/{name}")

    def names(self, name: str) -> Names:
        return Names(route="digits", landing=f"digits/tuesday/{name}", instance_id="w")

    def look(self, name: str) -> str:
        return claiming.look(ROUTES, self.blobs, Ledger(self.blobs, STATE), LookAt(self.names(name), NOON)).fingerprint

    def claim(self, name: str, fingerprint: str) -> Run:
        given = ClaimRun(names=self.names(name), fingerprint=fingerprint, refusal=None, copies=False, now=NOON)
        answer = claiming.claim(ROUTES, self.blobs, Ledger(self.blobs, STATE), given)
        assert isinstance(answer, Claimed)
        return answer.run

    def check(self, run: Run) -> Verdict:
        given = CheckLanding(
            names=run.names, drop=run.snapshot.drop, folder=run.spec.folder, file=run.spec.landing.name
        )
        return claiming.check(self.blobs, Ledger(self.blobs, STATE), given).verdict

    def asked(self) -> list[Location]:
        """Whose properties were asked for in the landing container since last time. Nothing there was listed."""
        assert LANDING not in self.blobs.listed
        found = [blob for blob in self.blobs.looked_up if blob.container == LANDING]
        self.blobs.looked_up.clear()
        return found


def test_a_thousand_files_that_begin_alike_cost_one_request_for_each_look() -> None:
    """Looking at `a` listed `a1` to `a999` as well: half a million names for a folder of a thousand files."""
    folder = Folder()
    names = [f"a{number or ''}.png" for number in range(1000)]

    for name in names:
        folder.look(name)

    assert folder.asked() == [folder.at(name) for name in names]


def test_claiming_and_checking_a_file_cost_one_request_each_and_touch_no_other() -> None:
    folder = Folder()
    fingerprint = folder.look("a.png")
    folder.asked()

    run = folder.claim("a.png", fingerprint)
    assert folder.asked() == [folder.at("a.png")]
    assert run.snapshot.files == 1

    assert folder.check(run) is Verdict.INTACT
    assert folder.asked() == [folder.at("a.png")]


def test_what_becomes_of_other_files_is_no_matter_of_one() -> None:
    folder = Folder()
    run = folder.claim("a.png", folder.look("a.png"))

    folder.blobs.delete(folder.at("a1.png"))
    folder.blobs.put(folder.at("a.png.tmp"), b"new")
    assert folder.check(run) is Verdict.INTACT

    folder.blobs.put(folder.at("a.png"), b"other pixels")
    assert folder.check(run) is Verdict.CHANGED
    folder.blobs.delete(folder.at("a.png"))
    assert folder.check(run) is Verdict.CHANGED


def test_a_file_that_is_gone_looks_empty_at_the_services_time() -> None:
    folder = Folder()
    folder.blobs.delete(folder.at("a.png"))

    look = claiming.look(ROUTES, folder.blobs, Ledger(folder.blobs, STATE), LookAt(folder.names("a.png"), NOON))

    assert (look.files, look.newest, look.seen_at) == (0, None, NOON)
