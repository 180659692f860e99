"""The cloud on one machine: what Landfall's function app talks to when there is no Azure. Never deployed.

    identity/    managed identity endpoint; issues the tokens that every other part checks
    storage/     HTTPS front over Azurite: bearer tokens, server-side copy, storage events
    eventgrid/   topics, subscriptions, delivery with retries
    azureml/     batch endpoints whose deployments really run
    host/        Functions host: any Python v2-model app, Durable included
    database.py  opens the SQLite files that the parts keep their state in
    stack.py     starts the parts together, keeps them running, stops them

It is an independent witness: it spells the wire protocols out from Microsoft's documents and imports nothing of the
function app, so that app and emulator cannot share a mistake.
"""
