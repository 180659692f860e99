"""Whose a job is, by what is shown of it, and what that says about a submission."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.finding import (
    CLOCKS_DIFFER,
    LATEST,
    Candidate,
    CannotTell,
    Found,
    MayBeThere,
    NotThere,
    Owner,
    SearchAnswer,
    conclude,
    is_same_place,
    owner,
    read_candidate,
    seen_together,
    twins,
    with_identities_known,
)
from shared.core.job import STAGES, Job
from shared.core.record import change
from testbed.fakes import NOON
from tests.unit.runs import submitting

SENT = submitting().sent
PINNED = change(SENT, endpoint=change(SENT.endpoint, deployment="classic"))
OUTPUT, INPUT = SENT.the_output.uri, SENT.input_uri
APP, SOMEBODY = "9c2a1e1c-6b1f-4d3b-9d55-0d5ad6f4a001", "5b0b7f55-88a2-4f6e-8e9a-0d5ad6f4a002"
ANOTHER_OUTPUT = "azureml://datastores/workspaceblobstore/paths/somebody/predictions.csv"
SECOND = timedelta(seconds=1)


def a_candidate(name: str = "batchjob-1", status: str = "Running", **shown: Any) -> Candidate:
    """A job of which nothing more is shown than its status."""
    return Candidate(job=Job(name=name, status=status, deployment=shown.pop("deployment", None)), **shown)


def concluded(*candidates: Candidate, **facts: Any) -> SearchAnswer:
    return conclude(candidates, SENT, **{"complete": True, "reason": "", "written": False, **facts})


@pytest.mark.parametrize(
    ("shown", "whose"),
    [
        ({"outputs": (OUTPUT,)}, Owner.OURS),
        ({"outputs": (f"/subscriptions/s/workspaces/w/{OUTPUT.partition('://')[2]}",)}, Owner.OURS),
        ({"outputs": (OUTPUT,), "inputs": ("azureml://elsewhere",), "is_own": False}, Owner.OURS),
        ({"outputs": (ANOTHER_OUTPUT,)}, Owner.OTHERS),
        ({"outputs": (ANOTHER_OUTPUT,), "inputs": (INPUT,), "is_own": True, "created": NOON}, Owner.OTHERS),
        ({}, Owner.UNKNOWN),
        ({"inputs": (INPUT,), "is_own": True, "created": NOON, "deployment": "classic"}, Owner.UNKNOWN),
        ({"inputs": ("https://landing.blob.core.windows.net/landing/digits/monday",)}, Owner.OTHERS),
        ({"inputs": ("azureml:digits:1",)}, Owner.UNKNOWN),
        ({"created": NOON - CLOCKS_DIFFER}, Owner.UNKNOWN),
        ({"created": NOON - CLOCKS_DIFFER - SECOND}, Owner.OTHERS),
        ({"created": NOON + LATEST + CLOCKS_DIFFER}, Owner.UNKNOWN),
        ({"created": NOON + LATEST + CLOCKS_DIFFER + SECOND}, Owner.OTHERS),
        ({"outputs": ("https://store.blob.core.windows.net/c/landfall/predictions.csv",)}, Owner.UNKNOWN),
        ({"is_own": False}, Owner.OTHERS),
        ({"deployment": "better"}, Owner.OTHERS),
    ],
    ids=[
        "its output",
        "its output in the service's own form",
        "its output decides",
        "another output",
        "another output decides",
        "nothing is shown",
        "all but the output",
        "another input",
        "an input of a form that cannot be compared",
        "as old as clocks may differ",
        "older",
        "as late as a submission can be",
        "later",
        "an output of a form that cannot be compared",
        "made by somebody else",
        "of another deployment",
    ],
)
def test_a_job_is_somebody_elses_only_if_something_that_is_shown_differs(shown: dict[str, Any], whose: Owner) -> None:
    assert owner(a_candidate(**shown), PINNED) is whose


def test_any_deployment_may_be_the_one_where_the_route_names_none() -> None:
    assert owner(a_candidate(deployment="better"), SENT) is Owner.UNKNOWN


YOUNG = a_candidate("young", inputs=(INPUT,))
OURS = a_candidate("ours", outputs=(OUTPUT,))
OTHER = a_candidate("other", outputs=(ANOTHER_OUTPUT,))
DONE = a_candidate("done", "Completed", inputs=(INPUT,))
FAILED = a_candidate("failed", "Failed", inputs=(INPUT,))
ANOTHER = a_candidate("another", "Completed", inputs=(INPUT,))
COPIES = a_candidate("copies", "Completed", inputs=("azureml://datastores/workspaceblobstore/paths/landfall/r/input",))
WRITTEN = "its output was written by one of {}, which do not show their outputs"


@pytest.mark.parametrize(
    ("candidates", "facts", "answer"),
    [
        ([], {}, NotThere()),
        ([OTHER], {}, NotThere()),
        ([OTHER, OURS], {}, Found(OURS.job)),
        ([OTHER, OURS, YOUNG], {}, Found(OURS.job, more=True)),
        ([OTHER, YOUNG], {}, MayBeThere(("young",))),
        ([YOUNG], {"complete": False, "reason": "more than 100 pages"}, MayBeThere(("young",))),
        ([YOUNG], {"own": ("young",)}, NotThere()),
        ([], {"complete": False, "reason": "more than 100 pages"}, CannotTell("more than 100 pages")),
        ([OURS], {"complete": False}, Found(OURS.job)),
        ([DONE], {"written": True}, Found(DONE.job)),
        ([DONE], {}, NotThere()),
        ([DONE, YOUNG], {"written": True}, MayBeThere(("young",))),
        ([FAILED], {"written": True}, NotThere()),
        ([DONE, FAILED], {"written": True}, CannotTell(WRITTEN.format("done, failed"))),
        ([DONE, COPIES], {"written": True}, Found(DONE.job)),
        ([DONE, ANOTHER], {"written": True}, CannotTell(WRITTEN.format("another, done"))),
        ([FAILED], {}, NotThere()),
    ],
    ids=[
        "no job",
        "another's job",
        "its job",
        "its job, and one that may be a twin",
        "a young job hides what it writes",
        "a young job in a list that was cut",
        "a young job that is known",
        "a list that was cut",
        "its job in a list that was cut",
        "one that has completed, and the output is there",
        "one that has completed, and no output is there",
        "the output is there, but whose it is has to be waited for",
        "one that failed beside an output",
        "one that failed may have written a part of it",
        "one that scores something in another form has not written it",
        "either of two may have written it",
        "one that failed",
    ],
)
def test_there_is_no_job_only_if_all_were_seen_and_none_can_be_it(
    candidates: list[Candidate], facts: dict[str, Any], answer: SearchAnswer
) -> None:
    assert concluded(*candidates, **facts) == answer


def test_of_several_jobs_on_one_output_the_one_that_is_furthest_is_followed_and_the_others_are_known_of() -> None:
    """One submission made about fifty jobs once, and was answered with a 500 (azure-sdk-for-python issue 31166)."""
    jobs = [
        a_candidate("b", "Queued", outputs=(OUTPUT,), created=NOON),
        a_candidate("a", "Failed", outputs=(OUTPUT,), created=NOON),
        a_candidate("c", "Running", outputs=(OUTPUT,), created=NOON + SECOND),
        a_candidate("d", "Running", outputs=(OUTPUT,), created=NOON),
    ]

    found = concluded(*jobs)

    assert found == Found(jobs[3].job, more=True)
    assert {job.name for job in twins(jobs, SENT, own=["d"], in_use=[])} == {"b", "c"}


SURE = {"inputs": (INPUT,), "is_own": True, "created": NOON}


@pytest.mark.parametrize(
    ("shown", "in_use", "canceled"),
    [
        ({"outputs": (OUTPUT,)}, [INPUT], True),
        (SURE, [], True),
        (SURE, ["https://landing.blob.core.windows.net/landing/digits/monday"], True),
        (SURE, [INPUT], False),
        (SURE, ["unknown"], False),
        ({**SURE, "is_own": None}, [], False),
        ({**SURE, "created": None}, [], False),
        ({**SURE, "inputs": ()}, [], False),
        ({**SURE, "outputs": (ANOTHER_OUTPUT,)}, [], False),
        ({}, [], False),
    ],
    ids=[
        "its output",
        "all but the output",
        "another run is scored from elsewhere",
        "another run is scored from there",
        "another run, nobody knows from where",
        "by nobody knows whom",
        "nobody knows when",
        "nobody knows from what",
        "another output",
        "nothing is shown",
    ],
)
def test_a_twin_is_canceled_only_if_it_is_certain_to_be_one(
    shown: dict[str, Any], in_use: list[str], canceled: bool
) -> None:
    found = twins([a_candidate("twin", **shown)], SENT, own=["mine"], in_use=in_use)

    assert [job.name for job in found] == (["twin"] if canceled else [])


def test_neither_a_run_s_own_job_nor_one_that_is_over_is_a_twin() -> None:
    jobs = [a_candidate("mine", outputs=(OUTPUT,)), a_candidate("over", "Completed", outputs=(OUTPUT,))]

    assert twins(jobs, SENT, own=["mine"], in_use=[]) == []


uris = st.sampled_from([(), (OUTPUT,), (ANOTHER_OUTPUT,)])
inputs = st.sampled_from([(), (INPUT,), ("https://landing.blob.core.windows.net/landing/else",), ("azureml:d:1",)])
moments = st.sampled_from([None, NOON - timedelta(days=1), NOON, NOON + SECOND])


@st.composite
def any_candidates(draw: st.DrawFn) -> Candidate:
    return a_candidate(
        draw(st.sampled_from("abcdef")),
        draw(st.sampled_from([*STAGES, "New"])),
        created=draw(moments),
        is_own=draw(st.sampled_from([None, True, False])),
        inputs=draw(inputs),
        outputs=draw(uris),
    )


@given(st.lists(any_candidates(), max_size=5), st.booleans(), st.booleans(), any_candidates())
def test_a_job_of_ours_is_never_overlooked_however_little_is_shown_of_it(
    others: list[Candidate], complete: bool, written: bool, ours: Candidate
) -> None:
    """What hides it: its output is not shown, its input is told in another form, its creator by another name."""
    hidden = a_candidate(
        "ours",
        ours.job.status,
        created=None if ours.created is None else NOON,
        inputs=ours.inputs if ours.inputs in ((), (INPUT,), ("azureml:d:1",)) else (),
        outputs=() if ours.outputs == (ANOTHER_OUTPUT,) else ours.outputs,
    )

    answer = conclude([*others, hidden], SENT, complete=complete, reason="", written=written)

    assert not isinstance(answer, NotThere) or hidden.job.is_final


@given(st.lists(any_candidates(), max_size=5), st.booleans())
def test_nothing_is_concluded_from_a_list_that_was_cut(candidates: list[Candidate], written: bool) -> None:
    assert not isinstance(conclude(candidates, SENT, complete=False, reason="", written=written), NotThere)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (INPUT, INPUT + "/", True),
        (INPUT.replace("landing.blob", "Landing.blob"), INPUT, True),
        ("https://a/c/mon%20day", "https://a/c/mon day", True),
        ("https://a/c/x", "https://a/c/y", False),
        ("azureml://datastores/d/paths/x", "/subscriptions/s/…/datastores/d/paths/x/", True),
        ("azureml://datastores/d/paths/x", "azureml://datastores/e/paths/x", False),
        ("azureml://datastores/d/paths/x", INPUT, None),
        ("azureml:digits:1", INPUT, None),
    ],
)
def test_inputs_are_the_same_or_not_or_cannot_be_compared(one: str, other: str, same: bool | None) -> None:
    assert is_same_place(one, other) is same
    assert is_same_place(other, one) is same


LISTED = {
    "name": "batchjob-1",
    "properties": {"status": "Running", "tags": {"azureml.deploymentname": "classic"}},
    "systemData": {"createdAt": "2026-03-01T12:00:00.4487583+00:00", "createdBy": APP},
}
SHOWN = {"name": "batchjob-1", "properties": {"inputData": {"x": {"uri": INPUT}}, "outputData": {"y": {"uri": OUTPUT}}}}


def test_a_candidate_is_what_a_list_and_the_job_itself_show_together() -> None:
    candidate = seen_together(read_candidate(LISTED, {APP}), read_candidate(SHOWN, {APP}))

    assert (candidate.created, candidate.is_own) == (NOON, True)
    assert (candidate.inputs, candidate.outputs) == ((INPUT,), (OUTPUT,))
    assert candidate.job.deployment == "classic"


@pytest.mark.parametrize(
    ("creator", "identity", "is_own"),
    [
        (APP, {APP}, True),
        (APP.upper(), {APP}, True),
        (SOMEBODY, {APP}, False),
        ("Jane Doe", {APP}, None),
        (SOMEBODY, {"landfall-app"}, None),
        (SOMEBODY, set(), None),
        (None, {APP}, None),
    ],
    ids=["ours", "in capitals", "somebody's id", "a display name", "we have no id", "we do not know", "not told"],
)
def test_a_job_is_made_by_somebody_else_only_if_ids_differ(
    creator: str | None, identity: set[str], is_own: bool | None
) -> None:
    """Display names are not ids: nobody is told apart by one."""
    listed = {"name": "a", "systemData": {"createdBy": creator}}

    assert read_candidate(listed, identity).is_own is is_own


def test_that_somebody_else_made_a_job_is_believed_where_the_list_shows_jobs_of_ours() -> None:
    """Else the service may call this app by another id there, and all jobs would be somebody else's."""
    theirs = a_candidate(is_own=False)

    assert with_identities_known([theirs], is_known=True) == (theirs,)
    assert [one.is_own for one in with_identities_known([theirs], is_known=False)] == [None]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T12:00:00Z", NOON),
        ("2026-03-01T13:00:00.1234567+01:00", NOON),
        ("2026-03-01", None),
        ("2026-13-01T12:00:00Z", None),
        ("", None),
        (7, None),
    ],
)
def test_a_time_that_cannot_be_read_is_not_known(text: object, moment: datetime | None) -> None:
    assert read_candidate({"name": "a", "systemData": {"createdAt": text}}).created == moment


@pytest.mark.parametrize(
    ("properties", "outputs"),
    [
        ({"outputData": {"a": {"uri": "azureml://a"}, "b": {"uri": "azureml://b"}}}, ("azureml://a", "azureml://b")),
        ({"outputData": {"a": {"uri": None}, "b": None, "c": {}}}, ()),
        ({"outputData": None}, ()),
        ({}, ()),
        (None, ()),
    ],
)
def test_the_outputs_of_a_job_are_its_uris(properties: dict[str, Any] | None, outputs: Sequence[str]) -> None:
    assert read_candidate({"name": "a", "properties": properties}).outputs == outputs
