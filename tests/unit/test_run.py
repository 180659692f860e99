"""A run's identity, its record, and the ways that it may go."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.finding import Sent
from shared.core.identity import run_id
from shared.core.job import STAGES, Job
from shared.core.location import Location
from shared.core.outputs import Output
from shared.core.record import change, dump, load, to_json
from shared.core.route import Endpoint, Polling
from shared.core.run import (
    ENDED,
    HAVE_A_JOB,
    HAVE_AN_ERROR,
    TRANSITIONS,
    VERSION,
    Attempt,
    Content,
    Error,
    Published,
    Run,
    Status,
    Timings,
    Unanswered,
    may_run_again,
    read_run,
)
from shared.core.transitions import IllegalTransition
from shared.errors import InputRefused, UnknownVersion
from testbed.examples import LAKEHOUSE, in_landing
from testbed.fakes import NOON
from tests.unit.runs import AT, PUBLICATION, WHY, a_job, a_run, a_spec, following, over_copies, published, submitting

PAIRS = [(before, after) for before in Status for after in Status]


def named(pair: tuple[Status, Status]) -> str:
    return f"{pair[0]} to {pair[1]}"


def all_that_is_needed_for(after: Status) -> dict[str, Any]:
    """What a run of that status has to have."""
    return {"job": a_job(), "error": WHY, "publication": PUBLICATION if after is Status.PUBLISHED else None}


def test_the_same_content_of_the_same_landing_has_the_same_id() -> None:
    assert run_id("digits", in_landing("a"), "f", 0) == run_id("digits", in_landing("a"), "f", 0)


def test_everything_else_has_an_id_of_its_own() -> None:
    ids = {
        run_id("digits", in_landing("a"), "f", 0),
        run_id("letters", in_landing("a"), "f", 0),
        run_id("digits", in_landing("b"), "f", 0),
        run_id("digits", Location(LAKEHOUSE, "a"), "f", 0),
        run_id("digits", in_landing("a"), "g", 0),
        run_id("digits", in_landing("a"), "f", 1),
    }

    assert len(ids) == 6


def test_an_id_can_be_part_of_instance_ids_and_blob_names() -> None:
    identity = run_id("digits", in_landing("ä b/#?%"), "f", 0)

    assert identity.startswith("digits-")
    assert identity.replace("-", "").isalnum()
    assert len(identity) == len("digits-") + 20


def test_there_are_twenty_three_ways_for_a_run_to_go() -> None:
    assert len(TRANSITIONS) == 23


def test_a_run_starts_at_claimed_and_every_status_leads_to_an_end() -> None:
    assert {after for _, after in TRANSITIONS} == set(Status) - {Status.CLAIMED}
    assert {before for before, _ in TRANSITIONS} == set(Status) - ENDED


def test_a_run_ends_in_one_of_four_ways() -> None:
    assert {Status.PUBLISHED, Status.FAILED, Status.CANCELED, Status.SUPERSEDED} == ENDED
    assert {status for status, run in AT.items() if run.has_ended} == ENDED


@pytest.mark.parametrize("pair", TRANSITIONS, ids=named)
def test_a_run_goes_every_way_of_the_table_and_the_ledger_hears_of_it(pair: tuple[Status, Status]) -> None:
    before, after = pair

    run = AT[before].moved(after, **all_that_is_needed_for(after))

    assert (run.status, run.revision) == (after, AT[before].revision + 1)


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair not in TRANSITIONS], ids=named)
def test_any_other_way_is_a_defect_that_names_both_statuses(pair: tuple[Status, Status]) -> None:
    before, after = pair

    with pytest.raises(IllegalTransition, match=f"what is {before} cannot become {after}") as raised:
        AT[before].moved(after, **all_that_is_needed_for(after))

    assert (raised.value.before, raised.value.after) == (before, after)


IMPOSSIBLE = {
    **{
        f"{status} without a job": (AT[status], {"job": None}, f"a run that is {status} must have a job")
        for status in sorted(HAVE_A_JOB)
    },
    **{
        f"{status} without an error": (AT[status], {"error": None}, f"a run that is {status} must have an error")
        for status in sorted(HAVE_AN_ERROR)
    },
    "published without a publication": (published(), {"publication": None}, "a run must have a publication if"),
    "a publication before it is published": (
        following(),
        {"publication": PUBLICATION},
        "a run must have a publication if",
    ),
}


@pytest.mark.parametrize(("run", "changes", "why"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_a_record_that_cannot_be_is_not_made(run: Run, changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        change(run, **changes)


@pytest.mark.parametrize(("run", "changes", "why"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_a_record_that_cannot_be_is_not_read(run: Run, changes: dict[str, Any], why: str) -> None:
    told = {name: value for name, value in dump(run).items() if name not in changes}
    given = {name: dump(value) for name, value in changes.items() if value is not None}

    with pytest.raises(InputRefused, match=why):
        load(Run, {**told, **given})


def test_a_run_tells_what_is_known_about_its_job() -> None:
    assert following().has_a_live_job
    assert not published().has_a_live_job
    assert not submitting().has_a_live_job


def test_copies_are_needed_until_they_are_where_the_spec_wants_them() -> None:
    spec = over_copies()

    assert not a_run().needs_copies
    assert a_run(spec=spec).needs_copies
    assert a_run(spec=spec, copied_to=in_landing("elsewhere")).needs_copies
    assert not a_run(spec=spec, copied_to=spec.copies).needs_copies


def test_log_lines_call_a_run_by_its_id_its_route_and_its_landing() -> None:
    run = a_run()

    assert dump(run.names) == {
        "route": "digits",
        "landing": "digits/tuesday",
        "instance_id": run.run_id,
        "run_id": run.run_id,
    }


def test_a_run_is_what_it_was_with_the_progress_of_another_moment() -> None:
    later = following()

    assert submitting().with_progress(later.progress, None) == later


def test_a_spec_that_comes_with_the_progress_replaces_the_one_that_is_there() -> None:
    corrected = a_spec(refusal="no")

    assert submitting().with_progress(submitting().progress, corrected).spec == corrected


@pytest.mark.parametrize(
    ("status", "drop", "again"),
    [
        (Status.SUPERSEDED, "the same", True),
        (Status.FAILED, "another", True),
        (Status.FAILED, "the same", False),
        (Status.PUBLISHED, "another", False),
        (Status.SCORING, "another", False),
    ],
    ids=["superseded", "failed and dropped anew", "failed and seen again", "published", "under way"],
)
def test_content_gets_another_run_if_it_was_superseded_or_failed_and_was_dropped_anew(
    status: Status, drop: str, again: bool
) -> None:
    run = change(AT[status], snapshot=Content(files=1, bytes=1, fingerprint="f", drop="the same"))

    assert may_run_again(run, drop) == again


moments = st.timedeltas(timedelta(0), timedelta(days=30_000)).map(lambda since: NOON + since)
times = st.none() | moments
counts = st.integers(0, 2**31)
texts = st.text(max_size=20)
errors = st.builds(Error, texts, texts)
jobs = st.builds(
    Job, name=texts, status=st.sampled_from([*STAGES, "New"]), id=st.none() | texts, studio_url=st.none() | texts
)
attempts = st.lists(
    st.builds(Attempt, attempt=counts, outcome=texts, at=moments, job=st.none() | texts, message=st.none() | texts),
    max_size=3,
).map(tuple)
timings = st.builds(Timings, claimed=moments, submitted=times, running=times, completed=times, ended=times)
publications = st.builds(Published, url=texts, container=texts, path=texts, outputs=counts, bytes=counts)
spans = st.timedeltas(timedelta(0), timedelta(days=100))
outputs = st.builds(Output, name=texts, uri=texts, place=texts.map(in_landing))
sents = st.builds(
    Sent, endpoint=st.builds(Endpoint, scoring_uri=texts), input_uri=texts, output=outputs, since=moments, until=moments
)
pollings = st.builds(Polling, first=spans, longest=spans, start_deadline=spans, deadline=spans)


@st.composite
def any_runs(draw: st.DrawFn) -> Run:
    """Any run whose record can be."""
    status = draw(st.sampled_from(Status))
    return a_run(
        status=status,
        job=draw(jobs if status in HAVE_A_JOB else st.none() | jobs),
        error=draw(errors if status in HAVE_AN_ERROR else st.none() | errors),
        publication=draw(publications) if status is Status.PUBLISHED else None,
        timings=draw(timings),
        updated=draw(moments),
        since=draw(moments),
        revision=draw(counts),
        recorded=draw(counts),
        attempt=draw(counts),
        renewed_for=draw(counts),
        attempts=draw(attempts),
        copied_to=draw(st.none() | texts.map(in_landing)),
        unanswered=draw(st.none() | st.builds(Unanswered, moments, moments, counts)),
        abandoned=draw(st.lists(sents, max_size=2).map(tuple)),
        looks=draw(counts),
        denied_since=draw(times),
        wait_until=draw(times),
        spec=a_spec(refusal=draw(st.none() | texts), polling=draw(pollings)),
    )


@given(any_runs())
def test_every_run_comes_back_from_a_history_and_from_the_ledger_as_it_went(run: Run) -> None:
    assert load(Run, json.loads(json.dumps(dump(run)))) == run
    assert read_run(to_json(run)) == run


def test_a_record_names_its_version() -> None:
    assert dump(a_run())["version"] == VERSION == 1


@pytest.mark.parametrize(
    ("version", "told"),
    [({"version": 2}, "2"), ({"version": "1"}, "'1'"), ({}, "None")],
    ids=["a later one", "a text", "none"],
)
def test_a_record_of_another_version_is_refused_with_both_versions(version: dict[str, Any], told: str) -> None:
    document = {**{name: value for name, value in dump(a_run()).items() if name != "version"}, **version}

    with pytest.raises(UnknownVersion, match=f"it has version {told}, but this version of Landfall reads version 1"):
        read_run(json.dumps(document).encode())


def test_a_document_that_is_no_record_at_all_is_of_no_known_version() -> None:
    with pytest.raises(UnknownVersion, match="it has version None"):
        read_run(b"[1]")


def test_what_is_not_json_is_refused() -> None:
    with pytest.raises(InputRefused, match="Not valid JSON"):
        read_run(b"{")


def test_a_member_that_this_program_does_not_know_is_refused() -> None:
    """Written again by this program, the record would lose it."""
    with pytest.raises(InputRefused, match="Not a valid Run: Object contains unknown field `priority`"):
        read_run(json.dumps({**dump(a_run()), "priority": 1}).encode())


def test_a_record_that_lost_a_member_is_refused() -> None:
    with pytest.raises(InputRefused, match="missing required field `claimed_by`"):
        read_run(json.dumps({name: value for name, value in dump(a_run()).items() if name != "claimed_by"}).encode())


def test_a_record_is_small_because_its_files_are_kept_apart() -> None:
    assert len(to_json(a_run())) < 4000
