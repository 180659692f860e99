"""What a reply says about Azure, and what it does not."""

from __future__ import annotations

import base64
import json

import pytest

from local.azure import FACTS
from shared.core.open_facts import (
    ALL_UNKNOWN,
    UNKNOWN,
    Fact,
    Finding,
    Reply,
    deployment_header,
    lists_jobs,
    not_seen,
    queue_encoding,
    together,
    unknown_job,
)

EVENT = {"topic": "/subscriptions/s", "subject": "x", "eventType": "Microsoft.Storage.BlobCreated", "data": {}}


def replied(status: int | None, words: str = "") -> Reply:
    return Reply(asked="GET https://host/jobs", status=status, words=words)


def test_the_facts_are_those_that_the_local_cloud_plays() -> None:
    """Spelled out twice, because neither may know of the other."""
    assert [fact.value for fact in Fact] == list(FACTS)


@pytest.mark.parametrize(
    ("status", "answer"),
    [(200, "lists"), (404, "404"), (405, "405"), (400, "400"), (501, UNKNOWN), (403, UNKNOWN), (None, UNKNOWN)],
)
def test_jobs_are_listed_or_refused_in_a_way_that_is_told(status: int | None, answer: str) -> None:
    found = lists_jobs(replied(status, "words of the service"))

    assert found.answer == answer
    assert found.seen


@pytest.mark.parametrize(
    ("status", "answer"),
    [(404, "404"), (400, "400"), (500, "500"), (503, UNKNOWN), (401, UNKNOWN), (429, UNKNOWN), (200, UNKNOWN)],
)
def test_an_unknown_job_is_answered_in_some_way_unless_the_service_is_in_trouble(status: int, answer: str) -> None:
    assert unknown_job(replied(status)).answer == answer


NO_JOB, NO_DEPLOYMENT = replied(404, "There is no such job."), replied(404, "No valid deployments to route to.")


@pytest.mark.parametrize(
    ("default", "named", "bare", "answer"),
    [
        (None, NO_JOB, NO_DEPLOYMENT, "needed"),
        (None, NO_JOB, NO_JOB, "ignored"),
        (None, replied(500), NO_DEPLOYMENT, "needed"),
        (None, replied(500), replied(500), "ignored"),
        (None, NO_JOB, replied(403), UNKNOWN),
        (None, replied(None), NO_JOB, UNKNOWN),
        ("classic", NO_JOB, NO_JOB, UNKNOWN),
    ],
)
def test_whether_a_deployment_has_to_be_named_shows_where_there_is_no_default_one(
    default: str | None, named: Reply, bare: Reply, answer: str
) -> None:
    assert deployment_header(default, named, bare).answer == answer


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        (json.dumps(EVENT), "plain"),
        (base64.b64encode(json.dumps(EVENT).encode()).decode(), "base64"),
        (json.dumps({"type": "t", "source": "s", "subject": "x"}), "plain"),
        (json.dumps({"my": "own message"}), UNKNOWN),
        ("hello", UNKNOWN),
        ("[1]", UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_a_message_shows_how_it_was_written_only_if_it_is_an_event(message: str | None, answer: str) -> None:
    assert queue_encoding(message).answer == answer


def test_what_several_looks_have_seen_is_told_once_and_differences_are_not_hidden() -> None:
    fact = Fact.UNKNOWN_JOB
    same = [{fact: Finding("404", "one host")}, {fact: not_seen("busy")}, {fact: Finding("404", "another host")}]
    different = [{fact: Finding("404", "one host")}, {fact: Finding("400", "another host")}]

    assert together(same)[fact] == Finding("404", "one host")
    assert together(different)[fact] == Finding("404 and 400", "one host; another host")
    assert together([{fact: not_seen("busy")}])[fact] == not_seen("busy")
    assert together([]) == ALL_UNKNOWN
    assert list(together(same)) == list(Fact)
