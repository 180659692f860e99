"""How orchestrators have steps carried out: one answer, or one exception that says why there is none.

Only what is awaited is guarded here. Whatever else is raised in an orchestrator is a defect of its code.
"""

from collections.abc import Generator, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import azure.durable_functions as df
from azure.durable_functions import DurableOrchestrationContext as Context

from shared.core import steps
from shared.core.record import Names, Record, dump, load
from shared.core.steps import Step
from shared.core.trouble import LONGEST_MESSAGE, Kind, Trouble
from shared.core.watchers import Asking, Operation
from triggers.names import Entity

G = TypeVar("G", bound=Record)
A = TypeVar("A")
Steps = Generator[Any, Any, A]

A_FEW_TIMES = 8
A_LITTLE_LATER = timedelta(seconds=15)
"""For what nothing depends on: two minutes of trouble are sat out, then it is left."""


class StepFailed(Exception):
    """A step was not done; the trouble says why."""

    def __init__(self, step: str, trouble: Trouble) -> None:
        self.step, self.trouble = step, trouble
        super().__init__(f"{step}: {trouble.message}")


def perform(context: Context, step: Step[G, A], given: G) -> Steps[A]:
    """Have a step carried out. Raises StepFailed."""
    return _read(step, (yield from _awaited(step.name, context.call_activity(step.name, dump(given)))))


def perform_all(context: Context, step: Step[G, A], parts: Sequence[G]) -> Steps[list[A]]:
    """Have a step carried out for several parts at the same time. Raises StepFailed with the first one's trouble."""
    tasks = [context.call_activity(step.name, dump(part)) for part in parts]
    answers = yield from _awaited(step.name, context.task_all(tasks))
    return [_read(step, answer) for answer in answers]


def perform_if_possible(context: Context, step: Step[G, A], given: G, *, times: int = A_FEW_TIMES) -> Steps[A | None]:
    """Have a step carried out on which nothing depends; None if it still fails after a few times."""
    for left in reversed(range(times)):
        try:
            return (yield from perform(context, step, given))
        except StepFailed as failed:
            if not failed.trouble.may_pass or not left:
                return None
            yield context.create_timer(context.current_utc_datetime + A_LITTLE_LATER)
    return None


def orchestrate(
    context: Context, name: str, given: Record, answer: Step[Any, A], instance_id: str | None = None
) -> Steps[A]:
    """Have another orchestrator do its part; `answer` says what it answers. Raises StepFailed."""
    task = context.call_sub_orchestrator(name, dump(given), instance_id)
    return _read(answer, (yield from _awaited(name, task)))


def ask(context: Context, key: str, operation: Operation, *, urgent: bool = False) -> Steps[object]:
    """Have the landing entity carry out an operation. Raises StepFailed."""
    asking = Asking(context.instance_id, urgent=urgent)
    task = context.call_entity(df.EntityId(Entity.LANDING, key), operation.value, dump(asking))
    return (yield from _awaited(f"{operation} the landing", task))


def report(context: Context, names: Names, where: str, traceback: str) -> Steps[None]:
    """Have a defect logged by an activity: what an orchestrator logs itself is said again at every replay."""
    given = steps.ReportDefect(names=names, where=where, traceback=traceback)
    yield from perform_if_possible(context, steps.REPORT_DEFECT, given, times=1)


def _awaited(name: str, task: Any) -> Steps[Any]:
    try:
        return (yield task)
    except Exception as failure:
        # Not raised by our code, which answers with a Trouble: a time-out, or a worker that was lost.
        raise StepFailed(name, Trouble(Kind.PASSING, str(failure)[:LONGEST_MESSAGE])) from None


def _read(step: Step[Any, A], payload: object) -> A:
    answer: A | Trouble = load(step.answer_or_trouble, payload)
    if isinstance(answer, Trouble):
        raise StepFailed(step.name, answer)
    return answer
