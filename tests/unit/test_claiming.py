"""Looking at a landing: before its run is claimed, before each later attempt, and after its job."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import pytest

from shared.core.acts import Said
from shared.core.location import Container, Location
from shared.core.pause import paused, resumed
from shared.core.record import Names, change
from shared.core.run import Error, Run, Status
from shared.core.snapshot import Verdict
from shared.core.steps import (
    RENEW_SPEC,
    Checked,
    CheckLanding,
    ClaimAnswer,
    Claimed,
    ClaimRun,
    ContentChanged,
    Known,
    LookAt,
    MayBeSent,
    NoRoute,
    Paused,
    Postponed,
    Renewed,
    RenewSpec,
    Superseded,
)
from shared.errors import InputRefused, Problem, RoutesInvalid, Unavailable
from shared.ports import Announcer, Listing
from shared.routes import Routes
from shared.work import claiming
from shared.work.ledger import Ledger
from shared.work.table import WORK
from testbed.examples import STATE, digits_route, in_landing
from testbed.fakes import NOON, FakeBlobs, FakeClock, FakeEndpoint
from tests.triggers.log import told

MARKED = ("quiet: 5s", "marker: _SUCCESS")
FILES = ("type: uri_folder", "type: uri_file")
MOVED = ("folder: digits/{batch}", "folder: numbers/{batch}")
BETTER = ("endpoint:", "endpoint:\n      deployment: better")
WRONG = Routes((), (Problem("digits", "ready", "is wrong"),))


@dataclass
class Site:
    """A landing with one file, and what is needed to look at it."""

    routes: Routes = field(default_factory=lambda: Routes((digits_route(),)))
    blobs: FakeBlobs = field(default_factory=lambda: FakeBlobs(FakeClock()))
    path: str = "digits/tuesday"

    def __post_init__(self) -> None:
        self.drop("0.png")

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.blobs, STATE)

    def drop(self, name: str, content: bytes = b"pixels") -> None:
        self.blobs.put(in_landing(f"digits/tuesday/{name}"), content)

    def names(self, instance_id: str = "watch-1") -> Names:
        return Names(route="digits", landing=self.path, instance_id=instance_id)

    def fingerprint(self) -> str:
        return claiming.look(self.routes, self.blobs, self.ledger, LookAt(self.names(), NOON)).fingerprint

    def claim(self, who: str = "watch-1") -> ClaimAnswer:
        """What a watcher learns that claims what it has just seen."""
        given = ClaimRun(names=self.names(who), fingerprint=self.fingerprint(), refusal=None, copies=False, now=NOON)
        return claiming.claim(self.routes, self.blobs, self.ledger, given)

    def claimed(self, who: str = "watch-1") -> Run:
        answer = self.claim(who)
        assert isinstance(answer, Claimed)
        return answer.run

    def renew(self, run: Run, *, attempt: int = 2, take: bool = False) -> Renewed | Superseded | MayBeSent | Postponed:
        """What the run learns before that attempt."""
        given = RenewSpec(
            names=run.names, attempt=attempt, take=take, fingerprint=run.snapshot.fingerprint, copies=False
        )
        return claiming.renew(lambda: self.routes, self.blobs, self.ledger, given)

    def check(self, run: Run, *, file: str | None = None) -> Verdict:
        given = CheckLanding(names=run.names, drop=run.snapshot.drop, folder=run.spec.folder, file=file)
        checked = claiming.check(self.blobs, self.ledger, given)
        assert isinstance(checked, Checked)
        return checked.verdict

    def ended(self, run: Run, status: Status) -> None:
        """Have the ledger know that the run has ended."""
        progress = change(run.progress, status=status, error=Error("why", "why"), revision=run.revision + 1)
        self.ledger.record(run.run_id, progress, None)


def test_what_a_landing_holds_is_seen() -> None:
    site = Site()
    site.drop("notes.txt")

    look = claiming.look(site.routes, site.blobs, site.ledger, LookAt(site.names(), NOON))

    assert (look.files, look.newest, look.seen_at, look.marked) == (1, NOON, NOON, False)


@pytest.mark.parametrize(
    ("path", "pairs", "left_out"),
    [("digits/tuesday", (), 2), ("digits/tuesday", (MARKED,), 1), ("digits/tuesday/0.png", (FILES,), 0)],
    ids=["a folder", "a folder with its marker", "a file"],
)
def test_the_log_says_how_many_files_a_look_has_left_out(
    path: str, pairs: tuple[tuple[str, str], ...], left_out: int, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(routes=Routes((digits_route(*pairs),)), path=path)
    site.drop("notes.txt")
    site.drop("_SUCCESS")
    caplog.set_level(logging.INFO, "landfall")

    claiming.look(site.routes, site.blobs, site.ledger, LookAt(site.names(), NOON))

    (seen,) = told(caplog, "landing.seen")
    assert (seen["files"], seen["left_out"]) == (1, left_out)


def test_where_files_can_be_renamed_a_look_does_not_go_by_their_times() -> None:
    site = Site()
    site.blobs.hierarchical = True

    look = claiming.look(site.routes, site.blobs, site.ledger, LookAt(site.names(), NOON))

    assert (look.files, look.newest) == (1, None)


def test_where_a_marker_says_that_all_is_there_nobody_is_asked_for_a_hierarchy() -> None:
    site = Site(Routes((digits_route(("quiet: 5s", "marker: _SUCCESS")),)))

    def asked(container: Container) -> bool:
        raise AssertionError(container)

    site.blobs.is_hierarchical = asked  # type: ignore[method-assign]

    assert claiming.look(site.routes, site.blobs, site.ledger, LookAt(site.names(), NOON)).files == 1


@pytest.mark.parametrize("routes", [Routes(()), Routes((digits_route(MOVED),))], ids=["no route", "another folder"])
def test_a_landing_that_no_route_takes_any_more_looks_empty_and_is_let_go(routes: Routes) -> None:
    """Its watch is under way while the folder pattern changes, and would fail at claiming for ever."""
    site = Site(routes)

    look = claiming.look(site.routes, site.blobs, site.ledger, LookAt(site.names(), NOON))

    assert (look.files, look.marked) == (0, True)
    assert site.claim() == NoRoute()


def test_of_a_paused_route_nothing_is_claimed_until_it_is_resumed() -> None:
    site = Site()
    site.ledger.change_standing("digits", lambda standing: paused(standing, Said(at=NOON)))

    assert site.claim() == Paused()
    assert list(site.ledger.newest()) == []

    site.ledger.change_standing("digits", lambda standing: resumed(standing, Said(at=NOON)))
    assert site.claimed().landing == "digits/tuesday"


def test_a_pause_of_one_route_is_none_of_another_one() -> None:
    site = Site()
    site.ledger.change_standing("letters", lambda standing: paused(standing, Said(at=NOON)))

    assert isinstance(site.claim(), Claimed)


def test_a_landing_whose_route_has_a_problem_is_not_let_go() -> None:
    """Nobody can tell whether the route, once it is corrected, takes it."""
    site = Site(WRONG)

    with pytest.raises(RoutesInvalid, match="is wrong"):
        claiming.look(site.routes, site.blobs, site.ledger, LookAt(site.names(), NOON))


def test_what_was_seen_is_frozen_and_its_run_claimed() -> None:
    site = Site()

    run = site.claimed()

    assert (run.status, run.claimed_by, run.number, run.snapshot.files) == (Status.CLAIMED, "watch-1", 0, 1)
    assert site.ledger.run(run.run_id) == run
    assert [file.name for file in site.ledger.snapshot(run.run_id, run.snapshot.drop)] == ["0.png"]


def test_a_claim_whose_answer_was_lost_is_answered_by_the_same_run() -> None:
    site = Site()

    assert site.claimed() == site.claimed()


def test_the_claim_of_another_or_of_a_run_that_has_begun_is_known() -> None:
    site = Site()
    run = site.claimed()

    assert site.claim("watch-2") == Known(run.run_id)
    site.ledger.record(run.run_id, change(run.progress, status=Status.SUBMITTING, revision=1), None)
    assert site.claim() == Known(run.run_id)


def test_content_that_is_no_longer_what_was_seen_is_not_claimed() -> None:
    site = Site()
    given = ClaimRun(names=site.names(), fingerprint=site.fingerprint(), refusal=None, copies=False, now=NOON)
    site.drop("1.png")

    assert claiming.claim(site.routes, site.blobs, site.ledger, given) == ContentChanged()


def test_content_whose_run_was_superseded_is_claimed_again() -> None:
    site = Site()
    site.ended(site.claimed(), Status.SUPERSEDED)

    assert site.claimed().number == 1


def test_content_whose_run_has_failed_is_claimed_again_once_it_was_dropped_anew() -> None:
    site = Site()
    run = site.claimed()
    site.ended(run, Status.FAILED)

    assert site.claim() == Known(run.run_id)
    site.drop("0.png")
    assert site.claimed().number == 1


def test_before_another_attempt_a_corrected_route_is_read() -> None:
    site = Site()
    run = site.claimed()
    site.routes = Routes((digits_route(BETTER),))

    answer = site.renew(run)

    assert isinstance(answer, Renewed)
    assert answer.spec.endpoint.deployment == "better"
    assert answer.spec.publish == run.spec.publish


def test_before_another_attempt_newer_content_is_seen() -> None:
    site = Site()
    run = site.claimed()
    site.drop("0.png", b"other pixels")

    assert site.renew(run) == Superseded()


def test_an_attempt_whose_post_may_have_been_sent_reads_nothing() -> None:
    site = Site()
    run = site.claimed()
    site.ledger.may_post(run.run_id, 2, "nonce")
    site.routes = WRONG

    assert site.renew(run) == MayBeSent()
    assert site.renew(run, attempt=3) != MayBeSent()


def test_an_attempt_that_might_still_be_sent_late_is_sent_by_nobody_once_its_note_is_taken() -> None:
    site = Site()
    run = site.claimed()

    assert isinstance(site.renew(run, take=True), Renewed)

    assert not site.ledger.may_post(run.run_id, 2, "late")


def test_an_attempt_that_was_sent_late_is_not_taken_any_more() -> None:
    site = Site()
    run = site.claimed()
    assert site.ledger.may_post(run.run_id, 2, "late")

    assert site.renew(run, take=True) == MayBeSent()


def test_a_note_that_was_taken_by_a_call_that_then_failed_is_not_that_of_a_post() -> None:
    site = Site()
    run = site.claimed()
    listing = site.blobs.list_folder

    def away(folder: Location, *, most: int | None = None) -> Listing:
        raise Unavailable("503")

    site.blobs.list_folder = away  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        site.renew(run, take=True)
    site.blobs.list_folder = listing  # type: ignore[method-assign]

    assert isinstance(site.renew(run, take=True), Renewed)


def test_a_route_with_a_problem_postpones_the_attempt() -> None:
    site = Site()
    run = site.claimed()
    site.routes = WRONG

    answer = site.renew(run)

    assert isinstance(answer, Postponed)
    assert "route 'digits', ready: is wrong" in answer.message


def test_a_route_that_was_removed_ends_the_attempts() -> None:
    site = Site()
    run = site.claimed()
    site.routes = Routes(())

    with pytest.raises(InputRefused, match="Route 'digits' is gone or no longer matches 'digits/tuesday'"):
        site.renew(run)


def test_after_the_job_the_landing_is_compared_with_what_was_frozen() -> None:
    site = Site()
    run = site.claimed()

    assert site.check(run) is Verdict.INTACT
    site.drop("1.png")
    assert site.check(run) is Verdict.MORE
    site.drop("0.png", b"other pixels")
    assert site.check(run) is Verdict.CHANGED


def test_a_single_file_is_compared_alone() -> None:
    site = Site(Routes((digits_route(FILES),)), path="digits/tuesday/0.png")
    run = site.claimed()
    site.drop("1.png")
    site.drop("0.png.bak")

    assert site.check(run, file="0.png") is Verdict.INTACT


class Unread:
    """Means whose routes file cannot be read at all, as right after a deployment that broke it."""

    def __init__(self, site: Site) -> None:
        self.blobs, self.ledger, self.endpoint = site.blobs, site.ledger, FakeEndpoint()
        self.now = site.blobs.clock
        self.announcer: Announcer | None = None

    @property
    def routes(self) -> Routes:
        raise RoutesInvalid([Problem("", "routes.yaml", "cannot be read")])

    def new_id(self) -> str:
        return "nonce"


def test_a_routes_file_that_cannot_be_read_postpones_the_attempt_like_a_route_with_a_problem() -> None:
    """The deployment that broke it also interrupted the attempt before; the run ended, and its job went on."""
    site = Site()
    run = site.claimed()
    site.ledger.may_post(run.run_id, 2, "nonce")
    work = WORK[RENEW_SPEC]

    def answer(attempt: int) -> object:
        given = RenewSpec(
            names=run.names, attempt=attempt, take=False, fingerprint=run.snapshot.fingerprint, copies=False
        )
        return work(Unread(site), given)

    assert answer(2) == MayBeSent()
    assert answer(3) == Postponed("routes.yaml has problems:\n  - routes.yaml: cannot be read")
