"""The durable engine: orchestrations, activities, entities and timers, with their state in SQLite.

    events.py           history events as the SDK reads them
    replay.py           which of the orchestrator's actions are new                      (pure)
    episode.py          one turn of an orchestration: messages in, new work out          (pure)
    entities.py         one turn of an entity: requests in, results out                  (pure)
    rewinding.py        a failed history as it was before its failures                   (pure)
    http_calls.py       what follows an answer to call_http
    hazards.py          what goes wrong on purpose                                       (pure)
    store.py            all state; one transaction per turn
    listing.py          instances and entities, a page at a time
    dispatch.py         who runs when
    agenda.py           what is to be done when, and who waits to be told
    turns.py            takes messages to the functions that they are for
    engine.py           what clients can do, and what waits for its time
    errors.py           why it refused
    functions.py        what the engine calls: plain Python functions, or an indexed app
    status.py           instances as the management API shows them                       (pure)
    api.py, asking.py   the HTTP management API, which is also the back end of the durable client
    client_binding.py   the string that a durable client is made from

The protocol is the out-of-process JSON one that azure-functions-durable 1.x speaks: the whole history goes in, the
whole list of actions since the start comes out.
Source: Azure/azure-functions-durable-extension, OutOfProcOrchestrationShim.cs; Azure/durabletask, src/DurableTask.Core.
"""
