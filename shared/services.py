"""Builds everything once per process, on first use: the only reader of the environment, the clock and random ids.

Nothing is imported or connected before it is needed: a cold start pays for the Functions SDK alone, and a missing
setting shows up as a clear error of the function that needs it instead of as an app without functions.
"""

from __future__ import annotations

import os
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import Problem, RoutesInvalid
from shared.routes import Routes, parse_routes
from shared.settings import Settings, is_developers_machine
from shared.telemetry import error, quieten_libraries
from shared.work.ignoring import IgnoredEvents
from shared.work.ledger import Ledger
from shared.work.pacing import Pace

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from shared.ports import Announcer, BatchEndpoint, Blobs, Questions

APP = Path(__file__).parent.parent


class RecentlyStarted:
    """The last instances that this process has started: an event for one of them has nothing left to do."""

    def __init__(self, most: int = 1000) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._most = most

    def __contains__(self, instance_id: object) -> bool:
        return instance_id in self._ids

    def add(self, instance_id: str) -> None:
        self._ids[instance_id] = None
        while len(self._ids) > self._most:
            self._ids.popitem(last=False)


class BrokenRoutes:
    """Tells in the log what is wrong with routes: each problem once, until it is asked to do so anew."""

    def __init__(self) -> None:
        self._told: set[Problem] = set()

    def tell(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            if problem not in self._told:
                self._told.add(problem)
                where = {"route": problem.route or None, "field": problem.field}
                error("routes.invalid", **where, message=problem.message)

    def anew(self) -> None:
        """From now on every problem counts as not told yet."""
        self._told.clear()


@dataclass
class Services:
    """What the functions work with. Attributes are built on first use and kept."""

    env: dict[str, str]
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    pause: Callable[[timedelta], None] = lambda span: time.sleep(span.total_seconds())
    recent_watches: RecentlyStarted = field(default_factory=RecentlyStarted)
    pace: Pace = field(default_factory=Pace)
    ignored: IgnoredEvents = field(default_factory=IgnoredEvents)
    broken_routes: BrokenRoutes = field(default_factory=BrokenRoutes)

    @cached_property
    def settings(self) -> Settings:
        return Settings.from_env(self.env)

    @cached_property
    def routes(self) -> Routes:
        """Raises RoutesInvalid when no route can be used; routes with problems are left out and told by `problems`.
        The log tells of every problem when this is used first."""
        try:
            routes = _without_own_records(parse_routes(_text_of(APP / self.settings.routes), self.env), self.settings)
        except RoutesInvalid as invalid:
            self.broken_routes.tell(invalid.problems)
            raise
        self.broken_routes.tell(routes.problems)
        return routes

    def tell_of_broken_routes(self) -> None:
        """Log once more what is wrong with the routes."""
        self.broken_routes.anew()
        try:
            self.broken_routes.tell(self.routes.problems)
        except RoutesInvalid as invalid:
            self.broken_routes.tell(invalid.problems)

    @cached_property
    def credential(self) -> TokenCredential:
        from shared.adapters.credentials import developers_sign_in, managed_identity

        if is_developers_machine(self.env):
            return developers_sign_in()
        return managed_identity(self.settings.client_id)

    @cached_property
    def blobs(self) -> Blobs:
        from shared.adapters.blobs import AzureBlobs

        return AzureBlobs(self.credential)

    @cached_property
    def endpoint(self) -> BatchEndpoint:
        from shared.adapters.batch_endpoint import AzureBatchEndpoint

        return AzureBatchEndpoint(self.credential, self.settings.management_url)

    @cached_property
    def questions(self) -> Questions:
        from shared.adapters.questions import AzureQuestions

        return AzureQuestions(self.credential, self.settings.management_url, self.settings.queue_url)

    @cached_property
    def announcer(self) -> Announcer | None:
        """None when no topic is configured."""
        if self.settings.topic_endpoint is None:
            return None
        from shared.adapters.announcer import EventGridAnnouncer

        return EventGridAnnouncer(self.settings.topic_endpoint, self.credential)

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.blobs, self.settings.state)


@lru_cache(maxsize=1)
def services() -> Services:
    """The process's services."""
    quieten_libraries()
    return Services(env=dict(os.environ), now=lambda: datetime.now(UTC), new_id=lambda: str(uuid.uuid4()))


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as trouble:
        raise RoutesInvalid([Problem("", str(path), f"cannot be read: {trouble}")]) from trouble


def _without_own_records(routes: Routes, settings: Settings) -> Routes:
    """Without the routes that read or write where Landfall keeps its own records."""
    problems = [
        Problem(route.name, field, "is the container for Landfall's own records; use another one")
        for route in routes.usable
        for field, container in route.containers()
        if container.identity == settings.state.identity
    ]
    inside = {problem.route for problem in problems}
    usable = tuple(route for route in routes.usable if route.name not in inside)
    return replace(routes, usable=usable, problems=(*routes.problems, *problems))
