"""A Functions host for one machine: runs any Python v2-model app, Durable Functions included, unmodified.

    cli.py          `python -m local.host`
    settings.py     local.settings.json, host.json, %NAME%
    loading.py      imports function_app and indexes it as the Python worker does
    registry.py     the functions of the app; which parameters they may have
    invoking.py     calls them through the converters of azure.functions
    server.py       the HTTP surface: routes, webhooks, admin
    http_trigger.py webhooks.py schedules.py timers.py queues.py keys.py
    durable/        the engine
    virtual.py      a clock that jumps

README.md says what is covered, what is not, and what was never compared with Azure.
"""
