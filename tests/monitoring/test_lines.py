"""The queries rely on nothing that the app does not log, and what it logs leads from an event to its publication."""

from __future__ import annotations

import re

import pytest

from monitoring.questions import PARTS, Question, questions, without_comments
from shared.core.record import Names
from shared.work.table import WORK
from tests.logged import fields_of
from triggers.names import Entity, Orchestrator

EVENT = re.compile(r'"landfall\.([a-z_]+\.[a-z_]+)"')
FIELD = re.compile(r'\bf(?:\.(\w+)|\["(\w+)"\])')
LIST = re.compile(r"let (\w+) = dynamic\(\[(.*?)\]\)", re.DOTALL)

IDS = {"run_id", "landing", "instance_id", "job"}
"""What ties a line to a landing, in the query that follows one."""

TIED_BY_INVOCATION = {
    "compute.not_seen",
    "deployment.not_seen",
    "slots.unreadable",
    "endpoint.cannot_list",
    "endpoint.found",
    "copies.refused",
    "storage.hierarchy_unknown",
}
"""What adapters tell of a service, while some step calls them: the step's own line is of the same invocation."""

OF_NO_LANDING = {
    "backfill.asked": "what was in a container before",
    "doctor.checked": "what the doctor was asked for",
    "event.cut_short": "a folder of more landings than are known",
    "events.ignored": "what is in no landing",
    "http.failed": "a request, whatever it was for",
    "instances.not_purged": "instances of any age",
    "instances.purged": "instances of any age",
    "landings.unusable": "folders that are no landings",
    "route.paused": "a route",
    "route.resumed": "a route",
    "routes.invalid": "what is wrong with routes.yaml",
    "sweep.done": "the sweep",
}


@pytest.mark.parametrize("question", questions(), ids=lambda question: question.name)
def test_a_question_asks_for_events_and_fields_that_are_logged(question: Question) -> None:
    text = without_comments(question.text)
    events = set(EVENT.findall(text))

    assert events <= set(fields_of())
    assert used(text) <= {field for event in events or fields_of() for field in fields_of()[event]}


def used(text: str) -> set[str]:
    """The fields that a query uses."""
    return {dotted or quoted for dotted, quoted in FIELD.findall(text)}


def test_what_lines_are_known_by_is_what_the_app_calls_it() -> None:
    known_by = used((PARTS / "lines.kql").read_text("utf-8"))

    assert known_by == {*Names.__struct_fields__, "job", "attempt"}
    assert all(any(name in fields for fields in fields_of().values()) for name in known_by)


def test_fields_and_events_are_really_found() -> None:
    """Else every other test here would find nothing wrong."""
    assert used('lines | project f.reason, x = tostring(f["do"]), of.no, f_x = 1') == {"reason", "do"}
    assert {"reason", "message", "do", "shadow_of", *Names.__struct_fields__} == fields_of()["run.failed"]
    assert len({event for one in questions() for event in EVENT.findall(one.text)}) > 10


def test_every_function_is_counted_as_what_it_is() -> None:
    text = next(one.text for one in questions() if one.name == "executions")
    listed = {name: set(re.findall(r'"(\w+)"', names)) for name, names in LIST.findall(text)}

    assert listed == {
        "orchestrators": {name.value for name in Orchestrator},
        "entities": {name.value for name in Entity},
        "activities": {step.name for step in WORK},
    }


def test_every_line_of_a_landing_can_be_found_by_the_landing() -> None:
    """Who adds an event gives it the run's names, or says here why it has none."""
    untied = {event for event, fields in fields_of().items() if not fields & IDS}

    assert untied == TIED_BY_INVOCATION | set(OF_NO_LANDING)


def test_a_landing_can_be_followed_into_its_job() -> None:
    """From the event by its landing to the watch, from the watch to the run, from the run to the job and back."""
    assert {"landing", "instance_id"} <= fields_of()["landing.watched"]
    assert {"landing", "instance_id", "run_id"} <= fields_of()["run.claimed"]
    assert {"landing", "run_id", "job"} <= fields_of()["job.submitted"]
    assert {"landing", "run_id"} <= fields_of()["run.published"]
