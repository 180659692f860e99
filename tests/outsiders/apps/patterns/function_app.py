"""The patterns of Durable Functions, a blueprint for each two or three, behind one starter for all of them."""

import azure.durable_functions as df
import azure.functions as func
from chains import chains
from waits import waits

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
app.register_functions(chains)
app.register_functions(waits)


@app.route(route="orchestrators/{functionName}")
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    instance = await client.start_new(req.route_params["functionName"])
    return client.create_check_status_response(req, instance)
