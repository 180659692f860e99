"""How HTTP functions answer: JSON, and trouble in a status that a program can act on."""

import json
from collections.abc import Callable, Mapping

import azure.functions as func

from shared.errors import InputRefused, LandfallError
from shared.telemetry import error

NO_RUN = "There is no run with this id."


def answered(ask: Callable[[], func.HttpResponse]) -> func.HttpResponse:
    """What is answered; or 400 for what was not understood, and 503 for trouble that may pass."""
    try:
        return ask()
    except LandfallError as trouble:
        return in_trouble(trouble)


def in_trouble(trouble: LandfallError) -> func.HttpResponse:
    """The answer to a request that ended in trouble. The caller's own is theirs to know; the rest is logged."""
    if isinstance(trouble, InputRefused):
        return as_error(str(trouble), 400)
    error("http.failed", message=str(trouble))
    return as_error(str(trouble), 503)


def as_error(message: str, status: int, headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    return as_json({"error": message}, status, headers)


def as_json(body: object, status: int, headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    content = json.dumps(body, indent=1)
    return func.HttpResponse(content, status_code=status, headers=dict(headers or {}), mimetype="application/json")
