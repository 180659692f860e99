"""Plain functions: parameters in routes, a blueprint, one that takes only POST, a queue, a timer, a failure."""

import logging

import azure.functions as func
from more import more

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
app.register_functions(more)


@app.route(route="items/{category:alpha}/{id:int?}", methods=["GET", "POST"])
def item(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(f"{req.route_params['category']} {req.route_params.get('id')}")


@app.route(route="orders", methods=["POST"])
@app.queue_output(arg_name="message", queue_name="orders", connection="AzureWebJobsStorage")
def order(req: func.HttpRequest, message: func.Out[str]) -> str:
    message.set(req.get_body().decode())
    return "ordered"


@app.queue_trigger(arg_name="message", queue_name="orders", connection="AzureWebJobsStorage")
def deliver(message: func.QueueMessage) -> None:
    logging.info("delivered %s", message.get_body())


@app.timer_trigger(schedule="0 0 3 * * *", arg_name="timer")
def nightly(timer: func.TimerRequest) -> None:
    logging.info("a night")
