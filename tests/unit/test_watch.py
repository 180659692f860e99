"""The watch of a landing, from its start to its end."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.core import watch
from shared.core.readiness import Look, WatchStart
from shared.core.record import change, dump, load
from shared.core.run import Status
from shared.core.steps import Claimed, ContentChanged, Known, NoRoute, Paused, RunEnded
from shared.core.transitions import IllegalTransition
from shared.core.trouble import DENIED_PATIENCE, PATIENCE, Kind, Trouble
from shared.core.watch import TRANSITIONS, TURNS_PER_HISTORY, WATCH_PATIENCE, Phase, Watch, new_watch
from shared.errors import InputRefused
from testbed.examples import digits_route, tuesday
from testbed.fakes import NOON
from tests.unit.runs import RUN_ID, a_run

MARKED = ("quiet: 5s", "marker: _SUCCESS")
START = WatchStart("watch-1", NOON + timedelta(seconds=2))
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
AWAY = Trouble(Kind.PASSING, "503")
DENIED = Trouble(Kind.DENIED, "403: no role")
REFUSED = Trouble(Kind.REFUSED, "routes.yaml has problems")
DEFECT = Trouble(Kind.DEFECT, "ValueError: negative")


def a_watch(*pairs: tuple[str, str], is_marker: bool = False, **changes: Any) -> Watch:
    return change(new_watch(tuesday(digits_route(*pairs)), START, is_marker=is_marker), **changes)


def looking(*pairs: tuple[str, str], **changes: Any) -> Watch:
    """A watch that has become the watcher at noon."""
    return change(watch.entered(watch.settled(a_watch(*pairs)), "me", "me", NOON), **changes)


def saw(
    state: Watch, at: datetime = NOON, *, files: int = 1, content: str = "f", age: float = 0, marked: bool = False
) -> Watch:
    """The watch after a look at that time that was answered at once."""
    newest = at - timedelta(seconds=age) if files else None
    look = Look(files=files, fingerprint=content, newest=newest, seen_at=at, marked=marked)
    return watch.saw(state, look, asked_at=at, now=at)


def ready() -> Watch:
    return saw(looking(), age=60)


def claiming() -> Watch:
    return watch.begun(ready(), True)


def scoring() -> Watch:
    return watch.claimed(claiming(), Claimed(a_run()))


def leaving() -> Watch:
    return watch.claimed(claiming(), Known("digits-1"))


AT = {
    Phase.SETTLING: a_watch(),
    Phase.ENTERING: watch.settled(a_watch()),
    Phase.LOOKING: looking(),
    Phase.WAITING: saw(looking()),
    Phase.BEGINNING: ready(),
    Phase.CLAIMING: claiming(),
    Phase.SCORING: scoring(),
    Phase.LEAVING: leaving(),
    Phase.GIVING_UP: watch.given_up(looking(), REFUSED),
    Phase.DONE: watch.left(leaving(), False),
}
"""A watch in every phase."""

PAIRS = [(before, after) for before in Phase for after in Phase]
WATCHING = [phase for phase in Phase if phase not in (Phase.SETTLING, Phase.SCORING, Phase.GIVING_UP, Phase.DONE)]
"""Phases in which the entity may know the watcher, and a step of the watch's own may fail."""


def named(pair: tuple[Phase, Phase]) -> str:
    return f"{pair[0]} to {pair[1]}"


def test_there_is_an_example_of_every_phase() -> None:
    assert {phase: state.phase for phase, state in AT.items()} == {phase: phase for phase in Phase}


@pytest.mark.parametrize("pair", TRANSITIONS, ids=named)
def test_a_watch_goes_every_way_of_the_table(pair: tuple[Phase, Phase]) -> None:
    before, after = pair

    assert AT[before].moved(after) == change(AT[before], phase=after)


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair not in TRANSITIONS], ids=named)
def test_any_other_way_is_a_defect_that_names_both_phases(pair: tuple[Phase, Phase]) -> None:
    before, after = pair

    with pytest.raises(IllegalTransition, match=f"what is {before} cannot become {after}") as raised:
        AT[before].moved(after)

    assert (raised.value.before, raised.value.after) == (before, after)


def test_a_watch_starts_by_settling_and_every_phase_leads_to_its_end() -> None:
    assert {after for _, after in TRANSITIONS} == set(Phase) - {Phase.SETTLING}
    assert {before for before, _ in TRANSITIONS} == set(Phase) - {Phase.DONE}


def test_a_new_watch_waits_for_its_bucket_to_end_and_asks_who_watches() -> None:
    state = a_watch()

    assert (state.phase, state.not_before) == (Phase.SETTLING, START.not_before)
    assert (state.route, state.landing, state.key) == ("digits", "digits/tuesday", tuesday().key)
    assert watch.settled(state).phase is Phase.ENTERING
    assert not watch.settled(state).is_urgent


