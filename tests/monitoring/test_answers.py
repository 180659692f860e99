"""The queries are carried out, over lines that the app has written. duckdb-kql translates them for DuckDB; it is none
of Microsoft's, and refuses what it does not know."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb_kql as kql
import pytest

from monitoring.questions import KINDS, WORKSPACE
from testbed.fakes import NOON
from tests.monitoring.kusto import QUERIES
from tests.monitoring.landed import a_day, filled

pytestmark = pytest.mark.thorough

TODAY = NOON.replace(tzinfo=None, hour=0)
KIND = pytest.mark.parametrize("kind", [KINDS[0], pytest.param(KINDS[1], marks=pytest.mark.long)])
ASKED = "digits-0123456789abcdef0123"
"""The id in the question, in whose place somebody writes another."""

MILESTONES = ["landing.watched", "run.claimed", "job.submitted", "run.published", "run.announced"]
Lines = list[tuple[datetime, str, int, str]]


def answered(kind: str, question: str, lines: Lines, **replaced: str) -> list[dict[str, Any]]:
    """The rows of the answer, by their columns."""
    connection = kql.connect()
    filled(connection, kind, lines)
    query = QUERIES[kind, question]
    for before, after in replaced.items():
        assert before in query
        query = query.replace(before, after)
    answer = kql.kql(connection, query)
    return [dict(zip(answer.columns, row, strict=True)) for row in answer.fetchall()]


@pytest.mark.parametrize(("kind", "question"), QUERIES)
def test_every_query_can_be_carried_out(kind: str, question: str) -> None:
    answered(kind, question, a_day().lines)


@KIND
def test_a_failed_run_tells_why_and_what_to_do(kind: str) -> None:
    (failed,) = answered(kind, "failed-runs", a_day().lines)

    assert (failed["landing"], failed["run_id"]) == ("digits/wednesday", a_day().run_ids["digits/wednesday"])
    assert failed["reason"] == "job_failed"
    assert failed["message"]
    assert failed["todo"]


@KIND
def test_one_id_leads_from_the_event_into_the_job_and_to_the_publication(kind: str) -> None:
    run_id = a_day().run_ids["digits/tuesday"]

    told = answered(kind, "one-landing", a_day().lines, **{ASKED: run_id})

    events = [line["event"].removeprefix("landfall.") for line in told]
    assert events[0] == "landing.watched"
    assert [event for event in events if event in MILESTONES] == MILESTONES
    assert {line["run_id"] for line in told} == {"", run_id}
    assert {line["job"] for line in told} == {"", "batchjob-1"}


@KIND
@pytest.mark.parametrize("asked", ["digits/tuesday", "watch-digits/tuesday"])
def test_any_id_of_a_landing_leads_to_the_same_lines(kind: str, asked: str) -> None:
    by_run = answered(kind, "one-landing", a_day().lines, **{ASKED: a_day().run_ids["digits/tuesday"]})

    assert answered(kind, "one-landing", a_day().lines, **{ASKED: asked}) == by_run


@KIND
def test_a_line_of_a_service_is_found_by_what_had_asked_it(kind: str) -> None:
    told = answered(kind, "one-landing", a_day().lines, **{ASKED: "digits/thursday"})
    others = answered(kind, "one-landing", a_day().lines, **{ASKED: "digits/tuesday"})

    assert "landfall.endpoint.cannot_list" in {line["event"] for line in told}
    assert "landfall.endpoint.cannot_list" not in {line["event"] for line in others}


@KIND
def test_latency_is_told_stage_by_stage(kind: str) -> None:
    (digits,) = answered(kind, "latency", a_day().lines)

    assert (digits["route"], digits["runs"]) == ("digits", 2)
    stages = [digits[f"{stage}_p50"] for stage in ("claimed", "submitted", "published")]
    assert all(stage >= timedelta(0) for stage in stages)
    assert max(stages) < digits["all_p50"] < timedelta(minutes=1)


@KIND
def test_an_event_is_late_if_everything_had_been_there_for_long(kind: str) -> None:
    (late,) = answered(kind, "late-events", a_day().lines)

    assert (late["landing"], late["late_by"]) == ("digits/thursday", timedelta(minutes=20))


@KIND
def test_a_landing_that_somebody_has_watched_has_no_late_event(kind: str) -> None:
    asked = [(at, without_subject(message), level, rest) for at, message, level, rest in a_day().lines]

    assert answered(kind, "late-events", asked) == []


def without_subject(message: str) -> str:
    event, _, fields = message.partition(" ")
    return f"{event} {json.dumps({name: value for name, value in json.loads(fields).items() if name != 'subject'})}"


@KIND
def test_a_step_that_fails_again_and_again_is_told_once(kind: str) -> None:
    (step,) = answered(kind, "repeated-steps", a_day().lines)

    assert (step["landing"], step["step"], step["times"]) == ("digits/thursday", "look", 3)
    assert (step["trouble"], step["message"]) == ("passing", "503: Server Busy")
    assert answered(kind, "repeated-steps", a_day().lines, **{"least = 3": "least = 4"}) == []


@KIND
def test_what_needs_attention_is_told_worst_first(kind: str) -> None:
    told = answered(kind, "attention", a_day().lines)

    assert {"landfall.run.failed", "landfall.step.failed", "landfall.landing.missed"} <= {one["event"] for one in told}
    levels = [one["level"] for one in told]
    assert levels == sorted(levels, reverse=True)
    assert set(levels) == {2, 3}


@KIND
def test_missed_and_ignored_events_are_told(kind: str) -> None:
    (missed,) = answered(kind, "missed-events", a_day().lines)
    (ignored,) = answered(kind, "ignored-events", a_day().lines)

    assert (missed["landing"], missed["instance_id"]) == ("digits/thursday", "watch-digits/thursday")
    assert (ignored["folder"], ignored["reason"], ignored["events"]) == ("digits", "no route", 7)


@KIND
@pytest.mark.parametrize(("hours", "is_quiet"), [(1, False), (25, False), (27, True), (50, False)])
def test_a_route_is_quiet_a_day_after_it_has_published_and_not_for_ever(kind: str, hours: int, is_quiet: bool) -> None:
    at = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=hours)
    lines = [(at, message, level, rest) for _, message, level, rest in a_day().lines]

    assert [one["route"] for one in answered(kind, "quiet-routes", lines)] == ["digits"] * is_quiet


@KIND
@pytest.mark.parametrize(("acts", "is_told"), [(["paused"], False), (["paused", "resumed"], True)])
def test_a_paused_route_is_meant_to_be_quiet(kind: str, acts: list[str], is_told: bool) -> None:
    at = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=30)
    lines = [(at, message, level, rest) for _, message, level, rest in a_day().lines]
    for hours, act in enumerate(acts):
        lines.append((at + timedelta(hours=hours), f'landfall.route.{act} {{"route": "digits"}}', 2, "{}"))

    assert [one["route"] for one in answered(kind, "quiet-routes", lines)] == ["digits"] * is_told


@KIND
def test_a_message_that_was_given_up_is_told_in_the_words_of_the_host(kind: str) -> None:
    """Source: Azure SDK for .NET, Microsoft.Azure.WebJobs.Extensions.Storage.Queues, QueueProcessor."""
    said = "Message has reached MaxDequeueCount of 5. Moving message to queue 'landing-events-poison'."

    (told,) = answered(kind, "poison-messages", [*a_day().lines, (TODAY, said, 2, "{}")])

    assert told["message"] == said


def test_calls_count_as_often_as_a_row_of_them_stands_for() -> None:
    connection = kql.connect()
    filled(connection, WORKSPACE, a_day().lines)
    connection.sql(
        "INSERT INTO AppRequests (TimeGenerated, Name, ItemCount, DurationMs, Success) VALUES "
        "('2026-03-01 12:00', 'score_v1', 10, 360000, true), ('2026-03-01 13:00', 'score_v1', 2, 0, false), "
        "('2026-03-01 14:00', 'look', 1, 0, true), ('2026-03-02 12:00', 'sweep', 4, 0, true)"
    )

    rows = kql.kql(connection, QUERIES[WORKSPACE, "executions"]).fetchall()

    assert rows == [
        (TODAY + timedelta(days=1), "trigger", "sweep", 4, 0, 0.0),
        (TODAY, "orchestrator", "score_v1", 12, 2, 1.0),
        (TODAY, "activity", "look", 1, 0, 0.0),
    ]
