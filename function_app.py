"""Landfall: scores data as it lands. The function app; its functions are in triggers/, one file per kind of trigger."""

import azure.functions as func

from triggers import (
    activities,
    catching_up,
    entities,
    events,
    http,
    landings,
    on_request,
    operating,
    orchestrators,
    pausing,
    status,
    sweep,
)

MODULES = (
    events,
    orchestrators,
    entities,
    activities,
    sweep,
    http,
    on_request,
    operating,
    pausing,
    landings,
    catching_up,
    status,
)

app = func.FunctionApp()
for module in MODULES:
    app.register_functions(module.bp)
