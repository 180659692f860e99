from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import accumulate

import pytest

from local.eventgrid.policy import Done, GiveUp, Retry, decide, delay, expired, outcome

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_the_waits_between_attempts_are_those_that_azure_documents() -> None:
    waits = [delay(attempts, 500) for attempts in range(1, 13)]

    assert waits == [
        *(timedelta(seconds=s) for s in (10, 30)),
        *(timedelta(minutes=m) for m in (1, 5, 10, 30)),
        *(timedelta(hours=h) for h in (1, 3, 6, 12, 12, 12)),
    ]


def test_within_half_an_hour_there_are_at_most_six_attempts() -> None:
    attempts = [timedelta(), *accumulate(delay(n, 500) for n in range(1, 30))]

    assert sum(at <= timedelta(minutes=30) for at in attempts) == 6


@pytest.mark.parametrize(("status", "least"), [(503, 30), (408, 120), (500, 10), (404, 10), (429, 10), (0, 10)])
def test_some_answers_ask_for_a_longer_first_wait(status: int, least: int) -> None:
    assert delay(1, status) == timedelta(seconds=least)
    assert delay(5, status) == timedelta(minutes=10)


@pytest.mark.parametrize("status", [200, 201, 202, 203, 204])
def test_only_these_answers_mean_that_the_event_was_taken(status: int) -> None:
    assert decide(status, attempts=1, max_attempts=30, now=NOW) == Done()


@pytest.mark.parametrize("status", [0, 205, 302, 404, 408, 429, 500, 502, 503])
def test_every_other_answer_leads_to_another_attempt(status: int) -> None:
    decision = decide(status, attempts=1, max_attempts=30, now=NOW)

    assert decision == Retry(NOW + delay(1, status))


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "UndeliverableDueToHttpBadRequest"),
        (401, "UndeliverableDueToHttpUnauthorized"),
        (403, "UndeliverableDueToHttpForbidden"),
        (413, "UndeliverableDueToHttpRequestEntityTooLarge"),
    ],
)
def test_what_a_webhook_will_never_take_is_given_up_at_once(status: int, reason: str) -> None:
    assert decide(status, attempts=1, max_attempts=30, now=NOW) == GiveUp(reason)


def test_the_last_attempt_that_is_allowed_is_the_last() -> None:
    assert isinstance(decide(500, attempts=2, max_attempts=3, now=NOW), Retry)
    assert decide(500, attempts=3, max_attempts=3, now=NOW) == GiveUp("MaxDeliveryAttemptsExceeded")
    assert decide(200, attempts=3, max_attempts=3, now=NOW) == Done()


def test_an_event_expires_only_when_a_further_attempt_is_due() -> None:
    hour = timedelta(hours=1)

    assert expired(NOW, NOW + 2 * hour, hour, attempts=0) is None
    assert expired(NOW, NOW + hour, hour, attempts=1) is None
    assert expired(NOW, NOW + 2 * hour, hour, attempts=1) == GiveUp("TimeToLiveExceeded")


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (200, "Success"),
        (404, "NotFound"),
        (503, "ServiceUnavailable"),
        (0, "SocketError"),
        (408, "TimedOut"),
        (799, "Http799"),
    ],
)
def test_outcomes_have_the_names_that_dead_letters_carry(status: int, name: str) -> None:
    assert outcome(status) == name
