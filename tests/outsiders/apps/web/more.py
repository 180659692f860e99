import azure.functions as func

more = func.Blueprint()


@more.route(route="health")
def health(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("I am not well", status_code=404)


@more.route(route="report")
def report(req: func.HttpRequest) -> func.HttpResponse:
    raise KeyError("REPORTS_URL")
