"""The landing entity; what its operations do is decided in shared/core/watchers.py."""

import azure.durable_functions as df

from shared.core.watchers import is_readable, operate
from shared.telemetry import error
from triggers.names import Entity

bp = df.Blueprint()


def landing(context: df.DurableEntityContext) -> None:
    """Carry out one operation on the landing's watchers."""
    before = context.get_state(lambda: None)
    if not is_readable(before):
        error("landing.forgotten", key=context.entity_key, state=str(before)[:200])
    state, answer = operate(before, context.operation_name, context.get_input())
    context.set_state(state)
    context.set_result(answer)


bp.function_name(Entity.LANDING.value)(bp.entity_trigger(context_name="context")(landing))
