"""Where a probe lies, and what can be learned from its job."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from shared.core.job import Job
from shared.core.location import Location
from shared.core.open_facts import UNKNOWN, Fact
from shared.core.probe import (
    Look,
    Probe,
    copies,
    findings_of,
    foreign_outputs,
    input_urls,
    output_folder,
    outputs_shown,
    plan,
    publish_folder,
    waiting_shown,
)
from shared.core.record import from_json, to_json
from shared.core.route import Route
from shared.core.snapshot import File
from shared.core.together import problems_between
from shared.errors import InputRefused
from testbed.examples import LAKEHOUSE, digits_route
from testbed.fakes import NOON

ID = "0123456789abcdef" * 2
FILES = [File(name=name, etag="0x1", size=9, md5=None, modified=NOON) for name in ("0.png", "1.png")]
MINE = "azureml://datastores/workspaceblobstore/paths/landfall/landfall-doctor/x"


def a_probe(route: Route | None = None, *, by_url: bool = False) -> Probe:
    return plan(route or digits_route(), FILES, ID, NOON, by_url=by_url)


def looks(*seen: tuple[str, str, bool]) -> list[Look]:
    """Of the job's status, its step's, and whether outputs were shown."""
    return [
        Look(at=NOON, status=status, steps=(step,) if step else (), outputs=(MINE,) if shown else ())
        for status, step, shown in seen
    ]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("landfall/{run_id}/{attempt}/predictions.csv", f"landfall/landfall-doctor/{ID}"),
        ("{run_id}/{attempt}/predictions.csv", f"landfall-doctor/{ID}"),
        ("out/run-{run_id}/{attempt}/predictions.csv", f"out/run-landfall-doctor/{ID}"),
    ],
)
def test_a_probe_begins_with_what_the_routes_outputs_begin_with(path: str, expected: str) -> None:
    route = digits_route(("landfall/{run_id}/{attempt}/predictions.csv", path))

    uri, place = output_folder(route, ID)

    assert place.path == expected
    assert uri == f"azureml://datastores/workspaceblobstore/paths/{expected}"


@pytest.mark.parametrize(
    ("path", "expected"),
    [("digits/{batch}", f"digits/landfall-doctor/{ID}"), ("all", f"all/landfall-doctor/{ID}")],
)
def test_what_is_tried_in_the_lakehouse_is_below_the_published_folders(path: str, expected: str) -> None:
    route = digits_route(("path: digits/{batch}", f"path: {path}"))

    assert publish_folder(route, ID) == Location(LAKEHOUSE, expected)


def test_a_route_that_would_read_where_the_doctor_writes_is_refused_with_the_routes_own_results() -> None:
    """So that nothing of the doctor's is ever scored: a reader of `out/l…` would also match its folder."""
    writer = digits_route(
        ("landfall/{run_id}/", "out/{run_id}/"),
        ("account_url: ${WORKSPACE_ACCOUNT_URL}\n        container: ${WORKSPACE_CONTAINER}", SAME_CONTAINER),
    )
    reader = digits_route(("folder: digits/{batch}", "folder: out/l{batch}/{more}"))

    assert output_folder(writer, ID)[1].path.startswith("out/l")
    assert [problem.field for problem in problems_between([writer, reader])] == ["outputs.predictions.path"]


SAME_CONTAINER = "account_url: ${LANDING_ACCOUNT_URL}\n        container: landing"


def test_a_probe_is_given_its_own_copies_and_an_output_of_its_own() -> None:
    probe = a_probe()

    assert probe.request.input.uri.endswith(f"/paths/landfall/landfall-doctor/{ID}/input")
    assert probe.request.the_output.uri.endswith(f"/landfall-doctor/{ID}/output/predictions.csv")
    assert probe.request.the_output.place == probe.folder.at("output/predictions.csv")
    assert [target.path for _, target in copies(probe, FILES)] == [
        f"landfall/landfall-doctor/{ID}/input/0.png",
        f"landfall/landfall-doctor/{ID}/input/1.png",
    ]


def test_a_probe_of_single_files_is_given_one_of_them() -> None:
    route = digits_route(("type: uri_folder", "type: uri_file"))

    assert a_probe(route).request.input.uri.endswith("/input/0.png")
    with pytest.raises(InputRefused, match="uri_folder"):
        a_probe(route, by_url=True)


