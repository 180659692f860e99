"""The Queue service as its clients see it: tokens and roles in front of Azurite, which does the work.

Source: Azure docs, rest/api/storageservices, "Operations on messages" and "Authorize with Microsoft Entra ID".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from aiohttp import web

from local import sas
from local.addresses import ACCOUNTS, Addresses
from local.roles.live import LiveRoles
from local.storage.access import Gate, Refused
from local.storage.guard import Guard
from local.storage.upstream import Upstream, onward
from local.tokens import STORAGE, Verifier

_AUTHORIZATION = frozenset({"authorization"})


@dataclass(frozen=True, slots=True)
class QueueFront:
    """The queues of all accounts. What has no bearer token carries a signature, which Azurite judges."""

    gate: Gate
    guard: Guard
    upstream: Upstream

    @classmethod
    def of(cls, session: aiohttp.ClientSession, state: Path, where: Addresses) -> QueueFront:
        gate = Gate(
            front=where.queues,
            verifiers={a: Verifier.of(state, STORAGE, f"https://{a}.queue.core.windows.net") for a in ACCOUNTS},
            sas=sas.for_all("q", "rwdlacup", datetime.now(UTC)),
        )
        upstream = Upstream(session, where.azurite_queue, where.queues, tuple(gate.sas.values()))
        return cls(gate, Guard(LiveRoles.of(state, where.clock)), upstream)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer any request to any account."""
        try:
            signature = self.gate.admit(request.path.lstrip("/").partition("/")[0], request.headers)
            if not signature:
                self.gate.admit_address(request)
                return await self.upstream.forward(request, "", onward(request.headers))
            self.guard.check_queue(request)
            headers, is_list = onward(request.headers, without=_AUTHORIZATION), request.query.get("comp") == "list"
            return await self.upstream.forward(request, signature, headers, rewrite_body=is_list)
        except Refused as error:
            return error.response()
        except (aiohttp.ClientError, TimeoutError) as error:
            return Refused(503, "ServerBusy", f"Azurite did not answer: {error}").response()
