"""An HTTP stream, by the extension for FastAPI, which the local Functions host does without."""

import asyncio

import azure.functions as func
from azurefunctions.extensions.http.fastapi import Request, StreamingResponse

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


async def ticks():
    for number in range(3):
        yield f"{number}\n"
        await asyncio.sleep(0.01)


@app.route(route="stream", methods=[func.HttpMethod.GET])
async def stream(req: Request) -> StreamingResponse:
    return StreamingResponse(ticks(), media_type="text/event-stream")
