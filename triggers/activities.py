"""The activities: one for each step of the table. Payload in, one function of shared.work, payload out.

What goes wrong is an answer too (a Trouble): an exception would lose its type on its way to the orchestrator.
"""

import traceback
from collections.abc import Callable
from typing import Any

import azure.durable_functions as df

from shared.core.record import Names, dump, load
from shared.core.steps import Step
from shared.core.trouble import Kind, trouble_of
from shared.services import services
from shared.telemetry import error, report_defect
from shared.work.table import WORK, Means

bp = df.Blueprint()

UNKNOWN = Names(route="unknown", landing="unknown", instance_id="unknown")


def carry_out(step: Step, means: Means, payload: object) -> dict:
    """One step; what goes wrong is logged here, once, and answered as a Trouble."""
    names = UNKNOWN
    try:
        given = load(step.given, payload)
        names = given.names
        return dump(WORK[step](means, given))
    except Exception as raised:
        trouble = trouble_of(raised)
        if trouble.kind is Kind.DEFECT:
            report_defect(names, step.name, traceback.format_exc())
        else:
            error("step.failed", **dump(names), step=step.name, kind=trouble.kind, message=trouble.message)
        return dump(trouble)


def _activity(step: Step) -> Callable[[Any], Any]:
    # The worker reads the annotations: plain types only.
    def activity(payload: dict) -> dict:
        return carry_out(step, services(), payload)

    return activity


for step in WORK:
    bp.function_name(step.name)(bp.activity_trigger(input_name="payload")(_activity(step)))
