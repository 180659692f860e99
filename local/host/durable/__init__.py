"""The durable engine: orchestrations, activities, entities and timers, with their state in SQLite.

    management/  the HTTP API over instances and entities
    runtime/     the engine: keeps what is to be done, has it done, writes down what follows
    protocol/    what a turn makes of a history and new messages; pure

The protocol is the out-of-process JSON one that azure-functions-durable 1.x speaks: the whole history goes in, the
whole list of actions since the start comes out.
Source: Azure/azure-functions-durable-extension, OutOfProcOrchestrationShim.cs; Azure/durabletask, src/DurableTask.Core.
"""