def test_by_url_either_reading_of_the_url_leads_to_files_whose_names_tell_which_it_was() -> None:
    probe = a_probe(by_url=True)
    names = [target.path.removeprefix(f"{probe.folder.path}/") for _, target in copies(probe, FILES)]

    assert probe.request.input.uri == f"{probe.folder.url}/in%20put"
    assert names == [
        "in put/decoded-0.png",
        "in put/decoded-1.png",
        "in%20put/literal-0.png",
        "in%20put/literal-1.png",
    ]


@pytest.mark.parametrize(
    ("seen", "answer"),
    [
        ([("Preparing", "", True)], "at_once"),
        ([("Preparing", "", False), ("Running", "", True), ("Completed", "", True)], "at_once"),
        ([("Preparing", "", False), ("Completed", "", True)], "when_completed"),
        ([("Preparing", "", False), ("Completed", "", False)], "never"),
        ([("Completed", "", False)], "never"),
        ([("Completed", "", True)], UNKNOWN),
        ([("Preparing", "", False)], UNKNOWN),
        ([("Running", "", False), ("Failed", "", False)], UNKNOWN),
        ([], UNKNOWN),
    ],
)
def test_when_outputs_are_shown_is_told_if_nothing_else_fits(seen: list[tuple[str, str, bool]], answer: str) -> None:
    assert outputs_shown(looks(*seen)).answer == answer


@pytest.mark.parametrize(
    ("seen", "answer"),
    [
        ([("Running", "Queued", False)], "as_running"),
        ([("Preparing", "Queued", False), ("Queued", "Queued", False)], "as_queued"),
        ([("Preparing", "Preparing", False), ("Running", "Running", False)], UNKNOWN),
        ([("Running", "", False)], UNKNOWN),
    ],
)
def test_how_waiting_is_shown_is_told_if_the_step_was_seen_to_wait(
    seen: list[tuple[str, str, bool]], answer: str
) -> None:
    assert waiting_shown(looks(*seen)).answer == answer


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        ("decoded-0.png 7\n", "decoded"),
        ("literal-0.png 7\n", "literal"),
        ("decoded-0.png 7\nliteral-0.png 7\n", UNKNOWN),
        ("7\n7\n", UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_how_a_url_was_read_is_told_if_the_output_names_files_of_one_folder(written: str | None, answer: str) -> None:
    assert input_urls(written).answer == answer


def test_a_probe_that_was_not_given_a_url_says_nothing_about_urls() -> None:
    assert findings_of(a_probe(), "decoded-0.png 7")[Fact.INPUT_URLS].answer == UNKNOWN


def after(probe: Probe, seen: Sequence[tuple[str, tuple[str, ...]]]) -> Probe:
    for status, outputs in seen:
        job = Job(name="batchjob-1", status=status)
        probe = probe.looked_at(job, Look(at=NOON, status=status, outputs=outputs))
    return probe


def test_only_looks_that_show_something_new_are_kept() -> None:
    probe = after(a_probe(), [("Preparing", ()), ("Preparing", ()), ("Running", ()), ("Running", ())])

    assert [look.status for look in probe.looks] == ["Preparing", "Running"]
    assert probe.job is not None
    assert probe.job.status == "Running"


def test_an_output_in_a_form_that_the_app_does_not_know_is_told() -> None:
    """The app would take its own jobs for somebody else's."""
    asked = a_probe().request.the_output.uri
    known = f"/subscriptions/s/datastores/workspaceblobstore/paths/landfall/landfall-doctor/{ID}/output/predictions.csv"

    assert foreign_outputs(after(a_probe(), [("Completed", (asked,))])) == ()
    assert foreign_outputs(after(a_probe(), [("Completed", (known,))])) == ()
    assert foreign_outputs(after(a_probe(), [("Completed", ())])) == ()
    assert foreign_outputs(after(a_probe(), [("Completed", ("https://a/b",))])) == ("https://a/b",)


def test_a_probe_is_read_back_as_it_was_kept() -> None:
    probe = after(a_probe(by_url=True), [("Preparing", ()), ("Completed", (MINE,))])

    assert from_json(Probe, to_json(probe)) == probe
