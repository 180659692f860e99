"""Function chaining, and fan-out with fan-in."""

import azure.durable_functions as df

chains = df.Blueprint()


@chains.orchestration_trigger(context_name="context")
def chain(context: df.DurableOrchestrationContext):
    text = yield context.call_activity("greet", "Oslo")
    text = yield context.call_activity("greet", text)
    return text


@chains.orchestration_trigger(context_name="context")
def spread(context: df.DurableOrchestrationContext):
    texts = yield context.task_all([context.call_activity("greet", city) for city in ("Bergen", "Turku", "Tartu")])
    return sorted(texts)


@chains.orchestration_trigger(context_name="context")
def needs_input(context: df.DurableOrchestrationContext):
    return (yield context.call_activity("greet", context.get_input()["city"]))


@chains.activity_trigger(input_name="name")
def greet(name: str) -> str:
    return f"Hello {name}"
