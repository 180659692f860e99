"""The activities: one for each step of the table. Payload in, one function of shared.work, payload out.

A failure is an answer too (a Trouble): an exception would lose its type on its way to the orchestrator.
"""

import traceback
from collections.abc import Callable
from typing import Any

import azure.durable_functions as df

from shared.core.record import Names, dump, load
from shared.core.steps import Step
from shared.core.trouble import Kind, trouble_of
from shared.errors import InputRefused, Unavailable
from shared.services import services
from shared.telemetry import error, report_defect
from shared.work.table import WORK, Means

bp = df.Blueprint()

UNKNOWN = Names(route="unknown", landing="unknown", instance_id="unknown")


def carry_out(step: Step, means: Means, payload: object) -> dict:
    """One step; what goes wrong is logged here, once, and answered as a Trouble."""
    names = UNKNOWN
    try:
        given = _read(step, payload)
        names = given.names
        return dump(WORK[step](means, given))
    except Exception as raised:
        trouble = trouble_of(raised)
        if trouble.kind is Kind.DEFECT:
            report_defect(names, step.name, traceback.format_exc())
        else:
            error("step.failed", **dump(names), step=step.name, kind=trouble.kind, message=trouble.message)
        return dump(trouble)


def _read(step: Step, payload: object) -> Any:
    """Raises Unavailable: another version of the app has asked. While it is deployed, some workers are of either."""
    try:
        return load(step.given, payload)
    except InputRefused as unreadable:
        raise Unavailable(f"{step.name} was asked in words of another version: {unreadable}") from unreadable


def _activity(step: Step) -> Callable[[Any], Any]:
    # The worker reads the annotations: plain types only.
    def activity(payload: dict) -> dict:
        return carry_out(step, services(), payload)

    return activity


for step in WORK:
    bp.function_name(step.name)(bp.activity_trigger(input_name="payload")(_activity(step)))
