"""How orchestrators carry out steps: one answer, or one exception that says why there is none.

Only awaited tasks are guarded here. Anything else that an orchestrator raises is a defect in its code.
"""

import traceback
from collections.abc import Generator, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import azure.durable_functions as df
from azure.durable_functions import DurableOrchestrationContext as Context

from shared.core import steps
from shared.core.record import Names, Record, dump, load
from shared.core.run import Run
from shared.core.steps import Step
from shared.core.trouble import LONGEST_MESSAGE, Kind, Trouble
from shared.core.watchers import Asking, Operation
from shared.errors import InputRefused
from triggers.names import Entity

G = TypeVar("G", bound=Record)
A = TypeVar("A")
R = TypeVar("R", bound=Record)
Line = Generator[Any, Any, A]
"""A part of an orchestration: it asks for things, and answers in the end."""

A_FEW_TIMES = 8
A_LITTLE_LATER = timedelta(seconds=15)
"""For what nothing depends on: two minutes of trouble are sat out, then it is left."""


class StepFailed(Exception):
    """A step was not done; the trouble says why."""

    def __init__(self, step: str, trouble: Trouble) -> None:
        self.step, self.trouble = step, trouble
        super().__init__(f"{step}: {trouble.message}")


def perform(context: Context, step: Step[G, A], given: G) -> Line[A]:
    """Have a step carried out. Raises StepFailed."""
    return _read(step, (yield from _awaited(step.name, context.call_activity(step.name, dump(given)))))


def perform_all(context: Context, step: Step[G, A], parts: Sequence[G]) -> Line[list[A]]:
    """Have a step carried out for several parts at the same time. Raises StepFailed with the first one's trouble."""
    tasks = [context.call_activity(step.name, dump(part)) for part in parts]
    answers = yield from _awaited(step.name, context.task_all(tasks))
    return [_read(step, answer) for answer in answers]


def perform_if_possible(context: Context, step: Step[G, A], given: G, *, times: int = A_FEW_TIMES) -> Line[A | None]:
    """Have a step carried out on which nothing depends; None if it still fails after a few times."""
    for tried in range(1, times + 1):
        try:
            return (yield from perform(context, step, given))
        except StepFailed as failed:
            if tried == times or not failed.trouble.may_pass:
                break
            yield context.create_timer(context.current_utc_datetime + A_LITTLE_LATER)
    return None


def read_input(context: Context, kind: type[R]) -> Line[R]:
    """What the orchestration was started with. An input of another version ends it, and is told of in the log: the
    sweep takes up what the ledger has."""
    try:
        return load(kind, context.get_input())
    except InputRefused:
        names = Names(route="unknown", landing="unknown", instance_id=context.instance_id)
        yield from report(context, names, "input", traceback.format_exc())
        raise


def orchestrate(
    context: Context,
    name: str,
    given: Record,
    answer: Step[Any, A],
    instance_id: str | None = None,
    *,
    beside: Run | None = None,
) -> Line[A]:
    """Have another orchestrator do its part; `answer` says what it answers. `beside`: a run that is started at the same
    time, and goes on by itself, however it ends. Raises StepFailed."""
    task = context.call_sub_orchestrator(name, dump(given), instance_id)
    if beside is not None:
        other = context.call_sub_orchestrator(name, dump(beside), beside.run_id)
        yield context.task_any([task, other])  # what is not yielded is not started
    return _read(answer, (yield from _awaited(name, task)))


def ask(context: Context, key: str, operation: Operation, *, urgent: bool = False) -> Line[object]:
    """Have the landing entity carry out an operation. Raises StepFailed."""
    asking = Asking(context.instance_id, urgent=urgent)
    task = context.call_entity(df.EntityId(Entity.LANDING, key), operation.value, dump(asking))
    return (yield from _awaited(f"{operation} the landing", task))


def report(context: Context, names: Names, where: str, told: str) -> Line[None]:
    """Have a defect logged by an activity: what an orchestrator logs itself is said again at every replay."""
    given = steps.ReportDefect(names=names, where=where, traceback=told)
    yield from perform_if_possible(context, steps.REPORT_DEFECT, given, times=1)


def _awaited(name: str, task: Any) -> Line[Any]:
    try:
        return (yield task)
    except Exception as failure:
        # Not raised by our code, which answers with a Trouble: a time-out, or a worker that was lost.
        raise StepFailed(name, Trouble(Kind.PASSING, str(failure)[:LONGEST_MESSAGE])) from None


def _read(step: Step[Any, A], payload: object) -> A:
    try:
        answer: A | Trouble = load(step.answer_or_trouble, payload)
    except InputRefused as unreadable:
        # Another version of the app has carried the step out: while it is deployed, some workers are of either.
        raise StepFailed(step.name, Trouble(Kind.PASSING, str(unreadable)[:LONGEST_MESSAGE])) from None
    if isinstance(answer, Trouble):
        raise StepFailed(step.name, answer)
    return answer
