"""A Functions host for one machine: runs any Python v2-model app, Durable Functions included, unmodified.

    cli.py          `python -m local.host`
    settings.py     local.settings.json, host.json, %NAME%
    loading.py      imports function_app and indexes it as the Python worker does
    indexing.py     which parameters a function may have
    registry.py     the functions of the app
    invoking.py     calls them; contexts.py converters.py retrying.py
    outputs.py      writes what they give to blobs and queues; expressions.py accounts.py
    server.py       the HTTP surface: routes, webhooks, admin
    http_trigger.py webhooks.py schedules.py timers.py queues.py keys.py
    logs.py         which records are shown
    files.py        small files, whole or not at all
    durable/        the engine
    virtual.py      a clock that jumps

README.md says what is covered, what is not, and what was never compared with Azure.
"""
