"""The hand-written driver does what the SDK and the engine do: what its tests say is so outside of them, too."""

from __future__ import annotations

from collections import Counter
from functools import partial

import pytest

from testbed.fakes import NOON
from tests.workflow.hosted import Played, Start, play
from tests.workflow.record import executions_of
from tests.workflow.scenarios import SCENARIOS, Scenario
from tests.workflow.world import World

CREATE_TIMER = 5
"""Source: azure-functions-durable, models/actions/ActionType.py."""


def driven(scenario: Scenario) -> tuple[World, list[str]]:
    """The scenario by hand: the first watch is driven, and what happens later happens while it sleeps."""
    world, results = scenario.make(), dict.fromkeys((start.instance for start in scenario.starts), "")

    def watch(start: Start) -> None:
        results[start.instance] = world.watch(is_marker=start.is_marker, instance_id=start.instance)

    first, *later = scenario.starts
    for start in later:
        world.at(NOON + start.after, partial(watch, start))
    watch(first)
    return world, list(results.values())


def calls(counts: Counter[str]) -> dict[str, int]:
    """How often each activity was called, and the landing entity."""
    return {
        name.partition(" landing")[0]: count
        for name, count in counts.items()
        if name.startswith(("activity ", "entity"))
    }


def timers(played: Played) -> int:
    """Those that orchestrators have asked for; the ones between retries come with the policy."""
    return sum(
        action["actionType"] == CREATE_TIMER
        for episodes in played.episodes.values()
        for execution in executions_of(episodes)
        for kept in execution["episodes"]
        for action in kept["asks"]
    )


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_ends_the_same_way_driven_by_hand_and_by_the_sdk(name: str) -> None:
    hosted = SCENARIOS[name].make()
    played = play(hosted, SCENARIOS[name].starts)

    by_hand, results = driven(SCENARIOS[name])

    assert results == played.results
    assert by_hand.runs() == hosted.runs()
    assert by_hand.endpoint.posts == hosted.endpoint.posts
    assert by_hand.topic.told == hosted.topic.told
    assert calls(by_hand.driver.counts) == calls(played.counts)
    assert by_hand.driver.counts["timer"] == timers(played)
