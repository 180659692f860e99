"""Routes together: none may score another's files, and no results may land again."""

from __future__ import annotations

from typing import Any

import pytest

from shared.core.event import Arrived, Match, match_blob
from tests.unit.routes_files import Change, changed, digits, edited, one_more_route, parsed, text_of, told

OUTPUT = "outputs.predictions.path"
STORE = "azureml://datastores/workspaceblobstore/paths"
INTO_LANDING: tuple[Change, Change] = (
    ("publish.account_url", "${LANDING_ACCOUNT_URL}"),
    ("publish.container", "landing"),
)


@pytest.mark.parametrize(
    ("folder", "files", "overlap"),
    [
        pytest.param("digits/{day}", ["*.png"], True, id="the same"),
        pytest.param("digits/monday", ["0.*"], True, id="one folder, some files"),
        pytest.param("{kind}/{day}", ["*"], True, id="wider"),
        pytest.param("digits/{day}", ["*.csv"], False, id="other files"),
        pytest.param("letters/{day}", ["*.png"], False, id="other folders"),
        pytest.param("digits/{day}/{hour}", ["*.png"], False, id="folders below"),
    ],
)
def test_routes_that_would_score_the_same_files_are_refused_both(folder: str, files: list[str], overlap: bool) -> None:
    routes = parsed(one_more_route(("landing.folder", folder), ("landing.files", files), ("publish.path", "second")))

    if not overlap:
        routes.require_whole()
        return
    assert routes.usable == ()
    assert [(route, field) for route, field, _ in told(routes)] == [
        ("digits", "landing.folder"),
        ("second", "landing.folder"),
    ]
    for (_, _, message), other in zip(told(routes), ("second", "digits"), strict=True):
        assert message == (
            f"matches the same files or marker as route {other!r}; use a different folder, file globs or marker"
        )


@pytest.mark.parametrize("nested", ["split", "flatten"])
@pytest.mark.parametrize(
    ("folder", "files", "overlap"),
    [
        pytest.param("digits/{day}/{hour}", ["*.png"], True, id="folders below"),
        pytest.param("digits/{day}/a/b/c/d", ["*.png"], True, id="far below"),
        pytest.param("digits/{day}/labels", ["*.csv"], False, id="other files below"),
        pytest.param("letters/{day}/{hour}", ["*.png"], False, id="below other folders"),
        pytest.param("digits", ["*.png"], False, id="above"),
    ],
)
def test_a_route_that_scores_sub_folders_meets_every_deeper_one(
    nested: str, folder: str, files: list[str], overlap: bool
) -> None:
    digits_below = changed(digits(), ("landing.nested", nested))
    second = changed(digits(), ("landing.folder", folder), ("landing.files", files), ("publish.path", "second/{route}"))

    for routes in ({"digits": digits_below, "second": second}, {"second": second, "digits": digits_below}):
        problems = told(parsed(text_of(routes)))
        assert [(route, field) for route, field, _ in problems] == (
            [(name, "landing.folder") for name in routes] if overlap else []
        )


def test_a_route_above_that_scores_sub_folders_meets_one_that_refuses_its_own() -> None:
    above = changed(digits(), ("landing.folder", "digits"), ("landing.nested", "split"), ("publish.path", "second"))

    assert len(told(parsed(text_of({"digits": digits(), "above": above})))) == 2


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [
        pytest.param({"exclude": ["*.csv"]}, {"files": ["*.csv"]}, False, id="excluded by one, scored by the other"),
        pytest.param({"exclude": ["a*.csv"]}, {"files": ["*.csv"]}, True, id="only some excluded"),
        pytest.param({"files": ["*.csv"]}, {"files": ["*.CSV"]}, False, id="two cases"),
        pytest.param({"files": ["*.csv"]}, {"files": ["*.CSV"], "case": "ignore"}, True, id="any case"),
        pytest.param(
            {"exclude": ["*.csv"]}, {"files": ["*.csv"], "case": "ignore"}, True, id="excluded in one case only"
        ),
    ],
)
def test_exclude_and_case_count_when_routes_of_one_folder_are_compared(
    first: dict[str, Any], second: dict[str, Any], overlap: bool
) -> None:
    landing = {name: value for name, value in digits()["landing"].items() if name != "files"}
    routes = {
        "first": changed(digits(), ("landing", landing | first)),
        "second": changed(digits(), ("landing", landing | second), ("publish.path", "second")),
    }

    assert bool(told(parsed(text_of(routes)))) == overlap


def test_a_marker_that_another_route_would_score_in_another_case_is_a_problem() -> None:
    marked = changed(digits(), ("ready", {"marker": "ALL.csv"}), ("landing.case", "ignore"))

    assert told(parsed(text_of({"marked": marked, "tables": changed(digits(), ("landing.files", ["all.*"]))})))


