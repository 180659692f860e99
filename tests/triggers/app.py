"""The app as its triggers find it: the process's services over fakes, and the durable client."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from shared.core.landing import Landing
from shared.core.record import Names
from shared.core.run import Run
from shared.core.steps import Claimed, ClaimRun
from shared.routes import Routes, parse_routes
from shared.services import Services, services
from shared.work import claiming
from testbed.examples import SETTINGS, STATE, digits_route, endpoint_over, in_landing, replaced
from testbed.fakes import FakeAnnouncer, FakeBlobs, FakeClock, FakeEndpoint
from testbed.questions import FakeQuestions
from tests.triggers.durable_client import FakeDurableClient

FOLDER = "digits/tuesday"
WATCHER = "watch-before"
"""The instance that claimed a run before the test began."""


def plain(registered: Any) -> Callable[..., Any]:
    """The function as it is written. Its decorators have made it a FunctionBuilder, with the SDK's client inside."""
    written: Callable[..., Any] = inspect.unwrap(registered.build().get_user_function())
    return written


@dataclass
class App:
    """What a trigger works with, at noon, and what came of it."""

    own: Services
    clock: FakeClock
    blobs: FakeBlobs
    endpoint: FakeEndpoint
    announcer: FakeAnnouncer
    client: FakeDurableClient = field(default_factory=FakeDurableClient)

    def call(self, registered: Any, **given: Any) -> None:
        """Have the function carried out with this app's client."""
        coroutine: Coroutine[Any, Any, None] = plain(registered)(**given, client=self.client)
        asyncio.run(coroutine)

    def land(self, *names: str, folder: str = FOLDER) -> Landing:
        """Put files there, and let the time pass that is left to their events."""
        for name in names:
            self.blobs.put(in_landing(f"{folder}/{name}"), b"pixels of " + name.encode())
        self.clock.advance(minutes=3)
        return Landing(self.own.routes.usable[0], folder)

    def claim(self, folder: str = FOLDER) -> Run:
        """The run of what is in the folder, claimed by a watcher of before."""
        names = Names(route="digits", landing=folder, instance_id=WATCHER)
        landing = claiming.find(self.own.routes, names)
        assert landing is not None, folder
        seen = landing.freeze(self.blobs.list_folder(landing.folder).files).fingerprint
        given = ClaimRun(names=names, fingerprint=seen, refusal=None, copies=False, now=self.clock())
        claimed = claiming.claim(self.own.routes, self.blobs, self.own.ledger, given)
        assert isinstance(claimed, Claimed), claimed
        return claimed.run

    def given(self, instance_id: str) -> Any:
        """What an instance was started with."""
        return self.client.instances[instance_id].given


def make_app() -> App:
    """The process's services with this clock, and with fakes for what they would build on first use."""
    clock = FakeClock()
    blobs, announcer = FakeBlobs(clock), FakeAnnouncer()
    services.cache_clear()
    own = services()
    own.env = {**SETTINGS, "LANDFALL_STATE_URL": STATE.url}
    own.now, own.new_id = clock, lambda: "nonce"
    own.blobs, own.announcer = blobs, announcer
    own.endpoint = endpoint = endpoint_over(blobs, digits_route())
    own.questions = FakeQuestions(endpoint)
    own.pause = clock.wait
    return App(own, clock, blobs, endpoint, announcer)


def with_a_broken_route(container: str = "landing") -> Routes:
    """The demo's routes, and one more, `letters`, that reads that container and has a problem."""
    text = replaced()
    letters = text[text.index("  digits:") :].replace("  digits:", "  letters:", 1).replace("digits/{", "letters/{")
    broken = letters.replace("container: landing", f"container: {container}", 1).replace("quiet: 5s", "quiet: soon")
    return parse_routes(text + broken, SETTINGS)
