"""Recorded histories are replayed by the SDK's own handler: instances in flight survive a change of the code."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from shared.core.steps import SUBMIT_JOB
from tests.workflow.driver import ORCHESTRATORS
from tests.workflow.hosted import Episode
from tests.workflow.record import HISTORIES, episodes_of, recordings, text_of
from tests.workflow.replays import IN_AZURE_THEY_FAIL, THEY_GO_ON, difference
from tests.workflow.scenarios import SCENARIOS
from triggers.names import Orchestrator

FILES = sorted(HISTORIES.glob("*.json"))
Steps = Generator[Any, Any, Any]


def orchestrator_of(path: Path) -> str:
    return path.stem.split(".")[1].rpartition("-")[0]


def executions(path: Path) -> list[list[Episode]]:
    return [list(episodes_of(execution)) for execution in json.loads(path.read_text("utf-8"))]


def recorded(scenario: str, orchestrator: Orchestrator) -> list[Episode]:
    """The first execution of the first instance."""
    return executions(HISTORIES / f"{scenario}.{orchestrator}-1.json")[0]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_code_of_today_goes_every_recorded_way_again(path: Path) -> None:
    name = orchestrator_of(path)
    assert name in ORCHESTRATORS, f"{name} is gone: its instances would be too. {IN_AZURE_THEY_FAIL}"

    for episodes in executions(path):
        told = difference(episodes, ORCHESTRATORS[name])
        assert told is None, f"{path.name}: {told}"


def test_every_orchestrator_is_recorded_and_those_that_start_over_while_they_do() -> None:
    found: dict[str, int] = {}
    for path in FILES:
        found[orchestrator_of(path)] = max(found.get(orchestrator_of(path), 0), len(executions(path)))

    assert set(Orchestrator) <= set(found)
    assert found[Orchestrator.WATCH_LANDING] > 1
    assert found[Orchestrator.SCORE] > 1


@pytest.mark.parametrize("scenario", ["published", "trouble"])
def test_recording_again_gives_the_same_files(scenario: str) -> None:
    first, second = (dict(recordings(SCENARIOS[scenario])) for _ in range(2))

    assert {name: text_of(made) for name, made in first.items()} == {
        name: text_of(made) for name, made in second.items()
    }


def test_no_history_gets_long() -> None:
    """Every episode reads all of it. A watch that waits for a marker adds the most: twelve events for each look."""
    longest = {path.stem: max(len(made[-1].context["history"]) for made in executions(path)) for path in FILES}

    assert max(longest.values()) < 350, longest


class TestChangesThatWouldBreakInstancesInFlight:
    """Each is made to the orchestrator of a recorded run, and noticed."""

    def test_a_step_before_all_others(self) -> None:
        def changed(context: Any) -> Steps:
            yield context.call_activity("audit", None)
            return (yield from ORCHESTRATORS[Orchestrator.PUBLISH](context))

        told = difference(recorded("published", Orchestrator.PUBLISH), changed)

        assert told is not None
        assert told.startswith(
            "In episode 1 the code asks for action 0 'audit' where it asked for action 0 'list_outputs'."
        )
        assert IN_AZURE_THEY_FAIL in told

    def test_a_step_less(self) -> None:
        def changed(context: Any) -> Steps:
            steps = ORCHESTRATORS[Orchestrator.WATCH_LANDING](context)
            next(steps)  # does not wait for the settle time
            return (yield from steps)

        told = difference(recorded("published", Orchestrator.WATCH_LANDING), changed)

        assert told is not None
        assert IN_AZURE_THEY_FAIL in told

    def test_a_step_under_another_name(self) -> None:
        def changed(context: Any) -> Steps:
            return ORCHESTRATORS[Orchestrator.SCORE](Renaming(context))

        told = difference(recorded("failed", Orchestrator.SCORE), changed)

        assert told is not None
        assert "asks for action 0 'post_job' where it asked for action 0 'submit_job'" in told

    def test_another_input_is_told_apart(self) -> None:
        def changed(context: Any) -> Steps:
            return ORCHESTRATORS[Orchestrator.SCORE](Adding(context))

        told = difference(recorded("failed", Orchestrator.SCORE), changed)

        assert told is not None
        assert "'submit_job' with" in told
        assert THEY_GO_ON in told


class Renaming:
    """A context through which submit_job is called by another name."""

    def __init__(self, context: Any) -> None:
        self.context = context

    def __getattr__(self, name: str) -> Any:
        return getattr(self.context, name)

    def call_activity(self, name: str, given: Any) -> Any:
        return self.context.call_activity("post_job" if name == SUBMIT_JOB.name else name, given)


class Adding(Renaming):
    """A context through which submit_job is told more than before."""

    def call_activity(self, name: str, given: Any) -> Any:
        more = {"priority": 1} if name == SUBMIT_JOB.name else {}
        return self.context.call_activity(name, {**given, **more})
