"""While a new version is deployed, some workers are of either: whoever asks and whoever answers may not understand each
other for some minutes. Nothing ends because of that.

Seen before: one answer with a member that the orchestrator did not know was a defect of the run, and its job was
canceled. An input with a member that the activity did not know was refused, and that ended the run, too.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.core.submission import Deferred
from tests.workflow.bent import Works, bend, landing_state
from tests.workflow.world import World, make_world

DEPLOYMENT = timedelta(minutes=10)

Bent = Callable[[Works, Any], Any]


def answers_more(works: Works, given: Any) -> Any:
    """The activity is of the newer version."""
    return {**works(given), "added_in_the_next_release": 1}


def is_asked_more(works: Works, given: Any) -> Any:
    """The orchestrator is of the newer version."""
    return works({**given, "added_in_the_next_release": 1})


IN_PLACE = ("look", "claim_run", "record_run", "submit_job", "observe_job", "check_landing", "list_outputs")
AT_THE_END = ("copy_outputs", "seal_publication")


def deployed_while(world: World, activity: str, bent: Bent) -> None:
    """From the first call of the activity on, for so long, the other version carries it out."""
    until: list[datetime] = []

    def mixed(works: Works, given: Any) -> Any:
        if not until:
            until.append(world.clock() + DEPLOYMENT)
        return bent(works, given) if world.clock() < until[0] else works(given)

    bend(world, activity, mixed)


@pytest.mark.parametrize("bent", [answers_more, is_asked_more])
@pytest.mark.parametrize("activity", [*IN_PLACE, "renew_spec", "stage_input", *AT_THE_END])
def test_a_deployment_neither_ends_a_run_nor_cancels_its_job(activity: str, bent: Bent) -> None:
    world = make_world(statuses=(*("Running",) * 30, "Completed"))
    world.land("0.png")
    if activity in ("renew_spec", "stage_input"):
        world.land("notes.txt")
    if activity == "renew_spec":
        world.endpoint.answers = [Deferred(30.0, "Too many requests")]
    deployed_while(world, activity, bent)

    world.watch()

    run = world.only_run()
    assert run["status"] == "published", run["error"]
    assert world.published(run) == ["_SUCCESS", "_run.json", "predictions.csv"]
    assert world.endpoint.canceled == []
    assert len(world.endpoint.jobs) == 1
    assert world.driver.counts["activity report_defect"] == 0
    assert landing_state(world) is None


@pytest.mark.parametrize("bent", [answers_more, is_asked_more])
def test_a_job_that_is_to_be_canceled_during_a_deployment_is_canceled(bent: Bent) -> None:
    world = make_world(statuses=("Queued",))
    world.land("0.png")
    deployed_while(world, "cancel_job", bent)

    world.watch()

    run = world.only_run()
    assert (run["status"], run["error"]["reason"]) == ("failed", "start_deadline")
    assert world.endpoint.canceled == ["batchjob-1"]
