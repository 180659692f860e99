"""Records histories of the orchestrations: `python -m tests.workflow.record` writes tests/histories again.

The orchestrators run on the local host's engine with the SDK's real handler, a clock that jumps and seeded ids, so that
recording the same code again gives the same files. A recording holds, for every execution, what the host sent last (the
whole history) and what the SDK answered (all actions, in order).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from local.host.durable.engine import Engine
from local.host.durable.functions import Handler, Kind, PlainFunctions
from local.host.durable.store import Store
from local.host.virtual import VirtualClock, seeded_ids
from shared.ports import Unclear
from shared.scoring.event import Landing
from shared.scoring.landing import coalesce
from shared.scoring.watch import new_watch
from tests.workflow.driver import ORCHESTRATORS
from tests.workflow.world import World, make_world
from triggers.entities import landing
from triggers.names import Entity, Orchestrator

HISTORIES = Path(__file__).parent.parent / "histories"


def lost_answer() -> World:
    """The endpoint makes a job and answers 500."""

    def lost(endpoint: Any, body: Any) -> Unclear:
        endpoint.make_job(body)
        return Unclear("The endpoint answered 500")

    return make_world(answers=[lost])


SCENARIOS: dict[str, Callable[[], World]] = {
    "published": make_world,
    "published-from-copies": lambda: make_world(("    polling:", "    staging: always\n    polling:")),
    "failed": lambda: make_world(statuses=("Running", "Failed"), reason="No succeeded mini batch item."),
    "lost-answer": lost_answer,
    "long-poll": lambda: make_world(statuses=(*["Running"] * 60, "Completed")),
}


class Recorder:
    """The orchestrators, and what they were sent and answered last in each execution."""

    def __init__(self, functions: PlainFunctions) -> None:
        self.functions = functions
        self.executions: dict[tuple[str, str], dict[str, Any]] = {}

    def find(self, kind: Kind, name: str) -> Handler | None:
        handler = self.functions.find(kind, name)
        if handler is None or kind is not Kind.ORCHESTRATOR:
            return handler

        async def recorded(text: str) -> str:
            answer = await handler(text)
            sent = json.loads(text)
            execution = sent["history"][1]["OrchestrationInstance"]["ExecutionId"]
            last = {"orchestrator": name, "sent": sent, "answered": json.loads(answer)}
            self.executions[sent["instanceId"], execution] = last
            return answer

        return recorded

    def names(self, kind: Kind) -> Iterable[str]:
        return self.functions.names(kind)


def record(world: World) -> list[dict[str, Any]]:
    """Every execution that a landed folder leads to, in the order of their beginning."""

    async def main() -> list[dict[str, Any]]:
        clock, store = VirtualClock(), Store(":memory:")
        world.blobs.clock = clock.now
        world.land("0.png", "1.png")
        functions = PlainFunctions(
            orchestrators=ORCHESTRATORS, activities=world.driver.activities, entities={Entity.LANDING: landing}
        )
        recorder = Recorder(functions)
        where = Landing(world.route, "digits/tuesday")
        start = coalesce(where, world.route.ready, is_marker=False, now=clock.now())
        async with Engine(store, recorder, clock, new_id=seeded_ids(1)) as engine:
            given = new_watch(where, start, is_marker=False).to_payload()
            await engine.wait(engine.start(Orchestrator.WATCH_LANDING, given, instance=start.instance_id))
        store.close()
        return list(recorder.executions.values())

    return asyncio.run(main())


if __name__ == "__main__":
    HISTORIES.mkdir(exist_ok=True)
    for name, make in SCENARIOS.items():
        path = HISTORIES / f"{name}.json"
        lines = ",\n".join(json.dumps(execution) for execution in record(make()))
        path.write_text(f"[\n{lines}\n]\n", "utf-8")
