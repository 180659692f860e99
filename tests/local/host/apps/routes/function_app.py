"""Answers with the route that was chosen and its parameters."""

import json

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


def add(name: str, route: str) -> None:
    @app.function_name(name)
    @app.route(route=route)
    def answer(req: func.HttpRequest) -> str:
        return json.dumps([name, dict(req.route_params)])


add("accented", "café")
add("spaced", "hello world")
add("letters", "alpha/{id:alpha}")
add("optional", "opt/{a}/{b?}")
add("rest", "rest/{*path}")
add("composite", "file/{name}.{ext}")
add("small", "num/{id:int}")
add("large", "num/{id:long}")
add("any", "num/{id}")
add("fraction", "dbl/{id:double}")


@app.route(route="odd/{status:int}")
def odd(req: func.HttpRequest) -> func.HttpResponse:
    framing = {"Content-Length": "500", "Transfer-Encoding": "chunked"}
    return func.HttpResponse("whole", status_code=int(req.route_params["status"]), headers=framing)
