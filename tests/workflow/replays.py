"""Replays recorded episodes and says what is different, and what to do about it."""

from __future__ import annotations

import itertools
import json
import warnings
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any

from azure.durable_functions import Orchestrator

from tests.workflow.hosted import Episode

Action = Mapping[str, Any]

IN_AZURE_THEY_FAIL = """
Instances that are in flight have a history like this one, and would fail as non-deterministic. Give the orchestrator
that has changed a new version in triggers/names.py, keep the old one registered until none of its instances is left,
and record the new one: python -m tests.workflow.record
"""
THEY_GO_ON = """
Instances that are in flight go on, but with other values than before in the middle of their way. If what is called
understands both, and what has been written before still fits, record again: python -m tests.workflow.record
"""


def replayed(episode: Episode, orchestrator: Callable[[Any], Generator[Any, Any, Any]]) -> dict[str, Any]:
    """The SDK's answer to what the host has said in that episode."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "azure.functions", DeprecationWarning)  # advice on typed decoding
        answer = Orchestrator.create(orchestrator)(json.dumps(episode.context))
    return dict(json.loads(answer))


def difference(episodes: Iterable[Episode], orchestrator: Callable[[Any], Generator[Any, Any, Any]]) -> str | None:
    """The first thing that this code would do otherwise than was recorded, or None."""
    for number, episode in enumerate(episodes, 1):
        answer = replayed(episode, orchestrator)
        if answer != episode.answer:
            return f"In episode {number} {_difference(episode.answer, answer)}"
    return None


def _difference(recorded: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    (before,), (now,) = recorded["actions"], answer["actions"]
    for was, is_now in itertools.zip_longest(before, now):
        if _identity(was) != _identity(is_now):
            return f"the code asks for {_spoken(is_now)} where it asked for {_spoken(was)}.\n{IN_AZURE_THEY_FAIL}"
        if was != is_now:
            return f"it asks for {_spoken(was)} with\n{json.dumps(is_now)}\ninstead of\n{json.dumps(was)}\n{THEY_GO_ON}"
    said = [{name: value for name, value in one.items() if name != "actions"} for one in (answer, recorded)]
    return f"the answer is {said[0]} instead of {said[1]}.\n{THEY_GO_ON}"


def _identity(action: Action | None) -> tuple[object, ...]:
    """What the durable extension compares with the history: never inputs, and of a timer nothing."""
    if action is None:
        return ()
    names = (action.get(name) for name in ("actionType", "functionName", "instanceId", "operation"))
    return (*names, *(_identity(inner) for inner in action.get("compoundActions", ())))


def _spoken(action: Action | None) -> str:
    if action is None:
        return "nothing"
    if "compoundActions" in action:
        return "all of " + ", ".join(_spoken(inner) for inner in action["compoundActions"])
    name = action.get("functionName") or action.get("operation")
    return f"action {action['actionType']}" + (f" '{name}'" if name else "")
