"""How orchestrators have steps carried out: one answer, or one exception that says why there is none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.core.job import Job
from shared.core.record import Done, Names, dump, load
from shared.core.route import Endpoint
from shared.core.run import Status
from shared.core.steps import (
    CANCEL_JOB,
    OBSERVE_JOB,
    REPORT_DEFECT,
    SCORE,
    CancelAsked,
    JobOf,
    ObserveJob,
    RunEnded,
    Seen,
)
from shared.core.trouble import LONGEST_MESSAGE, Kind, Trouble
from shared.core.watchers import Operation
from shared.errors import InputRefused
from testbed.fakes import NOON, FakeClock
from tests.workflow.driver import Context, Driver
from triggers.performing import (
    A_FEW_TIMES,
    A_LITTLE_LATER,
    Line,
    StepFailed,
    ask,
    orchestrate,
    perform,
    perform_all,
    perform_if_possible,
    read_input,
    report,
)

NAMES = Names(route="digits", landing="digits/tuesday", instance_id="run-1", run_id="run-1")
ENDPOINT = Endpoint(scoring_uri="https://e/jobs")
LOOKS = [ObserveJob(names=NAMES, endpoint=ENDPOINT, job=Job(name=f"job-{number}")) for number in range(3)]
CANCELING = JobOf(NAMES, ENDPOINT, Job(name="job-1"))
PASSING, DENIED = Trouble(Kind.PASSING, "503"), Trouble(Kind.DENIED, "403")
REFUSED, DEFECT = Trouble(Kind.REFUSED, "gone"), Trouble(Kind.DEFECT, "KeyError: 'a'")

Activity = Callable[[Any], Any]


def carried_out(orchestration: Callable[[Any], Line[Any]], **activities: Activity) -> Any:
    """What the orchestration ends with."""
    return driving(orchestration, **activities).run("orchestration", None, "instance-1")


def driving(orchestration: Callable[[Any], Line[Any]], **activities: Activity) -> Driver:
    return Driver(FakeClock(), activities, orchestrators={"orchestration": orchestration})


def answering(*answers: Any) -> Activity:
    """An activity that gives these answers, in order; an exception is raised."""
    left = list(answers)

    def activity(given: Any) -> Any:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return dump(answer)

    return activity


def observing(context: Context) -> Line[Seen]:
    return (yield from perform(context, OBSERVE_JOB, LOOKS[0]))


def test_a_step_is_asked_for_by_name_with_what_it_takes_and_answered_with_what_it_answers() -> None:
    given = []

    def activity(payload: Any) -> Any:
        given.append(payload)
        return {"type": "Seen", "job": {"name": "job-0", "status": "Running"}}

    assert carried_out(observing, observe_job=activity) == Seen(Job(name="job-0", status="Running"))
    assert given == [dump(LOOKS[0])]


@pytest.mark.parametrize("trouble", [PASSING, DENIED, REFUSED, DEFECT], ids=lambda trouble: str(trouble.kind))
def test_trouble_that_a_step_answers_with_is_raised_as_it_is(trouble: Trouble) -> None:
    with pytest.raises(StepFailed) as failed:
        carried_out(observing, observe_job=answering(trouble))

    assert (failed.value.step, failed.value.trouble) == ("observe_job", trouble)
    assert str(failed.value) == f"observe_job: {trouble.message}"


def test_an_invocation_that_fails_may_pass_whatever_the_host_says_of_it() -> None:
    """A step answers with its trouble; what is raised is the host's: a time-out, or a worker that was lost."""
    with pytest.raises(StepFailed) as failed:
        carried_out(observing, observe_job=answering(RuntimeError("The worker was lost. " + "x" * LONGEST_MESSAGE)))

    trouble = failed.value.trouble
    assert (failed.value.step, trouble.kind, trouble.may_pass) == ("observe_job", Kind.PASSING, True)
    assert trouble.message.startswith("The worker was lost.")
    assert len(trouble.message) == LONGEST_MESSAGE
    assert failed.value.__cause__ is None


def test_an_answer_that_is_none_of_the_steps_may_pass() -> None:
    """A worker of another version has answered. Seen before: it counted as a defect, and ended runs during a deploy."""
    with pytest.raises(StepFailed) as failed:
        carried_out(observing, observe_job=answering(CancelAsked(True)))

    assert (failed.value.step, failed.value.trouble.kind) == ("observe_job", Kind.PASSING)
    assert "Invalid value 'CancelAsked'" in failed.value.trouble.message
    assert failed.value.__cause__ is None


def reading(context: Context) -> Line[ObserveJob]:
    return (yield from read_input(context, ObserveJob))


def test_what_an_orchestration_is_started_with_is_read() -> None:
    driver = driving(reading)

    assert driver.run("orchestration", dump(LOOKS[0])) == LOOKS[0]
    assert driver.counts["activity"] == 0


@pytest.mark.parametrize("answer", [Done(), PASSING, RuntimeError("lost")], ids=["done", "trouble", "lost"])
def test_an_orchestration_that_cannot_read_its_input_says_so_in_the_log_and_ends(answer: Any) -> None:
    reported = []

    def reports(given: Any) -> Any:
        reported.append(given)
        return answering(answer)(given)

    with pytest.raises(InputRefused, match="Not a valid ObserveJob"):
        driving(reading, report_defect=reports).run("orchestration", {"job": 7}, "instance-1")

    (given,) = reported
    assert (given["where"], given["names"]["instance_id"]) == ("input", "instance-1")
    assert "InputRefused" in given["traceback"]


