"""The landing entity; what its operations do is decided in shared/core/watchers.py."""

import azure.durable_functions as df

from shared.core.watchers import is_readable, operate
from shared.telemetry import error
from triggers.names import Entity

bp = df.Blueprint()


def landing(context: df.DurableEntityContext) -> None:
    """Carry out one operation on the landing's watchers."""
    before, asked = context.get_state(lambda: None), context.get_input()
    if not is_readable(before):
        watch = asked.get("who") if isinstance(asked, dict) else None
        error("landing.forgotten", instance_id=watch, key=context.entity_key, state=str(before)[:200])
    state, answer = operate(before, context.operation_name, asked)
    context.set_state(state)
    context.set_result(answer)  # has the SDK take the entity for one that is there, so it comes first
    if state is None:
        context.destruct_on_exit()  # landings come and go: one that nobody watches leaves nothing behind


bp.function_name(Entity.LANDING.value)(bp.entity_trigger(context_name="context")(landing))
