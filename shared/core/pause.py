"""Whether a route begins runs: somebody may have paused it.

A paused route is looked at like any other, so that what waits is known; only no run of it is claimed for an event, by
the sweep, for a request or in a backfill. A run that is under way goes on, and one may be replayed or rescored: that is
how it is found out whether the route can be resumed. What has come meanwhile is found by the sweep that resuming
begins, and by every later one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from shared.core.acts import Said
from shared.core.record import Record, builtins_of, change
from shared.core.route import Route


class Standing(Record, frozen=True, kw_only=True, tag_field="version", tag=1):
    """What people have last asked of a route. `resumed`: after it was paused last."""

    paused: Said | None = None
    resumed: Said | None = None

    @property
    def pause(self) -> Said | None:
        """Who has paused it; None if it is not paused."""
        return self.paused if self.resumed is None else None


UNREADABLE = Standing(
    paused=Said(
        at=datetime.fromtimestamp(0, UTC), reason="this version cannot read who did; pausing it again writes that anew"
    )
)
"""A standing that cannot be read: what somebody may have stopped must not begin by mistake."""


def paused(standing: Standing, said: Said) -> Standing:
    """As it stands once it is paused; who was first stays."""
    return standing if standing.pause is not None and standing != UNREADABLE else Standing(paused=said)


def resumed(standing: Standing, said: Said) -> Standing:
    """As it stands once it is resumed."""
    return standing if standing.pause is None else change(standing, resumed=said)


def told_of(route: str, pause: Said) -> str:
    """Why no run begins, and what to do."""
    return (
        f"Route {route!r} has been paused since {pause.at:%Y-%m-%d %H:%M} UTC by {pause.by_whom}. "
        f"POST /api/routes/{route}/resume has it go on."
    )


def shown(route: Route, standing: Standing) -> dict[str, Any]:
    """What people see of a route."""
    return {
        "route": route.name,
        "landing": f"{route.landing.name}/{route.folder}",
        "endpoint": route.endpoint.scoring_uri,
        "deployment": route.endpoint.deployment,
        "shadow": route.shadow,
        "watched": route.is_watched,
        "paused": builtins_of(standing.pause),
        "resumed": builtins_of(standing.resumed),
    }
