"""Staging the input, sending a submission at most once, and all else that is done with an endpoint and its jobs."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from shared.core.finding import CannotTell, Found, MayBeThere, NotThere, SearchAnswer
from shared.core.job import Job
from shared.core.location import Location
from shared.core.snapshot import Frozen
from shared.core.steps import (
    CancelAsked,
    Explained,
    JobOf,
    ObserveJob,
    SearchJob,
    Seen,
    Staged,
    StageInput,
    SubmitAnswer,
    SubmitJob,
)
from shared.core.submission import Accepted, Deferred, Rejected, Submission, Unclear, invoke_body
from shared.errors import Unavailable
from shared.work import submitting
from shared.work.ledger import Ledger
from testbed.examples import STATE, in_landing
from testbed.fakes import FakeBlobs, FakeClock, FakeEndpoint
from tests.unit.runs import a_run, copies_of

RUN = a_run()
REQUEST = RUN.spec.request(1)
SUBMIT = SubmitJob(names=RUN.names, attempt=1, request=REQUEST)


def source(name: str) -> Location:
    return in_landing(f"digits/tuesday/{name}")


@dataclass
class Site:
    """A claimed run of two files. `has_md5`: whether the service knows what is in them."""

    has_md5: bool = True
    blobs: FakeBlobs = field(default_factory=lambda: FakeBlobs(FakeClock()))
    endpoint: FakeEndpoint = field(default_factory=FakeEndpoint)

    def __post_init__(self) -> None:
        listed = [self.blobs.put(source(name), name.encode()) for name in ("0.png", "1.png")]
        frozen = [
            Frozen(
                name=file.name.rpartition("/")[2],
                etag=file.etag,
                size=file.size,
                md5=file.md5 if self.has_md5 else None,
            )
            for file in listed
        ]
        self.ledger.claim(RUN, frozen)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.blobs, STATE)

    def stage(self, start: int = 0, stop: int = 2) -> Staged:
        given = StageInput(
            names=RUN.names,
            drop=RUN.snapshot.drop,
            source=RUN.spec.folder,
            target=RUN.spec.copies,
            start=start,
            stop=stop,
        )
        return submitting.stage_input(self.blobs, self.ledger, given)

    def copied(self) -> dict[str, bytes]:
        paths = {copies_of(name): name for name in ("0.png", "1.png")}
        return {name: self.blobs.contents[place][0] for place, name in paths.items() if place in self.blobs.contents}

    def submit(self, nonce: str = "nonce-1") -> SubmitAnswer:
        return submitting.submit(self.endpoint, self.ledger, SUBMIT, nonce=nonce)


def test_the_files_of_the_snapshot_are_copied_and_no_others() -> None:
    site = Site()
    site.blobs.put(source("2.png"), b"late")

    assert site.stage() == Staged()
    assert site.copied() == {"0.png": b"0.png", "1.png": b"1.png"}
    assert copies_of("2.png") not in site.blobs.contents


def test_a_part_of_the_files_is_copied_by_each_activity() -> None:
    site = Site()

    site.stage(1, 2)

    assert list(site.copied()) == ["1.png"]


def test_files_that_were_copied_already_are_left_as_they_are() -> None:
    site = Site()
    site.stage()
    writes = site.blobs.writes

    assert site.stage() == Staged()
    assert site.blobs.writes == writes


def test_the_same_bytes_dropped_again_are_copied() -> None:
    site = Site()
    site.blobs.put(source("1.png"), b"1.png")

    assert site.stage() == Staged()
    assert site.copied() == {"0.png": b"0.png", "1.png": b"1.png"}


@pytest.mark.parametrize("has_md5", [True, False], ids=["known by its MD5", "known by its etag"])
def test_a_file_with_other_bytes_is_told_and_not_copied(has_md5: bool) -> None:
    site = Site(has_md5)
    site.blobs.put(source("1.png"), b"other")

    assert site.stage() == Staged("1.png")
    assert list(site.copied()) == ["0.png"]


def test_a_file_that_was_removed_is_told() -> None:
    site = Site()
    site.blobs.delete(source("0.png"))

    assert site.stage() == Staged("0.png")


def test_a_file_without_md5_that_was_dropped_again_has_changed_as_far_as_anybody_knows() -> None:
    site = Site(has_md5=False)
    site.blobs.put(source("0.png"), b"0.png")

    assert site.stage() == Staged("0.png")


def test_what_lies_in_a_copys_place_and_is_none_is_told() -> None:
    site = Site()
    site.blobs.put(copies_of("0.png"), b"of somebody else")

    with pytest.raises(Unavailable, match=r"input/0\.png is not a copy of the file in the snapshot; remove it"):
        site.stage()


def test_an_attempts_post_is_sent_once_however_often_the_step_is_carried_out() -> None:
    site = Site()

    first, again = site.submit("nonce-1"), site.submit("nonce-2")

    assert isinstance(first, Accepted)
    assert again == Unclear("The submission was interrupted.")
    assert len(site.endpoint.posts) == 1


@pytest.mark.parametrize(
    "answer",
    [Rejected(404, "no deployment"), Deferred(30, "busy"), Unclear("time-out")],
    ids=["rejected", "deferred", "unclear"],
)
def test_what_the_endpoint_answers_is_what_the_run_is_told(answer: Submission) -> None:
    site = Site(endpoint=FakeEndpoint(answers=[answer]))

    assert site.submit() == answer


def search(site: Site, *, own: tuple[str, ...] = ()) -> SearchAnswer:
    given = SearchJob(names=RUN.names, attempt=1, sent=RUN.sent, own=own)
    return submitting.search(site.endpoint, site.blobs, site.ledger, given)


def test_a_job_is_found_by_the_output_that_it_writes() -> None:
    site = Site()
    assert search(site) == NotThere()
    site.submit()

    found = search(site)

    assert isinstance(found, Found)
    assert found.job.name == "batchjob-1"


def test_a_job_that_does_not_show_its_output_may_be_the_one_until_it_has_completed() -> None:
    site = Site(endpoint=FakeEndpoint(shows_outputs="when_completed"))
    site.submit()

    assert [type(search(site)) for _ in range(3)] == [MayBeThere, MayBeThere, Found]


@pytest.mark.parametrize("wrote", [True, False], ids=["output", "no output"])
def test_a_job_that_never_shows_its_output_is_known_by_what_it_wrote(wrote: bool) -> None:
    site = Site(endpoint=FakeEndpoint(shows_outputs="never"))
    site.submit()
    while isinstance(search(site), MayBeThere):
        assert site.endpoint.looks["batchjob-1"] < 3
    if wrote:
        site.blobs.put(REQUEST.the_output.place, b"0.png 7")

    assert isinstance(search(site), Found if wrote else NotThere)


def test_an_endpoint_that_does_not_list_its_jobs_is_told() -> None:
    assert search(Site(endpoint=FakeEndpoint(lists_jobs=False))) == CannotTell("it does not list them")


def test_a_job_is_seen_as_it_is_or_not_at_all() -> None:
    site = Site()
    site.submit()

    seen, missing = (
        submitting.observe(
            site.endpoint, site.ledger, ObserveJob(names=RUN.names, endpoint=REQUEST.endpoint, job=Job(name=name))
        )
        for name in ("batchjob-1", "batchjob-9")
    )

    assert seen.job is not None
    assert (seen.job.name, seen.job.status) == ("batchjob-1", "Preparing")
    assert missing == Seen(None)


def submitted_to(endpoint: FakeEndpoint) -> Job:
    """A job that was looked at once."""
    answer = endpoint.submit(REQUEST.endpoint, invoke_body(REQUEST))
    assert isinstance(answer, Accepted)
    seen = endpoint.job(REQUEST.endpoint, answer.job)
    assert seen is not None
    return seen


@pytest.mark.parametrize(
    ("status", "accepted"), [("Running", True), ("Completed", False)], ids=["taken", "nothing to cancel"]
)
def test_whether_a_cancelation_was_taken_is_told(status: str, accepted: bool) -> None:
    endpoint = FakeEndpoint(statuses=(status,))

    assert submitting.cancel(endpoint, JobOf(RUN.names, REQUEST.endpoint, submitted_to(endpoint))) == CancelAsked(
        accepted
    )


@pytest.mark.parametrize("reason", ["Out of memory.", None], ids=["words", "no words"])
def test_the_services_own_words_are_passed_on(reason: str | None) -> None:
    endpoint = FakeEndpoint(statuses=("Failed",), reason=reason)

    assert submitting.explain(endpoint, JobOf(RUN.names, REQUEST.endpoint, submitted_to(endpoint))) == Explained(reason)
