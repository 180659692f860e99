"""Landfall: scores data as it lands. The function app; its functions are in triggers/, one file per kind of trigger."""

import azure.functions as func

from triggers import activities, entities, events, http, landings, on_request, operating, orchestrators, sweep

app = func.FunctionApp()
for module in (events, orchestrators, entities, activities, sweep, http, on_request, operating, landings):
    app.register_functions(module.bp)
