"""`call_http`: the request that an orchestrator asks for, sent as the activity `BuiltIn::HttpActivity`. Pure.

Rule 1: an answer 202 is followed, as the extension follows it: GET on its Location, after Retry-After seconds or the
        default, until the answer is another one.
Rule 2: all of that is one task with one id. The extension makes timers and further activities of its own for it, each
        with an id, which azure-functions-durable 1.x knows nothing of: there the orchestrator is out of step with its
        history after the first 202, and hangs (azure-functions-durable-python issue 380). What cannot be done without
        that is not copied; a warning says so when it happens.
Rule 3: where the following has come to is written down between two looks, so that a restart does not send the first
        request again.

Source: Azure/azure-functions-durable-extension, DurableOrchestrationContext.CallHttpAsync, TaskHttpActivityShim.cs;
Azure docs, durable-functions-http-features.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urljoin

NAME = "BuiltIn::HttpActivity"
DEFAULT_PAUSE = timedelta(milliseconds=30000)
"""Source: Azure docs, host.json httpSettings.defaultAsyncRequestSleepTimeMilliseconds."""
_KEY = "x-functions-key"
"""Not sent along: where Location leads, it may be somebody else's."""

Request = Mapping[str, Any]


class BadHttpCall(Exception):
    """The request cannot be sent, or its answer cannot be followed."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer, with header names as they came."""

    status: int
    headers: Mapping[str, str]
    content: str

    def result(self) -> str:
        """The JSON that the orchestrator gets."""
        return json.dumps({"statusCode": self.status, "headers": dict(self.headers), "content": self.content})


@dataclass(frozen=True, slots=True)
class LookAgain:
    """The answer was 202: send `request` at `due`."""

    request: Request
    due: datetime


def follow(request: Request, answer: HttpAnswer, now: datetime) -> LookAgain | None:
    """What comes after `answer`; None if it is the last one. Raises BadHttpCall."""
    if answer.status != 202 or request.get("asynchronousPatternEnabled") is False:
        return None
    headers = {name.lower(): value for name, value in answer.headers.items()}
    if "location" not in headers:
        raise BadHttpCall("The 202 response has no Location header, so it cannot be followed.")
    pause = headers.get("retry-after", "")
    after = timedelta(seconds=int(pause)) if pause.isdigit() else DEFAULT_PAUSE
    kept = {k: v for k, v in (request.get("headers") or {}).items() if k.lower() != _KEY}
    following = {k: v for k, v in request.items() if k not in ("content", "headers", "method", "uri")}
    uri = urljoin(str(request["uri"]), headers["location"])
    return LookAgain(following | {"method": "GET", "uri": uri, "headers": kept}, now + after)