def test_the_markers_watch_is_urgent() -> None:
    assert watch.settled(a_watch(MARKED, is_marker=True)).is_urgent


def test_the_markers_watch_is_still_urgent_after_a_failure() -> None:
    """Else it gives way to a watcher that looks for the marker every five minutes only."""
    assert watch.stumbled(watch.settled(a_watch(MARKED, is_marker=True)), AWAY, NOON).is_urgent


def test_a_watcher_that_has_looked_already_is_urgent_no_more() -> None:
    assert not watch.entered(watch.settled(a_watch(MARKED, is_marker=True)), "me", "me", NOON).is_urgent


def test_one_that_is_not_the_watcher_ends() -> None:
    state = watch.entered(watch.settled(a_watch()), "another", "me", NOON)

    assert (state.phase, state.result) == (Phase.DONE, "left to another")


def test_a_landing_with_nothing_to_score_is_left() -> None:
    state = saw(looking(), files=0)

    assert state.phase is Phase.LEAVING
    assert (watch.left(state, False).phase, watch.left(state, False).result) == (Phase.DONE, "nothing to score")


def test_a_landing_that_is_not_ready_is_looked_at_again_when_it_may_be() -> None:
    state = saw(looking())

    assert (state.phase, state.wait_until) == (Phase.WAITING, NOON + 5 * SECOND)
    assert (watch.waited(state).phase, watch.waited(state).wait_until) == (Phase.LOOKING, None)


def test_one_that_waits_for_its_marker_asks_whether_it_was_replaced() -> None:
    state = saw(looking(MARKED))

    assert (state.phase, state.wait_until) == (Phase.WAITING, NOON + timedelta(minutes=5))
    assert watch.waited(state).phase is Phase.ENTERING
    assert watch.entered(watch.waited(state), "me", "me", NOON + HOUR).watched_since == NOON


def test_quiet_is_counted_from_the_first_look_that_saw_the_same() -> None:
    first = saw(looking(), content="f")
    same = saw(watch.waited(first), NOON + 4 * SECOND, content="f")
    other = saw(watch.waited(same), NOON + 4.5 * SECOND, content="g")

    assert (first.same_since, same.same_since) == (NOON, NOON)
    assert other.same_since == NOON + 4.5 * SECOND
    assert saw(watch.waited(same), NOON + 5 * SECOND, content="f").phase is Phase.BEGINNING


def test_a_ready_landing_is_begun_claimed_and_scored() -> None:
    assert (ready().phase, ready().fingerprint, ready().refusal) == (Phase.BEGINNING, "f", None)
    assert (claiming().phase, claiming().fingerprint, claiming().copies) == (Phase.CLAIMING, "f", False)
    assert (scoring().phase, scoring().the_run) == (Phase.SCORING, a_run())


@pytest.mark.parametrize("answer", [False, None, "true"], ids=str)
def test_one_that_was_replaced_before_it_began_ends(answer: object) -> None:
    state = watch.begun(ready(), answer)

    assert (state.phase, state.result) == (Phase.DONE, "left to another watcher")


def test_an_overdue_landing_is_claimed_with_the_reason_why_it_is_not_scored() -> None:
    state = watch.begun(saw(looking(MARKED), NOON + 2 * HOUR), True)

    assert (state.phase, state.refusal) == (
        Phase.CLAIMING,
        "The landing was not complete within 2:00:00: _SUCCESS did not arrive.",
    )


def test_a_refusal_is_forgotten_once_the_landing_is_ready_after_all() -> None:
    overdue = watch.begun(saw(looking(MARKED), NOON + 2 * HOUR), True)
    again = saw(watch.claimed(overdue, ContentChanged()), NOON + 2 * HOUR, marked=True)

    assert (again.phase, again.refusal) == (Phase.BEGINNING, None)


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (Known("a"), "already known as a"),
        (NoRoute(), "no route matches it any more"),
        (Paused(), "its route is paused"),
    ],
)
def test_content_that_is_not_to_be_scored_is_left(answer: Known | NoRoute | Paused, result: str) -> None:
    assert watch.claimed(claiming(), answer) == change(claiming(), phase=Phase.LEAVING, result=result)


def test_content_that_has_changed_since_the_look_is_looked_at_again() -> None:
    assert watch.claimed(claiming(), ContentChanged()).phase is Phase.LOOKING


@pytest.mark.parametrize("status", [Status.PUBLISHED, Status.FAILED], ids=str)
def test_after_a_run_the_landing_is_left(status: Status) -> None:
    state = watch.scored(scoring(), RunEnded(RUN_ID, status), NOON)

    assert (state.phase, state.run, state.copies) == (Phase.LEAVING, None, False)
    assert watch.left(state, False).result == f"{RUN_ID} {status}"


