"""The probe job: sent once, followed over several requests, stopped, and removed whatever becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.core.checkup import Check, Following, Report
from shared.core.location import Container, Location
from shared.core.open_facts import Fact
from shared.core.submission import Accepted, Deferred, Rejected, Submission, Unclear
from shared.errors import InputRefused, Unavailable
from shared.work.doctor import FOLLOWED
from testbed.examples import LANDING, STATE, digits_route
from testbed.fakes import FakeEndpoint
from tests.unit.doctors import Patient, a_patient

SLOW = ("Preparing", *["Running"] * 30, "Completed")
"""Statuses of a job that is not over after one request."""


@pytest.fixture
def patient() -> Patient:
    found = a_patient()
    found.land("0.png", "1.png", "2.png", "3.png")
    return found


def probe_of(report: Report) -> Following:
    assert report.probe is not None
    return report.probe


def line_of(report: Report) -> Check:
    (line,) = [check for check in report.checks if check.name == "probe job"]
    return line


def send(patient: Patient, **more: Any) -> Report:
    return patient.ask(submit=True, route="digits", **more)


def to_the_end(patient: Patient, report: Report, **more: Any) -> Report:
    """Ask again, as a client does, until the probe has ended."""
    for _ in range(20):
        if probe_of(report).ended:
            return report
        report = patient.ask(probe=probe_of(report).id, **more)
    raise AssertionError("the probe never ended")


def test_a_job_is_sent_on_copies_of_three_files_and_followed_to_its_end(patient: Patient) -> None:
    before = patient.everything()
    copied: list[str] = []
    patient.blobs.before_copy = lambda source: copied.append(source.name)

    report = send(patient)

    assert report.is_ok
    assert line_of(report).verdict.value == "ok"
    assert probe_of(report).ended
    assert probe_of(report).status == "Completed"
    assert len(patient.endpoint.posts) == 1
    assert copied[-3:] == ["0.png", "1.png", "2.png"]
    assert patient.everything() == before


def test_what_the_job_showed_answers_what_nobody_can_tell(patient: Patient) -> None:
    patient.questions.waiting = True

    found = send(patient).findings

    assert found[Fact.OUTPUTS_SHOWN].answer == "when_completed"
    assert found[Fact.WAITING_SHOWN].answer == "as_running"


def test_a_folder_may_be_named_if_it_is_a_landing_of_the_route(patient: Patient) -> None:
    patient.land("9.png", folder="digits/friday")
    copied: list[str] = []
    patient.blobs.before_copy = lambda source: copied.append(source.path)

    send(patient, folder="digits/friday")

    assert copied[-1] == "digits/friday/9.png"
    for folder in ("letters/friday", "digits/..", "digits/friday/deeper", "../state"):
        with pytest.raises(InputRefused, match="it must be one that the route matches"):
            send(patient, folder=folder)
    assert len(patient.endpoint.posts) == 1


@pytest.mark.parametrize("route", [digits_route(), replace(digits_route(), staging="never")], ids=["empty", "never"])
def test_without_files_or_copies_no_job_is_sent_and_the_reason_is_told(route: Any) -> None:
    patient = a_patient(route)
    if route.staging == "never":
        patient.land("0.png")

    report = send(patient)

    assert line_of(report).verdict.value == "skipped"
    assert patient.endpoint.posts == []
    assert report.probe is None


def test_a_job_that_takes_longer_than_a_request_is_followed_by_the_next_ones(patient: Patient) -> None:
    patient.endpoint.statuses = SLOW
    before, began = patient.everything(), patient.clock()

    first = send(patient)

    assert not probe_of(first).ended
    assert patient.clock() - began < FOLLOWED
    assert "Ask again" in line_of(first).came_back
    last = to_the_end(patient, first)
    assert (probe_of(last).id, probe_of(last).status) == (probe_of(first).id, "Completed")
    assert last.findings[Fact.OUTPUTS_SHOWN].answer == "when_completed", "what the first request saw is not lost"
    assert len(patient.endpoint.posts) == 1
    assert patient.everything() == before


def test_a_probe_that_is_under_way_is_told_of_by_its_id(patient: Patient) -> None:
    patient.endpoint.statuses = SLOW
    first = send(patient)

    (line,) = [check for check in patient.ask().checks if check.name == "earlier probe"]

    assert probe_of(first).id in line.came_back


def test_a_job_that_still_runs_is_canceled_when_the_client_asks_and_then_removed(patient: Patient) -> None:
    patient.endpoint.statuses = SLOW
    before = patient.everything()
    first = send(patient)

    last = to_the_end(patient, first, stop=True)

    assert patient.endpoint.canceled == [probe_of(first).job]
    assert probe_of(last).status == "Canceled"
    assert last.is_ok
    assert patient.everything() == before


def test_a_job_that_failed_is_told_with_its_reason_and_removed(patient: Patient) -> None:
    patient.endpoint.statuses, patient.endpoint.reason = ("Running", "Failed"), "ValueError: 9 channels"
    before = patient.everything()

    report = send(patient)

    assert "ValueError: 9 channels" in line_of(report).came_back
    assert "in Studio" in (line_of(report).advice or "")
    assert not report.is_ok
    assert patient.everything() == before


def test_a_job_that_may_not_read_its_data_is_told_with_the_roles_of_the_compute(patient: Patient) -> None:
    patient.endpoint.statuses = ("Running", "Failed")
    patient.endpoint.reason = "StreamAccessException was caused by AuthenticationException."

    advice = line_of(send(patient)).advice or ""

    assert "compute cluster's identity Storage Blob Data Contributor on the output datastore's container" in advice


def test_a_job_that_is_shown_to_be_somebody_elses_is_told_since_the_app_would_believe_it(patient: Patient) -> None:
    patient.endpoint.is_own = False

    report = send(patient)

    assert any("another identity than the app's" in check.came_back for check in report.checks)
    assert not report.is_ok


def test_a_job_that_completed_without_its_output_has_failed(patient: Patient) -> None:
    patient.endpoint.output = lambda uri: Location(STATE, "elsewhere")

    report = send(patient)

    assert "but there is no" in line_of(report).came_back
    assert "datastore" in (line_of(report).advice or "")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Rejected(403, "does not have permissions for batchEndpoints/jobs/write actions"), "AzureML Data Scientist"),
        (Rejected(400, "the input is wrong"), "Check endpoint.scoring_uri"),
        (Deferred(30.0, "https://host/jobs answered 429: busy"), "ask again later"),
    ],
    ids=["denied", "refused", "busy"],
)
def test_a_submission_that_made_no_job_is_told_and_what_was_copied_is_removed(
    patient: Patient, answer: Submission, words: str
) -> None:
    patient.endpoint.answers = [answer]
    before = patient.everything()

    report = send(patient)

    assert words in (line_of(report).advice or "")
    assert probe_of(report).ended
    assert len(patient.endpoint.posts) == 1
    assert patient.everything() == before


def lost(endpoint: FakeEndpoint, body: Mapping[str, Any]) -> Submission:
    """A job is made, and nobody is told."""
    endpoint.make_job(body)
    return Unclear("The endpoint did not answer.")


def test_a_job_whose_answer_was_lost_is_found_and_followed_and_none_is_sent_again(patient: Patient) -> None:
    patient.endpoint.answers = [lost]
    before = patient.everything()

    report = send(patient)

    assert (probe_of(report).ended, probe_of(report).status) == (True, "Completed")
    assert len(patient.endpoint.posts) == 1
    assert patient.everything() == before


def test_a_lost_answer_that_made_no_job_ends_the_probe(patient: Patient) -> None:
    patient.endpoint.answers = [Unclear("The endpoint did not answer.")]
    before = patient.everything()

    report = send(patient)

    assert "has made no job" in line_of(report).came_back
    assert probe_of(report).ended
    assert patient.everything() == before


def test_a_job_that_may_be_there_is_waited_for_until_the_client_gives_up(patient: Patient) -> None:
    patient.endpoint.answers, patient.endpoint.lists_jobs = [lost], False
    before = patient.everything()
    first = send(patient)
    assert not probe_of(first).ended

    last = patient.ask(probe=probe_of(first).id, stop=True)

    assert probe_of(last).ended
    assert "Look in Studio" in (line_of(last).advice or "")
    assert patient.everything() == before


def test_a_probe_that_is_over_or_never_was_is_refused_before_anything_is_read(patient: Patient) -> None:
    report = send(patient)

    for probe in (probe_of(report).id, "f" * 32):
        with pytest.raises(InputRefused, match="There is no probe"):
            patient.ask(probe=probe)


def test_a_probe_that_was_interrupted_before_its_post_is_removed_without_one(patient: Patient) -> None:
    def interrupt(source: Location) -> None:
        if source.name == "1.png":
            raise SystemExit

    patient.blobs.before_copy = interrupt
    before = patient.everything()
    with pytest.raises(SystemExit):
        send(patient)
    patient.blobs.before_copy = None
    (left,) = [check for check in patient.ask().checks if check.name == "earlier probe"]
    probe = left.came_back.split()[2]

    report = patient.ask(probe=probe)

    assert probe_of(report).ended
    assert patient.endpoint.posts == []
    assert patient.everything() == before


def test_a_probe_that_another_request_has_ended_while_its_files_were_copied_is_not_sent(patient: Patient) -> None:
    def ended_by_another(source: Location) -> None:
        if source.name == "2.png":
            patient.blobs.before_copy = None
            (left,) = [check for check in patient.ask().checks if check.name == "earlier probe"]
            assert probe_of(patient.ask(probe=left.came_back.split()[2])).ended

    patient.blobs.before_copy = ended_by_another
    before = patient.everything()

    report = send(patient)

    assert "Another request has ended it" in line_of(report).came_back
    assert patient.endpoint.posts == []
    assert patient.everything() == before


def test_trouble_while_following_ends_the_request_and_not_the_probe(patient: Patient) -> None:
    patient.endpoint.statuses = SLOW
    before = patient.everything()
    patient.to_come = [(timedelta(seconds=40), lambda: setattr(patient.endpoint, "down", "503"))]

    first = send(patient)

    assert line_of(first).verdict.value == "failed"
    assert not probe_of(first).ended
    patient.endpoint.down = None
    assert probe_of(to_the_end(patient, first)).status == "Completed"
    assert patient.everything() == before


@pytest.mark.parametrize(
    ("container", "words"),
    [(LANDING, "Storage Blob Data Reader on the container landing"), (STATE, "on the container landfall")],
    ids=["landing", "ledger"],
)
def test_without_a_role_no_job_is_sent_and_the_line_names_it(
    patient: Patient, container: Container, words: str
) -> None:
    patient.blobs.unreadable.add(container)

    report = send(patient)

    assert words in (line_of(report).advice or "")
    assert patient.endpoint.posts == []
    assert report.probe is None


def test_what_cannot_be_removed_is_told_and_can_be_asked_for_again(patient: Patient) -> None:
    before = patient.everything()
    delete = patient.blobs.delete

    def refused(blob: Location, *, etag: str | None = None) -> None:
        if "/input/" in blob.path:
            raise Unavailable(f"Could not delete {blob.url}: 503 ServerBusy.")
        delete(blob, etag=etag)

    patient.blobs.delete = refused  # type: ignore[method-assign]
    first = send(patient)
    assert not probe_of(first).ended
    assert any("Not all of it could be removed" in check.came_back for check in first.checks)
    patient.blobs.delete = delete  # type: ignore[method-assign]

    last = patient.ask(probe=probe_of(first).id)

    assert probe_of(last).ended
    assert last.is_ok
    assert patient.everything() == before


def test_of_two_requests_that_follow_one_probe_the_late_one_says_that_it_is_over(patient: Patient) -> None:
    """It does not bring back what the other has removed."""
    patient.endpoint.statuses = SLOW
    before = patient.everything()
    first = send(patient)
    patient.to_come = [(timedelta(seconds=1), lambda: to_the_end(patient, first))]

    late = patient.ask(probe=probe_of(first).id)

    assert probe_of(late).ended
    assert "Another request has followed it to its end" in line_of(late).came_back
    assert patient.everything() == before


def test_two_requests_may_follow_one_probe(patient: Patient) -> None:
    patient.endpoint.statuses = ("Preparing", *["Running"] * 10, *["Finalizing"] * 10, *["Running"] * 10, "Completed")
    before = patient.everything()
    first = send(patient)
    patient.to_come = [(timedelta(seconds=1), lambda: patient.ask(probe=probe_of(first).id))]

    last = to_the_end(patient, patient.ask(probe=probe_of(first).id))

    assert probe_of(last).status == "Completed"
    assert patient.everything() == before


def test_a_request_that_comes_while_the_post_is_under_way_does_not_take_the_job_for_missing(patient: Patient) -> None:
    """It would remove what the job is about to read, and nobody would follow the job."""
    asked: list[Report] = []

    def slow(endpoint: FakeEndpoint, body: Mapping[str, Any]) -> Submission:
        (probe,) = [check.came_back.split()[2] for check in patient.ask().checks if check.name == "earlier probe"]
        patient.to_come = [(timedelta(seconds=20), lambda: setattr(endpoint, "down", "503"))]
        asked.append(patient.ask(probe=probe))
        endpoint.down = None
        return Accepted(endpoint.make_job(body))

    patient.endpoint.answers = [slow]
    before = patient.everything()

    report = send(patient)

    assert not probe_of(asked[0]).ended
    assert probe_of(to_the_end(patient, report)).status == "Completed"
    assert patient.everything() == before
