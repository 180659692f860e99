"""Puts the routes behind the checks that are the same for all: token, roles, request id, error envelope, faults."""

from __future__ import annotations

import logging
import uuid
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from local.addresses import TENANT
from local.azureml.api import wire
from local.azureml.api.authorization import checks_roles
from local.azureml.errors import Refusal, envelope
from local.azureml.workspace.store import JobStore
from local.clock import Clock
from local.faults import Faults
from local.roles.live import LiveRoles
from local.tokens import AZURE_ML, MANAGEMENT, TokenRefused, Verifier

logger = logging.getLogger(__name__)

AUDIENCES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("/endpoints/", (AZURE_ML,)),
    ("/mferp/", (AZURE_ML,)),
    ("/subscriptions", (MANAGEMENT,)),
    ("/tenants", (MANAGEMENT,)),
    ("/history/", (MANAGEMENT, AZURE_ML)),
    ("/data/", (MANAGEMENT, AZURE_ML)),
)
"""Which tokens a path takes. Resource Manager also takes its own URL for an audience, as every cloud's does.

Discovery and metadata need no token in Azure either; `/_jobs` and `/_faults` are for tests.

Source: Azure docs, how-to-authenticate-batch-endpoint.
"""


def application(state: Path, base: str, clock: Clock, store: JobStore, roles: LiveRoles) -> web.Application:
    """A server without routes of its own but `/_jobs` and `/_faults`."""
    app = web.Application(
        middlewares=[_answers(clock), _checks_tokens(state, base), checks_roles(roles)], client_max_size=4 * 2**20
    )

    async def jobs(_request: web.Request) -> web.Response:
        return web.json_response([wire.control(job) for job in store.page()])

    app.router.add_get("/_jobs", jobs)
    Faults().install(app)
    return app


def _answers(clock: Clock) -> Middleware:
    @web.middleware
    async def answers(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await handler(request)
        except Refusal as refusal:
            response = _refused(refusal.status, refusal.code, refusal.message, clock)
        except web.HTTPException as error:
            words = f"{request.method} {request.path} is not served here: {error.reason}."
            response = _refused(error.status, "UserError", words, clock)
        except Exception:
            logger.exception("%s %s could not be answered.", request.method, request.path)
            response = _refused(500, "ServiceError", "InternalServerError", clock)
        response.headers["X-Request-ID"] = str(uuid.uuid4())
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return answers


def _refused(status: int, code: str, message: str, clock: Clock) -> web.Response:
    response = web.json_response(envelope(code, message, clock.now()), status=status)
    if status == 401:
        response.headers["WWW-Authenticate"] = (
            f'Bearer authorization_uri="https://login.microsoftonline.com/{TENANT}", error="invalid_token"'
        )
    # Never Retry-After: with it the SDK repeats even a POST that was refused.
    return response


def _checks_tokens(state: Path, base: str) -> Middleware:
    verifiers = [
        (prefix, Verifier.of(state, *audiences, *((base,) if MANAGEMENT in audiences else ())))
        for prefix, audiences in AUDIENCES
    ]

    @web.middleware
    async def checks_tokens(request: web.Request, handler: Handler) -> web.StreamResponse:
        verifier = next((found for prefix, found in verifiers if request.path.startswith(prefix)), None)
        if verifier:
            try:
                request["claims"] = verifier.check(request.headers.get("Authorization"))
            except TokenRefused as refused:
                raise Refusal(401, refused.code, str(refused)) from refused
        return await handler(request)

    return checks_tokens
