"""The landing entity: one watcher per landing, without a gap between one that leaves and one that comes."""

import azure.durable_functions as df

from shared.core.landing import Watchers
from triggers.names import Entity

bp = df.Blueprint()


def landing(context: df.DurableEntityContext) -> None:
    """Carry out one operation on the landing's watchers: `enter`, `begin`, `leave` or `release`."""
    watchers = Watchers.from_payload(context.get_state(lambda: None))
    given = context.get_input() or {}
    result: object = None
    match context.operation_name:
        case "enter":
            watchers, result = watchers.enter(given["who"], urgent=given["urgent"])
        case "begin":
            watchers, result = watchers.begin(given["who"])
        case "leave":
            watchers, result = watchers.leave(given["who"])
        case "release":
            watchers = watchers.release(given["who"])
        case unknown:
            raise ValueError(f"the landing entity has no operation {unknown!r}")
    context.set_state(watchers.to_payload())
    context.set_result(result)


bp.function_name(Entity.LANDING.value)(bp.entity_trigger(context_name="context")(landing))
