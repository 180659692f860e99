"""What tests of landings with sub-folders start from, and ask."""

from __future__ import annotations

from shared.core.event import Arrived, FolderArrived, Leads, Match, match_blob, match_folder
from shared.work import sweeping
from shared.work.walking import landings_in
from tests.workflow.world import World

LANDING = "digits/tuesday"


def nested(how: str) -> tuple[str, str]:
    """The demo's route with that value of `landing.nested`."""
    return "      files:", f"      nested: {how}\n      files:"


def missed(world: World) -> list[str]:
    """What the sweep finds a few minutes later."""
    world.clock.advance(minutes=3)
    return sorted(one.path for one in sweeping.missed(world.routes, world.blobs, world.ledger, world.clock))


def led_to(world: World, path: str) -> list[str]:
    """The landings that the event of a blob leads to."""
    match = match_blob(Arrived("landing", "landing", path), world.routes.usable)
    return [match.landing.path] if isinstance(match, Match) else []


def renamed_to(world: World, path: str) -> list[str]:
    """The landings that the event of a renamed folder leads to."""
    leads = match_folder(FolderArrived("landing", "landing", path), world.routes.usable)
    if not isinstance(leads, Leads):
        return []
    return sorted(one.path for one in landings_in(world.blobs, leads, world.clock).landings)