def test_the_same_folder_of_another_account_or_container_is_no_overlap() -> None:
    elsewhere = "https://second.blob.core.windows.net"

    parsed(
        one_more_route(("landing.account_url", elsewhere), ("inputs.images.path", elsewhere + "/landing/{landing}"))
    ).require_whole()
    parsed(
        one_more_route(
            ("landing.container", "incoming"), ("inputs.images.path", "${LANDING_ACCOUNT_URL}/incoming/{landing}")
        )
    ).require_whole()


@pytest.mark.parametrize(
    ("path", "loops"),
    [
        pytest.param("digits/results", True, id="in the landing"),
        pytest.param("digits/{batch}", True, id="in the very folder"),
        pytest.param("digits/a/b/c", True, id="below it"),
        pytest.param("{batch}/results", True, id="anywhere, by its name"),
        pytest.param("digits-out/{batch}", False, id="in a folder that begins alike"),
        pytest.param("results/digits", False, id="in another folder"),
        pytest.param("digit", False, id="in a folder that is shorter"),
    ],
)
def test_a_publication_that_would_land_again_is_refused(path: str, loops: bool) -> None:
    problems = told(parsed(edited(*INTO_LANDING, ("publish.path", path))))

    assert [field for _, field, _ in problems] == (["publish.path"] if loops else [])
    for _, _, message in problems:
        assert message == (
            "would write where route 'digits' reads (https://landing.blob.core.windows.net/landing/digits/…), "
            "so the results would be scored again; use another container or folder"
        )


def test_a_folder_that_begins_like_a_landing_of_one_folder_is_another_folder() -> None:
    text = edited(*INTO_LANDING, ("landing.folder", "digits"), ("publish.path", "digits-out"))

    parsed(text).require_whole()


@pytest.mark.parametrize(("folder", "loops"), [("digits/out", True), ("landfall", False), ("digits-out", False)])
def test_an_output_that_would_land_again_is_refused(folder: str, loops: bool) -> None:
    text = edited(
        ("datastores.workspaceblobstore.account_url", "${LANDING_ACCOUNT_URL}"),
        ("datastores.workspaceblobstore.container", "landing"),
        (OUTPUT, f"{STORE}/{folder}/{{run_id}}/{{attempt}}/x.csv"),
    )

    assert [field for _, field, _ in told(parsed(text))] == ([OUTPUT] if loops else [])


def test_results_that_would_land_with_another_route_are_refused_for_the_writer_only() -> None:
    text = one_more_route(("landing.folder", "letters/{batch}"), *INTO_LANDING, ("publish.path", "digits/letters"))

    routes = parsed(text)

    ((route, field, message),) = told(routes)
    assert (route, field) == ("second", "publish.path")
    assert "where route 'digits' reads" in message
    assert [usable.name for usable in routes.usable] == ["digits"]


def test_a_publication_that_leads_upwards_is_refused() -> None:
    """`out/../digits/x` is `digits/x` by the time it is in a URL: a loop that no prefix shows."""
    assert told(parsed(edited(*INTO_LANDING, ("publish.path", "out/../digits/x"))))


def test_an_output_that_leads_upwards_is_refused() -> None:
    assert told(parsed(edited((OUTPUT, f"{STORE}/a/../{{run_id}}/{{attempt}}/x.csv"))))


def test_a_part_that_is_named_twice_is_a_problem() -> None:
    """It passes every check, and then the route fails every event of its container, other routes' included."""
    assert told(parsed(edited(("landing.folder", "{batch}/{batch}"))))


@pytest.mark.parametrize("folder", ["digits/{Batch}", "digits/{my-batch}", "digits/{batch"])
def test_a_part_that_is_not_named_as_parts_are_is_a_problem(folder: str) -> None:
    """The route would match the folder of exactly that name, braces and all, and never score anything."""
    assert told(parsed(edited(("landing.folder", folder), ("publish.path", "digits"))))


@pytest.mark.parametrize("name", ["run_id", "attempt", "route", "landing"])
def test_a_part_with_a_name_of_landfalls_own_is_a_problem(name: str) -> None:
    """`publish.path: digits/{attempt}` would publish to a folder of that very name, braces and all."""
    assert told(parsed(edited(("landing.folder", f"digits/{{{name}}}"), ("publish.path", f"digits/{{{name}}}"))))


def test_a_marker_that_another_route_would_score_is_a_problem() -> None:
    """The event of `all.csv` goes to the route whose marker it is, and the other one waits for the sweep."""
    marked = changed(digits(), ("ready", {"marker": "all.csv"}))
    routes = parsed(text_of({"marked": marked, "tables": changed(digits(), ("landing.files", ["*.csv"]))}))

    match = match_blob(Arrived("landing", "landing", "digits/tuesday/all.csv"), routes.usable)

    assert routes.problems or (isinstance(match, Match) and match.landing.route.name == "tables")
