"""What becomes of a run, for clients that follow 202 and Location by themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.core.job import Job
from shared.core.run import Error, Published, Status
from tests.triggers.app import App
from tests.triggers.requests import URL, ask, end, outcome, run_of

UNKNOWN = f"digits-{0:020x}"
PUBLICATION = Published(url="https://lake/run", container="lakehouse", path="digits/tuesday", outputs=1, bytes=8)
WHY = Error("job_failed", "Azure ML reports: out of memory.")
NEWER = Error("superseded", "Files were changed while the job ran. The landing has newer content.")


@pytest.fixture
def run_id(app: App) -> str:
    app.land("0.png")
    return ask(app).run_id


def publish(app: App, run_id: str) -> None:
    job = Job(name="batchjob-1", status="Completed")
    end(app, run_of(app, run_id), Status.PUBLISHED, job=job, publication=PUBLICATION)


def test_a_run_that_is_under_way_is_accepted_again_with_the_same_headers(app: App, run_id: str) -> None:
    answer = outcome(run_id, params={"fail": "status", "code": "key"})

    assert (answer.status, answer.body["status"]) == (202, "claimed")
    assert answer.location == f"{URL}/{run_id}/outcome?fail=status&code=key"
    assert answer.headers["Retry-After"] == "1"
    assert set(answer.body) == {"run_id", "status", "links"}


def test_who_has_waited_long_waits_longer_and_never_more_than_a_minute(app: App, run_id: str) -> None:
    app.clock.moment += timedelta(minutes=2)
    assert outcome(run_id).headers["Retry-After"] == "12"

    app.clock.moment += timedelta(days=1)
    assert outcome(run_id).headers["Retry-After"] == "60"


@pytest.mark.parametrize("params", [{}, {"fail": "status"}], ids=["by the body", "by the status"])
def test_a_published_run_is_shown_as_it_is(app: App, run_id: str, params: dict[str, str]) -> None:
    publish(app, run_id)

    answer = outcome(run_id, params=params)

    assert (answer.status, answer.body["run_id"], answer.body["status"]) == (200, run_id, "published")
    assert answer.body["publication"]["url"] == PUBLICATION.url
    assert [file["name"] for file in answer.body["snapshot"]["list"]] == ["0.png"]
    assert "Location" not in answer.headers


@pytest.mark.parametrize(
    ("status", "why"), [(Status.FAILED, WHY), (Status.SUPERSEDED, NEWER)], ids=["failed", "superseded"]
)
def test_a_run_that_was_not_published_says_why_and_fails_who_looks_at_the_status_alone(
    app: App, run_id: str, status: Status, why: Error
) -> None:
    end(app, run_of(app, run_id), status, error=why)

    by_body, by_status = outcome(run_id), outcome(run_id, params={"fail": "status"})

    assert (by_body.status, by_status.status) == (200, 500)
    assert by_body.body == by_status.body
    assert (by_body.body["status"], by_body.body["error"]["message"]) == (status, why.message)
    assert by_body.body["links"]["runs_of_route"] == f"{URL}?route=digits"


def test_an_outcome_of_very_many_files_leaves_their_list_to_the_run_itself(app: App) -> None:
    app.land(*(f"{number:05}.png" for number in range(1_001)))
    run_id = ask(app).run_id
    publish(app, run_id)

    shown = outcome(run_id).body

    assert shown["snapshot"]["files"] == 1_001
    assert "list" not in shown["snapshot"]
    assert shown["links"]["run"] == f"{URL}/{run_id}"


def test_a_run_that_is_not_there_has_no_outcome(app: App) -> None:
    assert outcome(UNKNOWN).status == 404


def test_what_cannot_be_the_id_of_a_run_is_not_looked_for(app: App) -> None:
    app.blobs.down = "nobody should ask"

    assert outcome("../health").status == 400


def test_a_ledger_that_does_not_answer_is_trouble_of_the_service(app: App) -> None:
    app.blobs.down = "storage: 503"

    assert outcome(UNKNOWN).status == 503