def test_after_a_superseded_run_the_new_content_is_looked_at_at_once_and_scored_by_copies() -> None:
    superseded = watch.scored(scoring(), RunEnded(RUN_ID, Status.SUPERSEDED), NOON)

    assert (superseded.phase, superseded.run, superseded.fingerprint) == (Phase.LOOKING, None, None)
    again = watch.begun(saw(superseded, content="g", age=60), True)
    assert (again.phase, again.fingerprint, again.copies) == (Phase.CLAIMING, "g", True)


def test_one_that_was_touched_looks_again() -> None:
    state = watch.left(leaving(), True)

    assert (state.phase, state.fingerprint, state.same_since) == (Phase.LOOKING, None, None)


def test_the_longest_wait_ends_for_one_that_looks_again_too() -> None:
    """Without it a folder that is never quiet is not scored at all the second time round."""
    state = watch.left(leaving(), True)
    for minute in range(3 * 60):
        state = saw(state, NOON + timedelta(minutes=minute), content=str(minute))
        if state.phase is Phase.BEGINNING:
            return
        state = watch.waited(state)
    pytest.fail("never quiet for three hours, and not scored after the longest wait of two")


def test_the_content_that_superseded_a_run_has_a_longest_wait_of_its_own() -> None:
    """A job may take longer than the longest wait; the new content would be scored unquiet, or refused."""
    later = watch.scored(scoring(), RunEnded(RUN_ID, Status.SUPERSEDED), NOON)

    assert saw(later, NOON + 3 * HOUR, content="g").phase is Phase.WAITING


def test_content_that_is_superseded_again_and_again_is_looked_at_after_growing_waits() -> None:
    state, waits = watch.scored(scoring(), RunEnded(RUN_ID, Status.SUPERSEDED), NOON), []
    for _ in range(len(PATIENCE) + 1):
        state = watch.scored(change(scoring(), superseded=state.superseded), RunEnded(RUN_ID, Status.SUPERSEDED), NOON)
        assert (state.phase, state.run, state.copies, state.fingerprint) == (Phase.WAITING, None, True, None)
        assert state.wait_until is not None
        waits.append(state.wait_until - NOON)

    assert waits == [*PATIENCE, PATIENCE[-1]]
    assert watch.scored(change(scoring(), superseded=9), RunEnded(RUN_ID, Status.PUBLISHED), NOON).superseded == 0


@pytest.mark.parametrize("phase", WATCHING, ids=str)
def test_failures_in_a_row_are_followed_by_longer_and_longer_rests(phase: Phase) -> None:
    state, rests = AT[phase], []
    for _ in range(len(PATIENCE) + 2):
        state = watch.stumbled(state, AWAY, NOON)
        assert state.wait_until is not None
        rests.append(state.wait_until - NOON)

    assert rests == [*PATIENCE, PATIENCE[-1], PATIENCE[-1]]
    assert (state.phase, watch.rested(state).wait_until) == (phase, None)


@pytest.mark.parametrize(
    "state",
    [
        saw(watch.stumbled(looking(), AWAY, NOON)),
        watch.begun(watch.stumbled(ready(), AWAY, NOON), True),
        watch.claimed(watch.stumbled(claiming(), AWAY, NOON), Known("digits-1")),
        watch.left(watch.stumbled(leaving(), AWAY, NOON), True),
        watch.entered(watch.stumbled(watch.settled(a_watch()), DENIED, NOON), "me", "me", NOON),
    ],
    ids=["saw", "begun", "claimed", "left", "entered"],
)
def test_one_that_got_ahead_is_patient_anew(state: Watch) -> None:
    assert (state.failures, state.failing_since, state.denied_since) == (0, None, None)


@pytest.mark.parametrize("trouble", [REFUSED, DEFECT], ids=["refused", "defect"])
@pytest.mark.parametrize("phase", WATCHING, ids=str)
def test_what_does_not_pass_frees_the_landing_and_ends_the_watch(phase: Phase, trouble: Trouble) -> None:
    """The landing would have a watcher that is no more, and no event would be followed by a look until the sweep."""
    state = watch.stumbled(AT[phase], trouble, NOON)

    assert (state.phase, state.result) == (Phase.GIVING_UP, f"failed ({trouble.kind}): {trouble.message}")
    assert (watch.released(state).phase, watch.released(state).result) == (Phase.DONE, state.result)


