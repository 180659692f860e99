"""Asks the app what is wrong with it, and whether it has a page that says how everything stands."""

from __future__ import annotations

from typing import Any

import httpx

PATIENCE_SECONDS = 30.0


def problems(host: str, key: str, *, only: str | None = None) -> list[str]:
    """What the app says is wrong; `only`: what of it is asked for (`routes`: nothing else is looked at). None of an app
    that has no such function. Raises httpx.TransportError where the host does not answer."""
    answer = httpx.get(
        f"{host}/api/health",
        params={"only": only} if only else None,
        headers={"x-functions-key": key},
        timeout=PATIENCE_SECONDS,
        trust_env=False,
    )
    return read(answer.status_code, _json_in(answer))


def page(host: str, key: str) -> str | None:
    """The address of the app's status page, with the key that opens it; None for an app that has none. Raises
    httpx.TransportError where the host does not answer."""
    address = f"{host}/api/status?code={key}"
    answer = httpx.get(address, timeout=PATIENCE_SECONDS, trust_env=False)
    is_page = answer.is_success and answer.headers.get("Content-Type", "").startswith("text/html")
    return address if is_page else None


def read(status: int, body: Any) -> list[str]:
    """The problems in an answer. Only one that says that it is not healthy has any."""
    if status != httpx.codes.SERVICE_UNAVAILABLE or not isinstance(body, dict):
        return []
    told = body.get("problems")
    return [str(problem) for problem in told] if isinstance(told, list) else []


def _json_in(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None
