"""The landing entity; what its operations do is decided in shared/core/watchers.py."""

import azure.durable_functions as df

from shared.core.watchers import operate
from triggers.names import Entity

bp = df.Blueprint()


def landing(context: df.DurableEntityContext) -> None:
    """Carry out one operation on the landing's watchers."""
    state, answer = operate(context.get_state(lambda: None), context.operation_name, context.get_input())
    context.set_state(state)
    context.set_result(answer)


bp.function_name(Entity.LANDING.value)(bp.entity_trigger(context_name="context")(landing))
