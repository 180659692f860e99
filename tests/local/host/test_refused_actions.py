"""What orchestrators cannot ask for: they fail with a sentence, and do not wait for ever.

Source of the sentences and of what counts: Azure/azure-functions-durable-extension, DurableOrchestrationContext.cs.
"""

from __future__ import annotations

from typing import Any

import azure.durable_functions as df
import pytest

from local.host.durable.runtime.engine import Engine
from local.host.durable.runtime.listing import Instance
from tests.local.host.driving import drive, finish, refuse
from tests.local.host.test_loading import HTTP, complaint, make_app

LIMIT = 4
TOO_MANY = (
    f"Orchestrator function 'main' failed: Maximum amount of orchestration actions ({LIMIT}) has been reached. This "
    "value can be configured in host.json file as MaxOrchestrationActions."
)


def same(value: object) -> object:
    return value


def fan_out(context: Any) -> Any:
    yield context.task_all([context.call_activity("same", n) for n in range(context.get_input())])


def one_by_one(context: Any) -> Any:
    for n in range(context.get_input()):
        yield context.call_activity("same", n)


def retried(context: Any) -> Any:
    """Three attempts and the waits between them, which are one action."""
    for _ in range(context.get_input()):
        try:
            yield context.call_activity_with_retry("refuse", df.RetryOptions(1000, 3), 1)
        except Exception:
            context.set_custom_status("refused")


def limited(orchestrator: Any, count: int) -> Instance:
    async def script(engine: Engine) -> Instance:
        return await engine.wait(engine.start("main", count))

    found: Instance = drive(
        script,
        options={"most_actions": LIMIT},
        orchestrators={"main": orchestrator},
        activities={"same": same, "refuse": refuse},
    )
    return found


@pytest.mark.parametrize("orchestrator", [fan_out, one_by_one, retried])
def test_an_orchestrator_may_have_so_many_actions_and_no_more(orchestrator: Any) -> None:
    assert limited(orchestrator, LIMIT).status == "Completed"

    one_more = limited(orchestrator, LIMIT + 1)
    assert (one_more.status, one_more.output) == ("Failed", TOO_MANY)


def test_a_limit_that_is_no_number_is_refused(tmp_path: Any) -> None:
    settings = {"AzureFunctionsJobHost__extensions__durableTask__maxOrchestrationActions": "many"}
    told = complaint(make_app(tmp_path, HTTP), tmp_path / "state", **settings)

    assert "extensions.durableTask.maxOrchestrationActions is 'many'; it must be a whole number from 1." in told


@pytest.mark.parametrize("identity", ["@counter@one", "a/b", "a?", "a\nb", "x" * 257])
def test_a_sub_orchestration_with_an_id_that_none_can_have_fails_its_parent(identity: str) -> None:
    """One that began with @ was taken for an entity, and its parent waited for ever."""

    def main(context: Any) -> Any:
        yield context.call_sub_orchestrator("child", None, identity)

    found = finish(main, orchestrators={"child": fan_out})

    assert found.status == "Failed"
    assert found.output is not None
    assert "A sub-orchestration cannot have the instance ID" in found.output
    assert "must not begin with @, and must not contain / \\ # ? or control characters." in found.output


def test_a_sub_orchestration_cannot_have_the_id_of_its_parent_or_of_the_one_above(tmp_path: Any) -> None:
    def main(context: Any) -> Any:
        yield context.call_sub_orchestrator("middle", None, "middle")

    def middle(context: Any) -> Any:
        yield context.call_sub_orchestrator("child", None, "TOP")

    def itself(context: Any) -> Any:
        yield context.call_sub_orchestrator("child", None, "itself")

    async def script(engine: Engine) -> list[Instance]:
        started = [engine.start("main", instance="top"), engine.start("itself", instance="itself")]
        return [await engine.wait(instance) for instance in started]

    for found in drive(script, orchestrators={"main": main, "middle": middle, "itself": itself, "child": fan_out}):
        assert found.status == "Failed"
        assert "must be different than the instance ID of a parent orchestration." in found.output