def observing_all(context: Context) -> Line[list[Seen]]:
    return (yield from perform_all(context, OBSERVE_JOB, LOOKS))


def test_parts_are_answered_in_their_order() -> None:
    def activity(payload: Any) -> Any:
        return dump(Seen(load(Job, payload["job"])))

    assert carried_out(observing_all, observe_job=activity) == [Seen(Job(name=f"job-{number}")) for number in range(3)]


def test_the_first_part_that_has_trouble_says_why_all_have_failed() -> None:
    with pytest.raises(StepFailed) as failed:
        carried_out(observing_all, observe_job=answering(Seen(None), REFUSED, PASSING))

    assert failed.value.trouble == REFUSED


def test_a_part_whose_invocation_fails_is_trouble_that_may_pass() -> None:
    with pytest.raises(StepFailed) as failed:
        carried_out(observing_all, observe_job=answering(Seen(None), RuntimeError("lost"), Seen(None)))

    assert failed.value.trouble == Trouble(Kind.PASSING, "lost")


def canceling(context: Context) -> Line[CancelAsked | None]:
    return (yield from perform_if_possible(context, CANCEL_JOB, CANCELING))


@pytest.mark.parametrize("trouble", [PASSING, DENIED], ids=["passing", "denied"])
def test_what_nothing_depends_on_is_tried_eight_times_and_then_left(trouble: Trouble) -> None:
    driver = driving(canceling, cancel_job=lambda _: dump(trouble))

    assert driver.run("orchestration", None) is None
    assert driver.counts["activity cancel_job"] == A_FEW_TIMES == 8
    assert driver.counts["timer"] == 7  # none after the last
    assert driver.clock() == NOON + 7 * A_LITTLE_LATER


def test_what_nothing_depends_on_is_done_as_soon_as_it_can_be() -> None:
    driver = driving(canceling, cancel_job=answering(PASSING, RuntimeError("lost"), DENIED, CancelAsked(True)))

    assert driver.run("orchestration", None) == CancelAsked(True)
    assert driver.clock() == NOON + timedelta(seconds=45)


@pytest.mark.parametrize("trouble", [REFUSED, DEFECT], ids=["refused", "defect"])
def test_what_will_not_pass_is_not_tried_again(trouble: Trouble) -> None:
    driver = driving(canceling, cancel_job=lambda _: dump(trouble))

    assert driver.run("orchestration", None) is None
    assert (driver.counts["activity cancel_job"], driver.counts["timer"]) == (1, 0)


def scoring(context: Context) -> Line[RunEnded]:
    return (yield from orchestrate(context, "part", LOOKS[0], SCORE, "run-1"))


def scoring_by(part: Callable[[Any], Line[Any]]) -> Any:
    driver = Driver(FakeClock(), {}, orchestrators={"orchestration": scoring, "part": part})
    return driver.run("orchestration", None)


def test_another_orchestrator_is_given_its_part_and_its_id() -> None:
    seen = []

    def part(context: Context) -> Line[Any]:
        seen.append((context.instance_id, context.get_input()))
        return dump(RunEnded("run-1", Status.PUBLISHED))
        yield

    assert scoring_by(part) == RunEnded("run-1", Status.PUBLISHED)
    assert seen == [("run-1", dump(LOOKS[0]))]


def test_trouble_that_another_orchestrator_answers_with_is_raised_as_it_is() -> None:
    def part(context: Context) -> Line[Any]:
        return dump(REFUSED)
        yield

    with pytest.raises(StepFailed) as failed:
        scoring_by(part)

    assert failed.value.trouble == REFUSED


def test_another_orchestrator_that_fails_is_trouble_that_may_pass() -> None:
    def part(context: Context) -> Line[Any]:
        raise RuntimeError("terminated")
        yield

    with pytest.raises(StepFailed) as failed:
        scoring_by(part)

    assert (failed.value.step, failed.value.trouble) == ("part", Trouble(Kind.PASSING, "terminated"))


def entering(context: Context) -> Line[object]:
    return (yield from ask(context, "digits-1", Operation.ENTER, urgent=True))


def test_the_landing_is_asked_in_the_name_of_the_instance() -> None:
    driver = driving(entering)
    driver.landings["digits-1"] = {"version": 1, "watcher": "patient"}

    assert driver.run("orchestration", None, "instance-1") == "instance-1"
    assert driver.landings["digits-1"] == {"version": 1, "watcher": "instance-1"}


class Unreachable(dict[str, Any]):
    """States of landings that do not arrive."""

    def get(self, key: str, default: Any = None) -> Any:
        raise RuntimeError("the task hub is away")


def test_a_landing_that_does_not_answer_is_trouble_that_may_pass() -> None:
    driver = driving(entering)
    driver.landings = Unreachable()

    with pytest.raises(StepFailed, match="enter the landing: the task hub is away") as failed:
        driver.run("orchestration", None)

    assert failed.value.trouble.kind is Kind.PASSING


def reporting(context: Context) -> Line[str]:
    yield from report(context, NAMES, "score_v1", "Traceback: …")
    return "went on"


@pytest.mark.parametrize("answer", [Done(), PASSING, RuntimeError("lost")], ids=["done", "trouble", "lost"])
def test_a_defect_is_reported_once_and_the_orchestrator_goes_on_either_way(answer: Any) -> None:
    driver = driving(reporting, report_defect=answering(answer))

    assert driver.run("orchestration", None) == "went on"
    assert driver.counts[f"activity {REPORT_DEFECT.name}"] == 1