@pytest.mark.parametrize("phase", WATCHING, ids=str)
def test_access_that_is_denied_for_an_hour_frees_the_landing_and_ends_the_watch(phase: Phase) -> None:
    denied = watch.stumbled(AT[phase], DENIED, NOON)

    assert watch.stumbled(denied, DENIED, NOON + DENIED_PATIENCE - SECOND).phase is phase
    state = watch.stumbled(denied, DENIED, NOON + DENIED_PATIENCE)
    assert (state.phase, state.result) == (Phase.GIVING_UP, "failed (denied): 403: no role")


def test_other_trouble_in_between_does_not_make_the_hour_longer() -> None:
    """Seen before: every hiccup began the hour anew, so that a watch without a role might try for days."""
    away = watch.stumbled(watch.stumbled(looking(), DENIED, NOON), AWAY, NOON + DENIED_PATIENCE - SECOND)

    assert away.phase is Phase.LOOKING
    assert watch.stumbled(away, DENIED, NOON + DENIED_PATIENCE).phase is Phase.GIVING_UP


@pytest.mark.parametrize("phase", WATCHING, ids=str)
def test_trouble_that_may_pass_is_sat_out_for_a_day_and_then_frees_the_landing(phase: Phase) -> None:
    away = watch.stumbled(AT[phase], AWAY, NOON)

    assert watch.stumbled(away, AWAY, NOON + WATCH_PATIENCE - SECOND).phase is phase
    state = watch.stumbled(away, AWAY, NOON + WATCH_PATIENCE)
    assert (state.phase, state.result) == (Phase.GIVING_UP, "failed (passing): 503")


@pytest.mark.parametrize("phase", [Phase.SETTLING, Phase.GIVING_UP], ids=str)
def test_one_that_holds_no_landing_or_cannot_free_it_just_ends(phase: Phase) -> None:
    state = watch.stumbled(AT[phase], DEFECT, NOON)

    assert (state.phase, state.result) == (Phase.DONE, "failed (defect): ValueError: negative")


def test_a_landing_that_cannot_be_freed_yet_is_freed_later() -> None:
    state = watch.stumbled(AT[Phase.GIVING_UP], AWAY, NOON)

    assert (state.phase, state.wait_until) == (Phase.GIVING_UP, NOON + PATIENCE[0])


@pytest.mark.parametrize("trouble", [AWAY, DENIED, REFUSED, DEFECT], ids=lambda trouble: str(trouble.kind))
def test_a_run_that_cannot_be_carried_out_is_left_to_the_sweep(trouble: Trouble) -> None:
    state = watch.stumbled(scoring(), trouble, NOON)

    assert (state.phase, state.run) == (Phase.LEAVING, None)
    assert watch.left(state, False).result == "run left to the sweep"


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.DONE], ids=str)
def test_a_defect_leads_to_the_end_from_every_phase(phase: Phase) -> None:
    """One that was met while a run was carried out stopped the watch instead, and the landing stayed taken."""
    state = watch.given_up(AT[phase], DEFECT)

    assert state.phase in (Phase.GIVING_UP, Phase.LEAVING, Phase.DONE)
    assert state.phase is not Phase.DONE or phase in (Phase.SETTLING, Phase.GIVING_UP)


def test_a_defect_while_a_run_is_carried_out_leaves_it_to_the_sweep() -> None:
    state = watch.given_up(scoring(), DEFECT)

    assert (state.phase, state.run, state.result) == (Phase.LEAVING, None, "run left to the sweep")


def test_looks_and_failures_make_a_history_long_until_it_is_cut() -> None:
    looked, failed = looking(turns=TURNS_PER_HISTORY - 1), looking(turns=TURNS_PER_HISTORY - 1)

    for state in (saw(looked), watch.stumbled(failed, AWAY, NOON)):
        assert state.history_is_long
        assert watch.started_over(state) == change(state, turns=0)
    assert not looked.history_is_long


def test_one_that_only_begins_claims_and_leaves_has_a_short_history() -> None:
    assert leaving().turns == ready().turns == 1


@pytest.mark.parametrize("state", [*AT.values(), watch.stumbled(looking(), AWAY, NOON)], ids=[*AT, "stumbled"])
def test_a_watch_survives_the_way_between_functions(state: Watch) -> None:
    assert load(Watch, json.loads(json.dumps(dump(state)))) == state


@pytest.mark.parametrize("changes", [{"version": 2}, {"not_before": None}], ids=["another version", "no time"])
def test_a_watch_that_this_program_cannot_read_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InputRefused, match="Not a valid Watch"):
        load(Watch, {**dump(a_watch()), **changes})


def test_what_is_done_for_a_watch_is_told_with_its_instance() -> None:
    told = dump(a_watch().names("watch-1"))

    assert told == {"route": "digits", "landing": "digits/tuesday", "instance_id": "watch-1"}
