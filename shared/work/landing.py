"""Looking at a landing, and claiming the run of what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import count
from typing import Any

from shared.core.event import Landing
from shared.core.landing import Look
from shared.core.location import Location
from shared.core.run import Status, first_document, may_run_again, write_order
from shared.core.snapshot import Snapshot, freeze
from shared.errors import RoutesInvalid
from shared.ports import Blobs, Listing
from shared.routes import Routes
from shared.telemetry import log
from shared.work.ledger import Ledger


def look(routes: Routes, blobs: Blobs, payload: Mapping[str, Any]) -> dict[str, Any]:
    """What the landing holds now, as a Look. A landing that has no route any more looks empty."""
    landing = _find(routes, payload)
    if landing is None:
        return Look(files=0, fingerprint="", newest=None, seen_at=_at(payload), marked=True).to_payload()
    snapshot, listing = _snapshot(blobs, landing)
    seen = Look(
        files=len(snapshot.files),
        fingerprint=snapshot.fingerprint,
        newest=snapshot.newest,
        seen_at=listing.seen_at,
        marked=snapshot.marker_etag is not None,
    )
    log("landing.seen", **_names(payload), files=seen.files, marked=seen.marked, newest=seen.newest)
    return seen.to_payload()


def claim(routes: Routes, blobs: Blobs, ledger: Ledger, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Freeze the landing and claim its run: `{"order"}`, `{"known": run_id}`, or `{}` if the content has changed.

    The same content is claimed once. Content that was superseded before it was published is claimed again; content
    whose run has failed only when it was dropped anew, which its etags tell.
    """
    landing = _find(routes, payload)
    if landing is None:
        return {"known": "nothing; no route matches it any more"}
    snapshot, _ = _snapshot(blobs, landing)
    if snapshot.fingerprint != payload["fingerprint"]:
        return {}
    for number in count():
        given = {"number": number, "refusal": payload["refusal"], "restless": payload["restless"]}
        order = write_order(landing, snapshot, **given)
        document = first_document(order, claimed_by=payload["instance_id"], number=number, now=_at(payload))
        known = ledger.claim(document, snapshot.to_payload())
        if known is None or _is_unbegun_claim_of(known, payload["instance_id"]):
            log("run.claimed", **_names(payload), run_id=order.run_id, files=order.files, bytes=order.size)
            return {"order": (known or document)["order"]}
        if not may_run_again(known, snapshot.drop):
            log("run.known", **_names(payload), run_id=order.run_id, status=known["status"])
            return {"known": order.run_id}
    raise AssertionError("count() never ends")


def _is_unbegun_claim_of(document: Mapping[str, Any], instance_id: str) -> bool:
    # This activity was carried out before and its answer was lost.
    return bool(document["claimed_by"] == instance_id and document["status"] == Status.CLAIMED)


def _find(routes: Routes, payload: Mapping[str, Any]) -> Landing | None:
    for route in routes.usable:
        landing = Landing(route, payload["landing"])
        if route.name == payload["route"] and route.parts(landing.folder) is not None:
            return landing
    if any(problem.route == payload["route"] for problem in routes.problems):
        raise RoutesInvalid(routes.problems)
    return None


def _snapshot(blobs: Blobs, landing: Landing) -> tuple[Snapshot, Listing]:
    listing = blobs.list_folder(Location(landing.route.landing, landing.folder), landing.file_name)
    return freeze(listing.files, wants=landing.wants, marker=landing.route.ready.marker), listing


def _at(payload: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(payload["now"])


def _names(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {name: payload[name] for name in ("route", "landing", "instance_id")}
