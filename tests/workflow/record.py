"""`python -m tests.workflow.record`: records the histories in tests/histories anew.

Each file is one instance of an orchestrator: its executions (one more with every continue_as_new), and their episodes
with the events that each adds to the history and the actions that it adds to those asked for before. Recording the same
code again gives the same files. Files of orchestrators that have a newer version are left alone: instances of theirs
may still be in flight.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.workflow.hosted import Episode, play
from tests.workflow.scenarios import SCENARIOS, Scenario

HISTORIES = Path(__file__).parent.parent / "histories"

Execution = dict[str, Any]
"""`context`: what the host says besides the history. `episodes`: with `events`, `asks`, and `then`, which is the rest
of the SDK's answer: whether the orchestration is done, and with what."""


def executions_of(episodes: Sequence[Episode]) -> list[Execution]:
    """An instance's episodes as they are kept."""
    return [_kept(list(those)) for _, those in itertools.groupby(episodes, key=_execution_id)]


def episodes_of(execution: Execution) -> Iterator[Episode]:
    """What the host and the SDK have said to each other: the whole history and all actions in every episode."""
    history: list[dict[str, Any]] = []
    actions: list[dict[str, Any]] = []
    for kept in execution["episodes"]:
        context = {**execution["context"], "isReplaying": bool(history)}
        history = [*({**event, "IsPlayed": True} for event in history), *kept["events"]]
        actions = [*actions, *kept["asks"]]
        yield Episode({**context, "history": history}, {**kept["then"], "actions": [actions]})


def recordings(scenario: Scenario) -> Iterator[tuple[str, list[Execution]]]:
    """What was recorded of each instance that the scenario is about, by the orchestrator's name and a number."""
    seen: Counter[str] = Counter()
    for (name, _), episodes in play(scenario.make(), scenario.starts).episodes.items():
        if name in scenario.about:
            seen[name] += 1
            yield f"{name}-{seen[name]}", executions_of(episodes)


def text_of(executions: Sequence[Execution]) -> str:
    """JSON with one line for each episode, so that a difference can be read."""
    texts = []
    for execution in executions:
        lines = ",\n".join(json.dumps(kept) for kept in execution["episodes"])
        texts.append(f'{{"context": {json.dumps(execution["context"])},\n"episodes": [\n{lines}\n]}}')
    return "[" + ",\n".join(texts) + "]\n"


def _kept(episodes: Sequence[Episode]) -> Execution:
    context = {name: said for name, said in episodes[0].context.items() if name not in ("history", "isReplaying")}
    kept: list[dict[str, Any]] = []
    events = asks = 0
    for episode in episodes:
        history, actions = episode.context["history"], episode.answer["actions"][0]
        then = {name: said for name, said in episode.answer.items() if name != "actions"}
        kept.append({"events": history[events:], "asks": actions[asks:], "then": then})
        events, asks = len(history), len(actions)
    execution = {"context": context, "episodes": kept}
    assert list(episodes_of(execution)) == list(episodes), "what is kept is not what was said"
    return execution


def _execution_id(episode: Episode) -> str:
    return str(episode.context["history"][1]["OrchestrationInstance"]["ExecutionId"])


def main() -> None:
    HISTORIES.mkdir(exist_ok=True)
    for title, scenario in SCENARIOS.items():
        for name, executions in recordings(scenario):
            (HISTORIES / f"{title}.{name}.json").write_text(text_of(executions), "utf-8")


if __name__ == "__main__":
    main()
