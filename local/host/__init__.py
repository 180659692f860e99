"""A Functions host for one machine: runs any Python v2-model app, Durable Functions included, unmodified.

    worker/         loads, indexes and calls the app as the Python worker does, in a process of its own
    triggers/       what has functions run: HTTP, timers, queues, Event Grid
    durable/        orchestrations, activities, entities
    cli.py          `python -m local.host`: builds the rooms and serves them
    server.py       the HTTP surface: routes, webhooks, admin
    described.py    a function as the administration describes it
    holding.py      one host to a state directory
    settings.py     local.settings.json, host.json, %NAME%
    expressions.py  {name} in bindings, filled from what triggered
    accounts.py     which storage account a binding means
    keys.py         who may come in
    logs.py         which records are shown
    files.py        small files, whole or not at all
    watching.py     tells when the files of the app change
    virtual.py      a clock that jumps

README.md says what is covered, what is not, and what was never compared with Azure.
"""
