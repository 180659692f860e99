"""What a landing's card tells after looks and runs, and that it agrees with what the watch decides."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.core.card import Card, State, blank, looked, overdue_at, quiet_at, ran, state_of, stumbled
from shared.core.readiness import IsReady, Look, NotYet, look_of, readiness
from shared.core.record import from_json, to_json
from shared.core.route import Ready
from shared.core.run import Content, Run, Status
from shared.core.snapshot import Snapshot
from testbed.examples import tuesday
from testbed.fakes import NOON
from tests.unit.runs import AT, a_run
from tests.unit.test_snapshot import a_file, snapshot

QUIET = tuesday().route.ready
MARKED = Ready(quiet=None, marker="_SUCCESS", longest_wait=timedelta(hours=2), scores_after_longest_wait=False)
HELD = snapshot(a_file("0.png"))
BLANK = blank("digits", tuesday().location)


def after(**span: float) -> datetime:
    return NOON + timedelta(**span)


def of(fingerprint: str) -> Run:
    """A run that scores that content."""
    return a_run(snapshot=Content(files=1, bytes=1, fingerprint=fingerprint, drop="d"))


def seen(
    card: Card | None = None,
    held: Snapshot = HELD,
    *,
    at: datetime = NOON,
    ready: Ready = QUIET,
    watch: str = "w",
    is_hierarchical: bool = False,
) -> Card:
    look = look_of(held, at, is_hierarchical=is_hierarchical)
    return looked(card or BLANK, look, held, ready, watch=watch, now=at)


def test_a_card_survives_the_ledger() -> None:
    card = ran(seen(), a_run())

    assert from_json(Card, to_json(card)) == card


def test_a_wait_goes_on_from_look_to_look_and_begins_anew_when_something_changes() -> None:
    first = seen()
    same = seen(first, at=after(seconds=3))
    more = seen(same, snapshot(a_file("0.png"), a_file("1.png")), at=after(seconds=6))

    assert (same.since, same.same_since) == (NOON, NOON)
    assert (more.since, more.same_since) == (NOON, after(seconds=6))


def test_after_a_run_or_under_another_watch_the_wait_begins_anew() -> None:
    first = seen()

    assert seen(ran(first, of(HELD.fingerprint)), at=after(hours=1)).since == after(hours=1)
    assert seen(first, at=after(hours=1), watch="another").since == after(hours=1)


def test_trouble_is_kept_until_the_next_look() -> None:
    troubled = stumbled(seen(), "403 " * 1000, watch="w", now=after(seconds=5))

    assert (len(troubled.trouble or ""), troubled.since) == (2000, NOON)
    assert seen(troubled, at=after(seconds=9)).trouble is None


@pytest.mark.parametrize("is_hierarchical", [False, True], ids=["flat", "with a hierarchy"])
@pytest.mark.parametrize("size", [0, 1], ids=["empty file", "file"])
def test_the_landing_is_ready_when_the_card_says_and_not_before(is_hierarchical: bool, size: int) -> None:
    held = snapshot(replace(a_file("0.png"), size=size))
    card = seen(held=held, is_hierarchical=is_hierarchical)
    moment = quiet_at(QUIET, card)
    assert moment is not None

    def verdict(now: datetime) -> object:
        look = look_of(held, now, is_hierarchical=is_hierarchical)
        return readiness(QUIET, look, same_since=NOON, watched_since=NOON, now=now)

    assert isinstance(verdict(moment), IsReady)
    assert isinstance(verdict(moment - timedelta(milliseconds=1)), NotYet)


def test_a_landing_that_waits_for_a_marker_has_an_end_of_its_wait_and_no_quiet() -> None:
    card = seen(ready=MARKED)

    assert (quiet_at(MARKED, card), overdue_at(MARKED, card)) == (None, after(hours=2))


@pytest.mark.parametrize(
    ("card", "run", "state"),
    [
        (BLANK, None, State.WAITING),
        (seen(), None, State.WAITING),
        (seen(held=snapshot()), None, State.EMPTY),
        (seen(held=snapshot(), ready=MARKED), None, State.WAITING),
        (seen(), AT[Status.SCORING], State.RUNNING),
        (ran(seen(), of(HELD.fingerprint)), AT[Status.PUBLISHED], State.SCORED),
        (ran(seen(), of(HELD.fingerprint)), AT[Status.FAILED], State.FAILED),
        (ran(seen(), of(HELD.fingerprint)), AT[Status.SUPERSEDED], State.SUPERSEDED),
        (ran(seen(), of("other content")), AT[Status.PUBLISHED], State.WAITING),
        (ran(seen(held=snapshot()), of("f")), AT[Status.PUBLISHED], State.SCORED),
    ],
)
def test_the_state_of_a_landing_follows_from_its_card_and_its_run(card: Card, run: Run | None, state: State) -> None:
    assert state_of(card, run) is state
    assert state_of(card, run, is_unreadable=True) is State.UNREADABLE


def test_a_look_that_a_newer_version_describes_otherwise_is_not_taken_for_ours() -> None:
    card = seen()

    assert isinstance(card.look, Look)
    assert b'"version": 1' in to_json(card)
