"""A request to look at landings now."""

from __future__ import annotations

from shared.core.acts import plain_reason, read_body
from shared.core.record import Record, change
from shared.errors import InputRefused

FORM = '{"route": NAME, "landing": PATH}, {"route": NAME}, or nothing; and optionally "reason"'


class Refresh(Record, frozen=True, kw_only=True):
    """The body of a request. Without a landing: all landings of the route, or of every one, that no run is known of."""

    route: str | None = None
    landing: str | None = None
    reason: str | None = None


def read_refresh(body: bytes) -> Refresh:
    """What a body asks for. Raises InputRefused with what would be right."""
    found = read_body(Refresh, body, FORM)
    if found.landing is not None and found.route is None:
        raise InputRefused(f"A landing is looked at for a route, and none is named. Send {FORM}.")
    return change(found, reason=plain_reason(found.reason))
