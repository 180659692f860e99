"""The plan of watch_landing, step by step."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.core.landing import Look, WatchStart
from shared.core.patience import PATIENCE
from shared.core.watch import (
    STEPS_PER_HISTORY,
    Begin,
    Claim,
    Done,
    Enter,
    Leave,
    LookAt,
    Phase,
    Score,
    Sleep,
    StartOver,
    Watch,
    new_watch,
    next_step,
)
from tests.examples import digits_route, tuesday
from tests.fakes import NOON

MARKED = ("quiet: 5s", "marker: _SUCCESS")
START = WatchStart("watch-1", NOON + timedelta(seconds=2))
ORDER = {"run_id": "digits-1"}


def a_watch(*pairs: tuple[str, str], is_marker: bool = False, **changes: Any) -> Watch:
    return replace(new_watch(tuesday(digits_route(*pairs)), START, is_marker=is_marker), **changes)


def looking(*pairs: tuple[str, str], **changes: Any) -> Watch:
    """A watch that has become the watcher at noon."""
    return replace(a_watch(*pairs).arrived().entered("me", "me", NOON), **changes)


def saw(
    watch: Watch, at: datetime = NOON, *, files: int = 1, content: str = "f", age: float = 0, marked: bool = False
) -> Watch:
    """The watch after a look at that time that was answered at once."""
    newest = at - timedelta(seconds=age) if files else None
    look = Look(files=files, fingerprint=content, newest=newest, seen_at=at, marked=marked)
    return watch.saw(look, asked_at=at, now=at)


def test_a_new_watch_waits_for_its_bucket_to_end_and_asks_who_watches() -> None:
    watch = a_watch()

    assert next_step(watch, NOON) == Sleep(START.not_before)
    assert next_step(watch.arrived(), NOON) == Enter(urgent=False)


def test_the_markers_watch_is_urgent() -> None:
    assert next_step(a_watch(MARKED, is_marker=True).arrived(), NOON) == Enter(urgent=True)


def test_the_markers_watch_is_still_urgent_after_a_failure() -> None:
    """Else it gives way to a watcher that looks for the marker every five minutes only."""
    watch = a_watch(MARKED, is_marker=True).arrived().stumbled(NOON)

    assert next_step(watch, NOON) == Enter(urgent=True)


def test_one_that_is_not_the_watcher_ends() -> None:
    watch = a_watch().arrived().entered("another", "me", NOON)

    assert next_step(watch, NOON) == Done("left to another")


def test_the_watcher_looks() -> None:
    assert next_step(looking(), NOON) == LookAt()


def test_an_empty_landing_is_left() -> None:
    assert next_step(saw(looking(), files=0), NOON) == Leave()


def test_a_landing_that_is_not_quiet_is_looked_at_again_when_it_may_be() -> None:
    watch = saw(looking())

    assert next_step(watch, NOON) == Sleep(NOON + timedelta(seconds=5))
    assert next_step(watch.rested(), NOON) == LookAt()


def test_one_that_waits_for_its_marker_asks_whether_it_was_replaced() -> None:
    watch = saw(looking(MARKED))

    assert next_step(watch, NOON) == Sleep(NOON + timedelta(minutes=5))
    assert next_step(watch.rested(), NOON) == Enter(urgent=False)


def test_quiet_is_counted_from_the_first_look_that_saw_the_same() -> None:
    first = saw(looking(), content="f")
    same = saw(first.rested(), NOON + timedelta(seconds=4), content="f")
    other = saw(same.rested(), NOON + timedelta(seconds=4.5), content="g")

    assert (first.same_since, same.same_since) == (NOON, NOON)
    assert other.same_since == NOON + timedelta(seconds=4.5)
    assert next_step(saw(same.rested(), NOON + timedelta(seconds=5), content="f"), NOON) == Begin()


def test_a_ready_landing_is_begun_claimed_and_scored() -> None:
    watch = saw(looking(), age=60)

    assert next_step(watch, NOON) == Begin()
    assert next_step(watch.begun(True), NOON) == Claim("f", None, restless=False)
    assert next_step(watch.begun(True).claimed({"order": ORDER}), NOON) == Score(ORDER)


def test_one_that_was_replaced_before_it_began_ends() -> None:
    assert next_step(saw(looking(), age=60).begun(False), NOON) == Done("left to another watcher")


def test_an_overdue_landing_is_claimed_with_the_reason_why_it_is_not_scored() -> None:
    watch = saw(looking(MARKED), NOON + timedelta(hours=2)).begun(True)

    assert next_step(watch, NOON) == Claim("f", "_SUCCESS has not arrived within 2:00:00", restless=False)


def test_a_refusal_is_forgotten_once_the_landing_is_ready_after_all() -> None:
    overdue = saw(looking(MARKED), NOON + timedelta(hours=2))
    ready = saw(replace(overdue, phase=Phase.LOOKING), NOON + timedelta(hours=2), marked=True)

    assert next_step(ready.begun(True), NOON) == Claim("f", None, restless=False)


def test_content_that_is_known_is_left() -> None:
    watch = saw(looking(), age=60).begun(True).claimed({"known": "digits-1"})

    assert next_step(watch, NOON) == Leave()
    assert next_step(watch.left(False), NOON) == Done("already known as digits-1")


def test_content_that_has_changed_since_the_look_is_looked_at_again() -> None:
    assert next_step(saw(looking(), age=60).begun(True).claimed({}), NOON) == LookAt()


@pytest.mark.parametrize("status", ["published", "failed"])
def test_after_a_run_the_landing_is_left(status: str) -> None:
    watch = saw(looking(), age=60).begun(True).claimed({"order": ORDER})
    scored = watch.scored({"run_id": "digits-1", "status": status})

    assert next_step(scored, NOON) == Leave()
    assert scored.order is None
    assert next_step(scored.left(False), NOON) == Done(f"digits-1 {status}")


def test_after_a_superseded_run_the_new_content_is_looked_at_at_once() -> None:
    watch = saw(looking(), age=60).begun(True).claimed({"order": ORDER})

    superseded = watch.scored({"run_id": "digits-1", "status": "superseded"})

    assert next_step(superseded, NOON) == LookAt()
    assert next_step(saw(superseded, content="g", age=60).begun(True), NOON) == Claim("g", None, restless=True)


def test_one_that_was_touched_looks_again() -> None:
    watch = saw(looking(), age=60).begun(True).claimed({"known": "digits-1"}).left(True)

    assert next_step(watch, NOON) == LookAt()
    assert (watch.fingerprint, watch.same_since) == (None, None)


def test_the_longest_wait_ends_for_one_that_looks_again_too() -> None:
    """Without it a folder that is never quiet is not scored at all the second time round."""
    watch = saw(looking(), age=60).begun(True).claimed({"known": "digits-1"}).left(True)
    for minute in range(3 * 60):
        watch = saw(watch, NOON + timedelta(minutes=minute), content=str(minute))
        if watch.phase is Phase.BEGINNING:
            return
        watch = watch.rested()
    pytest.fail("never quiet for three hours, and not scored after the longest wait of two")


def test_the_content_that_superseded_a_run_has_a_longest_wait_of_its_own() -> None:
    """A job may take longer than the longest wait; the new content would be scored unquiet, or refused."""
    watch = saw(looking(), age=60).begun(True).claimed({"order": ORDER})
    later = watch.scored({"run_id": "digits-1", "status": "superseded"})

    assert saw(later, NOON + timedelta(hours=3), content="g").phase is Phase.RESTING


def test_failures_in_a_row_are_followed_by_longer_and_longer_rests() -> None:
    watch, rests = looking(), []
    for _ in range(len(PATIENCE) + 2):
        watch = watch.stumbled(NOON)
        assert watch.rest_until is not None
        rests.append(watch.rest_until - NOON)

    assert rests == [*PATIENCE, PATIENCE[-1], PATIENCE[-1]]
    assert next_step(watch, NOON) == LookAt()
    assert saw(watch).failures == 0


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.DONE])
def test_after_many_looks_the_history_is_cut(phase: Phase) -> None:
    watch = looking(phase=phase, steps=STEPS_PER_HISTORY, rest_until=NOON)

    assert next_step(watch, NOON) == StartOver()
    assert next_step(watch.started_over(), NOON) != StartOver()


@pytest.mark.parametrize("phase", [Phase.ENTERING, Phase.LOOKING, Phase.BEGINNING, Phase.CLAIMING, Phase.LEAVING])
def test_after_many_failures_of_any_step_the_history_is_cut(phase: Phase) -> None:
    watch = looking(phase=phase, fingerprint="f")
    step = next_step(watch, NOON)
    for _ in range(STEPS_PER_HISTORY):
        assert next_step(watch, NOON) == step
        watch = watch.stumbled(NOON)

    assert next_step(watch, NOON) == StartOver()
    assert next_step(watch.started_over(), NOON) == step


def test_a_run_that_cannot_be_carried_out_is_left_to_the_sweep() -> None:
    watch = saw(looking(), age=60).begun(True).claimed({"order": ORDER}).stumbled(NOON)

    assert next_step(watch, NOON) == Leave()
    assert next_step(watch.left(False), NOON) == Done("run left to the sweep")


@pytest.mark.parametrize(
    "watch",
    [
        a_watch(),
        a_watch(MARKED, is_marker=True).arrived(),
        saw(looking()),
        saw(looking(MARKED), NOON + timedelta(hours=2)).begun(True),
        saw(looking(), age=60).begun(True).claimed({"order": ORDER}),
        saw(looking(), age=60).begun(True).claimed({"known": "digits-1"}).left(True),
        looking().stumbled(NOON),
    ],
    ids=["new", "marker", "resting", "overdue", "scoring", "again", "stumbled"],
)
def test_a_watch_survives_the_way_between_functions(watch: Watch) -> None:
    assert Watch.from_payload(json.loads(json.dumps(watch.to_payload()))) == watch


def test_a_watch_that_does_not_say_when_it_may_look_is_refused() -> None:
    with pytest.raises(ValueError, match="when it may look"):
        Watch.from_payload({**a_watch().to_payload(), "not_before": None})
