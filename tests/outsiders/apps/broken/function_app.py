import azure.functions as func
import nobody_has_this

app = func.FunctionApp()


@app.route(route="never")
def never(req: func.HttpRequest) -> str:
    return nobody_has_this.said
