"""The status page, which loads nothing from anywhere, and the description of the API."""

from functools import cache
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

from shared.core.query import refuse_unknown
from shared.errors import LandfallError
from shared.services import services
from shared.work import inquiry
from triggers.answering import answered, in_trouble

bp = df.Blueprint()

FILES = Path(__file__).parent / "page"
POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@bp.route(route="status", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
def status_page(req: func.HttpRequest) -> func.HttpResponse:
    """How everything stands; with `run`, what has happened to that run."""
    try:
        return _shown(req)
    except LandfallError as trouble:
        return in_trouble(trouble)


def _shown(req: func.HttpRequest) -> func.HttpResponse:
    # First use, not cold start: an event needs no page.
    from shared.core import page
    from shared.work import standing

    refuse_unknown(req.params, ("run",))
    own, nonce = services(), services().new_id()
    look = page.Look(nonce=nonce, style=_file("status.css"), script=_file("status.js"), code=req.params.get("code"))
    asked = req.params.get("run")
    if asked is None:
        found = standing.gather(lambda: own.routes, own.ledger, own.now())
        return _answer(page.overall(found, look), 200, nonce)
    run = inquiry.record_of(own.ledger, asked)
    if run is None:
        return _answer(page.not_found(look), 404, nonce)
    return _answer(page.one_run(run, own.now(), look), 200, nonce)


@bp.route(route="operator", methods=["GET"], auth_level=func.AuthLevel.ADMIN)
def operator(req: func.HttpRequest) -> func.HttpResponse:
    """204: whoever asks has the admin key. The page shows its buttons to nobody else."""
    return answered(lambda: _no_content(req))


def _no_content(req: func.HttpRequest) -> func.HttpResponse:
    refuse_unknown(req.params, ())
    return func.HttpResponse(status_code=204)


@bp.route(route="openapi.json", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
def describe(req: func.HttpRequest) -> func.HttpResponse:
    """The description of all of this, in OpenAPI 3.1."""
    return answered(lambda: _described(req))


def _described(req: func.HttpRequest) -> func.HttpResponse:
    refuse_unknown(req.params, ())
    return func.HttpResponse(_file("openapi.json"), mimetype="application/json", charset="utf-8")


def _answer(html: str, status: int, nonce: str) -> func.HttpResponse:
    headers = {
        "Content-Security-Policy": POLICY.format(nonce=nonce),
        "Referrer-Policy": "no-referrer",  # the key may be in the page's URL
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return func.HttpResponse(html, status_code=status, headers=headers, mimetype="text/html", charset="utf-8")


@cache
def _file(name: str) -> str:
    return (FILES / name).read_text("utf-8")
