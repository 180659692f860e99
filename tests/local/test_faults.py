"""Rules of trouble: whatever they do to an answer, the work behind it is done once or not at all."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from aiohttp import web
from multidict import CIMultiDict

from local import serving
from local.faults import Faults, Rule

LATE = 50
"""Milliseconds."""


def answered(action: dict[str, Any], *, hangs_up: bool = False) -> tuple[str, int]:
    """What one POST to a part with that rule was answered, and how often the part did the work.

    A caller that `hangs_up` does so while the rule has the answer; another one that is patient comes after it.
    """

    async def run() -> tuple[str, int]:
        works: list[str] = []

        async def work(request: web.Request) -> web.Response:
            works.append(await request.text())
            return web.Response(status=201, text=f"work {len(works)}")

        app, faults = web.Application(), Faults()
        app.router.add_post("/work", work)
        faults.install(app)
        async with AsyncExitStack() as stack:
            port = await serving.listen(stack, app, 0)
            client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False)
            http = await stack.enter_async_context(client)
            rule = {"match": {"method": "POST"}, "action": action}
            (await http.put("/_faults", json=[rule])).raise_for_status()
            if hangs_up:
                told = await _impatient(http)
                await _outcome(http, "patient")
            else:
                told = await _outcome(http, "one")
        return told, len([done for done in works if done != "patient"])

    return asyncio.run(run())


async def _outcome(http: httpx.AsyncClient, content: str) -> str:
    try:
        answer = await http.post("/work", content=content)
    except httpx.TransportError as error:
        return type(error).__name__
    return f"{answer.status_code} {answer.text}"


async def _impatient(http: httpx.AsyncClient) -> str:
    try:
        answer = await http.post("/work", content="one", timeout=httpx.Timeout(5.0, read=LATE / 5000))
    except httpx.ReadTimeout:
        return "hung up"
    return answer.text


@pytest.mark.parametrize(
    ("action", "answer"),
    [
        ({"delay_ms": LATE}, "201 work 1"),
        ({"after": {"delay_ms": LATE}}, "201 work 1"),
        ({"delay_ms": 1, "after": {"delay_ms": LATE}}, "201 work 1"),
        ({"after": {"status": 500}}, "500 "),
        ({"after": {"delay_ms": LATE, "status": 504, "body": "too late"}}, "504 too late"),
        ({"delay_ms": 1, "after": {"status": 504}}, "504 "),
        ({"after": {"delay_ms": LATE, "reset": True}}, "RemoteProtocolError"),
    ],
    ids=str,
)
def test_work_that_is_done_is_done_once_however_late_and_wrong_the_answer_is(
    action: dict[str, Any], answer: str
) -> None:
    assert answered(action) == (answer, 1)


@pytest.mark.parametrize(
    "action",
    [
        {"after": {"delay_ms": LATE}},
        {"after": {"delay_ms": LATE, "status": 504}},
        {"after": {"delay_ms": LATE, "reset": True}},
    ],
    ids=str,
)
def test_work_is_not_done_again_for_a_caller_that_has_hung_up(action: dict[str, Any]) -> None:
    assert answered(action, hangs_up=True) == ("hung up", 1)


@pytest.mark.parametrize("action", [{"status": 503}, {"delay_ms": 1, "status": 504}, {"reset": True}], ids=str)
def test_without_after_the_misbehaviour_takes_the_place_of_the_work(action: dict[str, Any]) -> None:
    assert answered(action)[1] == 0


@pytest.mark.parametrize("action", [{"delay_ms": LATE}, {"after": {"delay_ms": LATE}}], ids=str)
def test_a_late_answer_is_late(action: dict[str, Any]) -> None:
    began = time.monotonic()

    answered(action)

    assert time.monotonic() - began >= LATE / 1000


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ({}, "Unknown or empty action"),
        ({"explode": True}, "explode"),
        ({"status": "x"}, "must be a number from 200 to 599"),
        ({"status": 1000}, "must be a number from 200 to 599"),
        ({"after": {}}, "Unknown or empty action"),
        ({"after": {"delay": 5}}, "delay"),
        ({"after": 504}, "504"),
        ({"after": {"drop": True}}, "drop"),
        ({"after": {"after": {"status": 500}}}, "after"),
        ({"status": 500, "after": {"delay_ms": 5}}, "Only 'delay_ms' may stand beside 'after'"),
        ({"headers": {"Retry-After": "5"}}, "need a 'status'"),
        ({"after": {"body": "nothing"}}, "need a 'status'"),
    ],
    ids=str,
)
def test_an_action_that_cannot_be_carried_out_is_refused_and_not_half_done(action: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Rule.parse({"action": action})


def test_a_rule_may_be_for_requests_with_a_header_only() -> None:
    rule = {"match": {"method": "PUT", "header": "x-ms-copy-source"}, "action": {"status": 403}}
    faults = Faults()
    faults.rules = [Rule.parse(rule)]

    assert faults.for_request("PUT", "/a", headers=CIMultiDict({"X-Ms-Copy-Source": "https://b"})) == {"status": 403}
    assert faults.for_request("PUT", "/a", headers=CIMultiDict({"Content-Length": "0"})) is None
    assert [rule.fired for rule in faults.rules] == [1]
