"""How a run is carried out: where its files are, how they are scored, and where its results go."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.core.hints import Objection
from shared.core.landing import Landing
from shared.core.location import Location
from shared.core.nesting import stray_refusal
from shared.core.outputs import OutputTemplate
from shared.core.record import from_json, to_json
from shared.core.route import JobSettings, RetrySettings, Route
from shared.core.spec import RunSpec, write_spec
from testbed.examples import LAKEHOUSE, LANDING, digits_route, in_landing, tuesday
from tests.unit.routes_files import edited, parsed
from tests.unit.runs import RUN_ID, STORE, copies_of, spec_of
from tests.unit.test_snapshot import a_file, snapshot

FILES = ("type: uri_folder", "type: uri_file")
OUTPUT = f"azureml://datastores/workspaceblobstore/paths/landfall/{RUN_ID}/{{attempt}}/predictions.csv"


def test_a_spec_says_where_everything_is() -> None:
    spec = spec_of(tuesday(), "0.png", "1.png")

    assert (spec.landing, spec.folder) == (in_landing("digits/tuesday"), in_landing("digits/tuesday"))
    assert spec.publish == Location(LAKEHOUSE, f"digits/tuesday/run_id={RUN_ID}")
    assert spec.copies == copies_of()
    assert spec.output_of(3).place == Location(STORE, f"landfall/{RUN_ID}/3/predictions.csv")
    assert spec.output_of(3).uri == OUTPUT.replace("{attempt}", "3")
    assert spec.refusal is None


def test_an_attempt_asks_the_routes_endpoint_for_an_output_of_its_own() -> None:
    spec = spec_of(tuesday())

    first, second = spec.request(1), spec.request(2)

    assert first.endpoint == second.endpoint == tuesday().route.endpoint
    assert first.input == second.input == spec.input
    assert (first.output, second.output) == (spec.output_of(1), spec.output_of(2))


def test_a_folder_that_is_never_copied_is_given_to_the_endpoint_by_its_encoded_url() -> None:
    (route,) = parsed(edited(("staging", "never"))).usable
    spec = spec_of(Landing(route, "digits/a b#1"))

    assert spec.request(1).input.uri == f"{LANDING.url}/digits/a%20b%231"


@pytest.mark.parametrize("folder", ["a b", "50%", "größe", "a+b", "x;y"])
def test_a_folder_whose_url_would_be_encoded_is_scored_by_copies(folder: str) -> None:
    """Whether the endpoint decodes the URLs of its inputs is not documented: decoded or not, one way is wrong."""
    spec = spec_of(tuesday_named(folder))

    assert spec.scores_copies
    assert "%" not in spec.request(1).input.uri


@pytest.mark.parametrize("folder", ["date=2026-03-01", "a_b-c.d~e", "2026-W09"])
def test_a_folder_whose_url_is_spelled_like_its_path_is_scored_in_place(folder: str) -> None:
    assert not spec_of(tuesday_named(folder)).scores_copies


def tuesday_named(folder: str) -> Landing:
    return Landing(digits_route(), f"digits/{folder}")


def test_a_datastore_path_is_given_as_it_is() -> None:
    route = digits_route(
        ("path: ${LANDING_ACCOUNT_URL}/landing/{landing}", "path: azureml://datastores/in/paths/{landing}"),
        ("    datastores:", "    datastores:\n      in: {account_url: '${LANDING_ACCOUNT_URL}', container: landing}"),
    )

    assert spec_of(tuesday(route)).request(1).input.uri == "azureml://datastores/in/paths/digits/tuesday"


def test_copies_are_given_to_the_endpoint_in_the_datastore_of_its_outputs() -> None:
    spec = spec_of(tuesday(), copies=True)

    assert spec.request(2).input.uri == OUTPUT.replace("{attempt}/predictions.csv", "input")


def test_a_single_file_is_given_to_the_endpoint_alone_even_when_it_is_a_copy() -> None:
    landing = Landing(digits_route(FILES), "digits/tuesday/0.png")

    itself, copy = spec_of(landing), spec_of(landing, copies=True)

    assert itself.takes_file
    assert itself.folder == in_landing("digits/tuesday")
    assert itself.request(1).input.uri == f"{LANDING.url}/digits/tuesday/0.png"
    assert copy.request(1).input.uri == OUTPUT.replace("{attempt}/predictions.csv", "input/0.png")


def test_a_folder_named_like_a_placeholder_is_a_folder() -> None:
    spec = spec_of(Landing(digits_route(), "digits/{run_id}"))

    assert spec.publish.path == f"digits/{{run_id}}/run_id={RUN_ID}"


@pytest.mark.parametrize(
    ("staging", "others", "scores_copies", "may_copy", "refused"),
    [
        ("when_needed", 0, False, True, False),
        ("when_needed", 1, True, True, False),
        ("always", 0, True, True, False),
        ("always", 1, True, True, False),
        ("never", 0, False, False, False),
        ("never", 1, False, False, True),
    ],
)
def test_copies_are_scored_where_others_lie_beside_the_files(
    staging: str, others: int, scores_copies: bool, may_copy: bool, refused: bool
) -> None:
    (route,) = parsed(edited(("staging", staging))).usable

    spec = spec_of(tuesday(route), "0.png", *(f"{number}.txt" for number in range(others)))

    assert (spec.scores_copies, spec.may_copy) == (scores_copies, may_copy)
    assert (spec.refusal is not None) == ("set staging to when_needed" in (spec.do or "")) == refused


@pytest.mark.parametrize(
    ("staging", "scores_copies"), [("when_needed", True), ("always", True), ("never", False)], ids=str
)
def test_a_landing_whose_last_run_was_superseded_is_scored_by_copies_where_the_route_allows_it(
    staging: str, scores_copies: bool
) -> None:
    (route,) = parsed(edited(("staging", staging))).usable

    assert spec_of(tuesday(route), copies=True).scores_copies == scores_copies


def test_a_refusal_that_is_known_already_is_not_replaced() -> None:
    (route,) = parsed(edited(("staging", "never"))).usable

    assert spec_of(tuesday(route), "0.png", "notes.txt", refusal="too late").refusal == "too late"


def test_a_name_that_is_too_long_for_the_paths_made_of_it_is_refused() -> None:
    """Storage would refuse the copies one by one, after the job had been paid for."""
    spec = spec_of(Landing(digits_route(), "digits/" + "x" * 900))

    assert spec.refusal is not None
    assert spec.refusal.startswith("The landing's name is too long for the paths built from it: 'digits/xxx")


def test_a_single_file_does_not_mind_what_lies_beside_it() -> None:
    landing = Landing(digits_route(FILES), "digits/tuesday/0.png")

    assert not spec_of(landing, "0.png", "notes.txt").scores_copies


def test_a_spec_is_not_written_for_a_route_that_was_not_checked() -> None:
    unknown = "azureml://datastores/unknown/paths/{run_id}/{attempt}/x.csv"
    route = replace(digits_route(), outputs=(OutputTemplate(name="predictions", type="uri_file", path=unknown),))

    with pytest.raises(ValueError, match="is not in a known datastore"):
        spec_of(tuesday(route))


@pytest.mark.parametrize("landing", ["digits/tuesday", "digits/ä b"], ids=["plain", "not so plain"])
def test_a_spec_survives_the_way_between_functions(landing: str) -> None:
    spec = spec_of(Landing(digits_route(), landing), refusal="too late")

    assert from_json(RunSpec, to_json(spec)) == spec


def test_a_spec_holds_no_file_list() -> None:
    files = snapshot(*(a_file(f"{number}.png") for number in range(1000)))

    assert len(to_json(write_spec(tuesday(), files, RUN_ID))) < 3000


def test_what_the_route_sets_differently_from_the_deployment_goes_along() -> None:
    route = digits_route(
        (
            "    inputs:",
            "    settings: {mini_batch_size: 10, error_threshold: 0, retry_settings: {timeout: 120}}\n    inputs:",
        )
    )

    settings = spec_of(tuesday(route)).request(1).settings

    assert settings == JobSettings(
        mini_batch_size=10, error_threshold=0, retry_settings=RetrySettings(timeout=timedelta(minutes=2))
    )


def nested_route(how: str) -> Route:
    return digits_route(("files:", f"nested: {how}\n      files:"))


def test_a_landing_below_the_pattern_is_published_below_the_path() -> None:
    """Two levels down, with the parts of the pattern's own levels."""
    spec = spec_of(Landing(nested_route("split"), "digits/tuesday/part-a/deep"))

    assert spec.publish == Location(LAKEHOUSE, f"digits/tuesday/part-a/deep/run_id={RUN_ID}")
    assert spec.input.uri == f"{LANDING.url}/digits/tuesday/part-a/deep"
    assert not spec.scores_copies


def test_files_in_sub_folders_are_scored_by_copies() -> None:
    flat, deep = (spec_of(tuesday(nested_route("flatten")), "0.png", name) for name in ("1.png", "a/1.png"))

    assert (flat.scores_copies, deep.scores_copies) == (False, True)


def test_strays_refuse_a_landing_in_a_sentence_of_their_own() -> None:
    frozen = replace(snapshot(a_file("0.png")), strays=(a_file("a/1.png"),))

    spec = write_spec(tuesday(), frozen, RUN_ID)

    assert spec.refusal is not None
    assert Objection(spec.refusal, spec.do) == stray_refusal("digits", ["a/1"])


def test_why_a_landing_was_not_complete_is_said_before_what_is_in_its_sub_folders() -> None:
    frozen = replace(snapshot(a_file("0.png")), strays=(a_file("a/1.png"),))

    assert write_spec(tuesday(), frozen, RUN_ID, refusal="It was not complete.").refusal == "It was not complete."
