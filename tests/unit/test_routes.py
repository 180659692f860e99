"""routes.yaml: every kind of problem is told with its route, its field and what would be right."""

from __future__ import annotations

import pytest

from shared.errors import Problem, RoutesInvalid
from testbed.examples import ROOT, SETTINGS
from tests.unit.routes_files import REMOVED, Change, digits, edited, one_more_route, parsed, told

DURATION = "a duration: a whole number followed by s, m, h or d"
RETRIES = "settings.retry_settings"
INPUT, OUTPUT = "inputs.images.path", "outputs.predictions.path"
STORE = "azureml://datastores/workspaceblobstore/paths"


def test_the_projects_own_routes_have_no_problems() -> None:
    routes = parsed((ROOT / "routes.yaml").read_text("utf-8"))

    assert [route.name for route in routes.usable] == ["digits"]
    routes.require_whole()


WRONG: dict[str, tuple[Change, str, str]] = {
    "an unknown key": (("colour", "red"), "the route", "unknown field 'colour'; expected a mapping with landing"),
    "an unknown key of landing": (("landing.colour", "red"), "landing", "unknown field 'colour'"),
    "an unknown key of polling": (("polling.colour", "red"), "polling", "expected a mapping with first, longest"),
    "no publish": (("publish", REMOVED), "the route", "publish is missing; expected a mapping with landing"),
    "no container": (("landing.container", REMOVED), "landing", "container is missing"),
    "no scoring URI": (("endpoint.scoring_uri", REMOVED), "endpoint", "scoring_uri is missing"),
    "landing is a text": (("landing", "digits"), "landing", "'digits' is not valid; expected a mapping"),
    "account with http": (("landing.account_url", "http://a.b"), "landing.account_url", "the blob endpoint of a"),
    "account with a slash": (("publish.account_url", "https://a.b/"), "publish.account_url", "without a trailing"),
    "container in capitals": (("landing.container", "Landing"), "landing.container", "lower-case letters"),
    "container too short": (("publish.container", "ab"), "publish.container", "3 to 63"),
    "folder with a leading slash": (("landing.folder", "/digits"), "landing.folder", "without leading or trailing"),
    "folder with a trailing slash": (("landing.folder", "digits/"), "landing.folder", "without leading or trailing"),
    "folder with a double slash": (("landing.folder", "digits//a"), "landing.folder", "a folder pattern"),
    "folder that leads upwards": (("landing.folder", "digits/../a"), "landing.folder", "a folder pattern"),
    "folder with a glob": (("landing.folder", "digits/*"), "landing.folder", "{name} stands for one path segment"),
    "no file globs": (("landing.files", []), "landing.files", "a list of file globs"),
    "file glob with a slash": (("landing.files", ["a/*.png"]), "landing.files.0", "without a slash"),
    "marker with a glob": (("ready", {"marker": "*"}), "ready.marker", "the name of the file whose arrival"),
    "quiet and marker": (("ready.marker", "_SUCCESS"), "ready", "either quiet or marker"),
    "neither quiet nor marker": (("ready.quiet", REMOVED), "ready", "either quiet or marker"),
    "an unknown end of waiting": (("ready.then", "wait"), "ready.then", "score (what is there"),
    "scoring URI with http": (("endpoint.scoring_uri", "http://a/jobs"), "endpoint.scoring_uri", "az ml"),
    "scoring URI of something else": (("endpoint.scoring_uri", "https://a/score"), "endpoint.scoring_uri", "…/jobs"),
    "deployment that is no name": (("endpoint.deployment", "1a"), "endpoint.deployment", "the name of a deployment"),
    "mini batches of nothing": (
        ("settings.mini_batch_size", 0),
        "settings.mini_batch_size",
        "a whole number of at least 1",
    ),
    "instances as text": (("settings.instance_count", "2"), "settings.instance_count", "a whole number of at least 1"),
    "threshold below -1": (("settings.error_threshold", -2), "settings.error_threshold", "-1 ignores all failures"),
    "no tries": ((f"{RETRIES}.max_retries", 0), f"{RETRIES}.max_retries", "tries of one mini batch"),
    "time limit with a unit": ((f"{RETRIES}.timeout", "5m"), f"{RETRIES}.timeout", "in seconds, a whole number"),
    "an unknown log level": (("settings.logging_level", "Info"), "settings.logging_level", "debug, info or warning"),
    "settings in the endpoint": (("endpoint.mini_batch_size", 5), "endpoint", "is written below settings"),
    "retries in the endpoint": (("endpoint.retries", {"max_retries": 3}), "endpoint", "is written below settings"),
    "retries in short": (("settings.retries", {"max_retries": 3}), "settings", "error_threshold, retry_settings,"),
    "resources": (("resources", {"instance_count": 2}), "resources", "write settings: {instance_count: …}"),
    "output action": (
        ("settings.output_action", "summary_only"),
        "settings.output_action",
        "set it in the deployment's YAML and run az ml batch-deployment create --file again",
    ),
    "environment variables": (
        ("settings.environment_variables", {"A": "1"}),
        "settings.environment_variables",
        "a setting of the deployment; set them in",
    ),
    "experiment name": (
        ("settings.experiment_name", "a b"),
        "settings.experiment_name",
        "of a pipeline component deployment: letters, digits, hyphens and underscores",
    ),
    "display name": (("settings.display_name", "d"), "settings.display_name", "does not take display_name"),
    "another output file name": (
        ("settings.output_file_name", "scores.csv"),
        "settings.output_file_name",
        "is not the file name 'predictions.csv' at the end of outputs.predictions.path; leave it out",
    ),
    "output file name with a folder": (
        ("settings.output_file_name", "a/predictions.csv"),
        "settings.output_file_name",
        "without a folder",
    ),
    "everything excluded": (("landing.exclude", ["*.p?g"]), "landing.exclude", "leaves out everything"),
    "glob for sub-folders": (
        ("landing.files", ["**.png"]),
        "landing.files.0",
        "nested says what becomes of sub-folders",
    ),
    "excluded sub-folder": (("landing.exclude", ["tmp/*"]), "landing.exclude.0", "without a slash"),
    "an unknown nesting": (("landing.nested", "yes"), "landing.nested", "each folder with files is a landing of its"),
    "an unknown case": (("landing.case", "lower"), "landing.case", "sensitive (the default), or ignore"),
    "default datastore": (
        ("settings.default_datastore", "d"),
        "settings.default_datastore",
        "where an invocation would have default_datastore is not documented",
    ),
    "no inputs": (("inputs", {}), "inputs", "At least one is the landing"),
    "values alone": (("inputs", {"a": {"type": "string", "default": "x"}}), "inputs", "none of them is the landing"),
    "input of another type": (("inputs.images.type", "folder"), "inputs.images.type", "uri_folder, uri_file or"),
    "an unknown mode": (("inputs.images.mode", "mount"), "inputs.images.mode", "ro_mount, rw_mount, download"),
    "a value without one": (("inputs.n", {"type": "integer"}), "inputs.n", "default is missing"),
    "a value with a path": (
        ("inputs.n", {"type": "integer", "default": 1, "path": "x"}),
        "inputs.n.path",
        "a value has no path; write default: VALUE",
    ),
    "a value with a mode": (
        ("inputs.n", {"type": "number", "default": 1, "mode": "direct"}),
        "inputs.n.mode",
        "no mode",
    ),
    "data with a default": (("inputs.images.default", "x"), "inputs.images.default", "data has no default; write path"),
    "a figure with a fraction": (
        ("inputs.n", {"type": "integer", "default": 1.5}),
        "inputs.n.default",
        "is of type integer, but '1.5' is not a whole number",
    ),
    "a figure that is none": (
        ("inputs.n", {"type": "number", "default": "many"}),
        "inputs.n.default",
        "is of type number, but 'many' is not a number",
    ),
    "a choice that is none": (
        ("inputs.n", {"type": "boolean", "default": "yes"}),
        "inputs.n.default",
        "'yes' is neither true nor false",
    ),
    "a value with an unknown part": (
        ("inputs.n", {"type": "string", "default": "{day}"}),
        "inputs.n.default",
        "{day} cannot be used here; use {batch}, {landing}, {route}, {run_id}",
    ),
    "data in no notation": (
        ("inputs.n", {"type": "uri_file", "path": "ftp://a/b"}),
        "inputs.n.path",
        "'ftp://a/b' is not written as a batch endpoint takes it: https://ACCOUNT.blob",
    ),
    "data by a signed URL": (
        ("inputs.n", {"type": "uri_file", "path": "https://a.blob.core.windows.net/c/b?sig=x"}),
        "inputs.n.path",
        "a URL without a query",
    ),
    "input without a path": ((INPUT, REMOVED), "inputs.images", "path is missing"),
    "input of another folder": ((INPUT, f"{STORE}/x/{{landing}}"), INPUT, "use https://landing.blob.core.windows.net/"),
    "input that is fixed": ((INPUT, "${LANDING_ACCOUNT_URL}/landing/digits"), INPUT, "does not point at the landing"),
    "input in no datastore": ((INPUT, "azureml://datastores/x/paths/{landing}"), INPUT, "NAME in datastores"),
    "no outputs": (("outputs", {}), "outputs", "a mapping of what is published"),
    "outputs in one folder": (
        ("outputs.more", digits()["outputs"]["predictions"]),
        "outputs.more.path",
        "is in the same folder as outputs.predictions.path; give every output a folder of its own",
    ),
    "output of another type": (("outputs.predictions.type", "mltable"), "outputs.predictions.type", "uri_file (the"),
    "output by URL": ((OUTPUT, "https://a/{run_id}/{attempt}/x"), OUTPUT, "azureml://datastores/NAME/paths"),
    "output without attempt": ((OUTPUT, f"{STORE}/{{run_id}}/x.csv"), OUTPUT, "put {run_id}/{attempt}/ before"),
    "output without run": ((OUTPUT, f"{STORE}/{{attempt}}/x.csv"), OUTPUT, "its own folder"),
    "output with both in its name": ((OUTPUT, f"{STORE}/x/{{run_id}}-{{attempt}}.csv"), OUTPUT, "its own folder"),
    "output in no datastore": (
        (OUTPUT, "azureml://datastores/x/paths/{run_id}/{attempt}/x.csv"),
        OUTPUT,
        "(known: workspaceblobstore)",
    ),
    "output with an unknown part": (
        (OUTPUT, f"{STORE}/{{day}}/{{run_id}}/{{attempt}}/x.csv"),
        OUTPUT,
        "{day} cannot be used here; use {attempt}, {batch}, {route}, {run_id}",
    ),
    "publication with an unknown part": (
        ("publish.path", "digits/{run_id}"),
        "publish.path",
        "{run_id} cannot be used here; use {batch}, {route}",
    ),
    "publication with a leading slash": (("publish.path", "/digits"), "publish.path", "without leading or trailing"),
    "datastore without a container": (
        ("datastores.workspaceblobstore.container", REMOVED),
        "datastores.workspaceblobstore",
        "container is",
    ),
    "an unknown staging": (("staging", "sometimes"), "staging", "when_needed (score copies"),
    "a start after the end": (("polling.start_deadline", "2d"), "polling.start_deadline", "longer than polling"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_problem_is_told_with_route_field_and_what_would_be_right(kind: str) -> None:
    change, field, hint = WRONG[kind]

    routes = parsed(edited(change))

    ((route, where, message),) = told(routes)
    assert (route, where) == ("digits", field)
    assert hint in message
    assert routes.usable == ()


@pytest.mark.parametrize("value", ["5", "5 s", "0s", "-5s", "1.5h", "1w", "s", "", 5, "5S"])
@pytest.mark.parametrize(
    "field",
    [
        "ready.quiet",
        "ready.longest_wait",
        "polling.first",
        "polling.longest",
        "polling.start_deadline",
        "polling.deadline",
    ],
)
def test_a_wrong_duration_is_told_how_durations_are_written(field: str, value: object) -> None:
    ((_, where, message),) = told(parsed(edited((field, value))))

    assert where == field
    assert DURATION in message


def test_a_name_that_the_service_would_not_take_is_told_with_its_rule() -> None:
    ((_, field, message),) = told(parsed(edited(("inputs", {"my images": digits()["inputs"]["images"]}))))

    assert field == "inputs"
    assert message == "'my images' is not a valid name; it must match ^[A-Za-z0-9_]+$"


def test_a_marker_is_no_use_where_every_file_is_a_landing() -> None:
    text = edited(("inputs.images.type", "uri_file"), ("ready", {"marker": "_SUCCESS"}))

    ((_, field, message),) = told(parsed(text))

    assert field == "ready.marker"
    assert "use quiet" in message


def test_an_unknown_part_of_the_input_is_told_beside_the_input_itself() -> None:
    problems = told(parsed(edited((INPUT, "${LANDING_ACCOUNT_URL}/landing/digits/{day}"))))

    assert [field for _, field, _ in problems] == [INPUT, INPUT]
    assert problems[0][2] == "{day} cannot be used here; use {batch}, {landing}, {route}, {run_id}"


def test_an_output_without_any_datastore_says_that_none_is_known() -> None:
    ((_, field, message),) = told(parsed(edited(("datastores", REMOVED))))

    assert field == OUTPUT
    assert "(known: none)" in message


def test_an_app_setting_that_is_not_set_is_named_wherever_it_is_missed() -> None:
    text = edited(("landing.files", ["${GLOB}"]), ("endpoint.scoring_uri", "${URI}"), ("landing.container", "${URI}"))

    problems = told(parsed(text, GLOB=" "))

    assert sorted(problems) == [
        ("digits", "endpoint.scoring_uri", "the app setting URI is not set; set it, or write the value here"),
        ("digits", "landing.container", "the app setting URI is not set; set it, or write the value here"),
        ("digits", "landing.files.0", "the app setting GLOB is not set; set it, or write the value here"),
    ]


def test_app_settings_are_filled_in_without_blanks_and_accounts_without_a_trailing_slash() -> None:
    settings = {**SETTINGS, "LAKEHOUSE_ACCOUNT_URL": " https://lake.blob.core.windows.net/ "}

    (route,) = parsed(edited(), **settings).usable

    assert route.publish.account_url == "https://lake.blob.core.windows.net"


def test_an_account_setting_with_a_trailing_slash_is_right_everywhere() -> None:
    """The portal shows blob endpoints with a trailing slash, and the input path begins with one."""
    parsed(edited(), LANDING_ACCOUNT_URL="https://landing.blob.core.windows.net/").require_whole()


def test_a_misspelt_reference_to_an_app_setting_is_a_problem() -> None:
    ((_, field, _),) = told(parsed(edited(("landing.account_url", "${LANDING-ACCOUNT-URL}"))))

    assert field == "landing.account_url"


UNUSABLE: dict[str, tuple[str, str, str]] = {
    "not YAML": ("routes: [", "routes.yaml", "not valid YAML"),
    "empty": ("", "routes.yaml", "None is not valid; expected Which folders are scored"),
    "a list": ("- routes", "routes.yaml", "['routes'] is not valid"),
    "nothing in it": ("{}", "routes.yaml", "routes is missing"),
    "no routes": ("routes: {}", "routes", "with at least one of them"),
    "a list of routes": ("routes: []", "routes", "a mapping of route names"),
    "something beside the routes": (edited() + "\nversion: 2\n", "routes.yaml", "unknown field 'version'"),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_a_file_that_cannot_be_read_as_routes_is_refused_as_a_whole(kind: str) -> None:
    text, field, hint = UNUSABLE[kind]

    with pytest.raises(RoutesInvalid) as refused:
        parsed(text)

    (problem,) = refused.value.problems
    assert (problem.route, problem.field) == ("", field)
    assert hint in problem.message


def test_a_file_that_is_nothing_but_an_app_setting_is_refused_as_a_whole() -> None:
    with pytest.raises(RoutesInvalid):
        parsed("${LANDING_ACCOUNT_URL}")


def test_several_problems_are_told_at_once() -> None:
    broken = edited(
        ("colour", "red"), ("ready.quiet", "soon"), ("endpoint.scoring_uri", "${MISSING}"), ("staging", "maybe")
    )

    assert {field for _, field, _ in told(parsed(broken))} == {
        "the route",
        "ready.quiet",
        "endpoint.scoring_uri",
        "staging",
    }


def test_two_missing_fields_are_told_once() -> None:
    problems = told(parsed(edited(("ready", REMOVED), ("publish", REMOVED))))

    assert len(problems) == len(set(problems))


LETTERS: Change = ("landing.folder", "letters/{batch}")


def test_a_broken_route_leaves_the_others_usable() -> None:
    routes = parsed(one_more_route(LETTERS, ("ready.quiet", "soon"), name="letters"))

    assert [route.name for route in routes.usable] == ["digits"]
    assert {problem.route for problem in routes.problems} == {"letters"}
    with pytest.raises(RoutesInvalid, match=r"route 'letters', ready\.quiet"):
        routes.require_whole()


def test_a_route_with_an_unusable_name_leaves_the_others_usable() -> None:
    assert [route.name for route in parsed(one_more_route(LETTERS, name="Letters")).usable] == ["digits"]


@pytest.mark.parametrize("name", [2026, True, None])
def test_a_route_whose_name_is_not_a_text_is_a_problem(name: object) -> None:
    assert all(isinstance(route.name, str) for route in parsed(one_more_route(LETTERS, name=name)).usable)


def test_two_routes_of_one_name_are_a_problem() -> None:
    """One of them would never be scored, and nobody would be told."""
    text = edited()

    with pytest.raises(RoutesInvalid):
        parsed(text + edited().removeprefix("routes:\n")).require_whole()


def test_a_duration_beyond_all_reason_is_a_problem() -> None:
    ((_, field, _),) = told(parsed(edited(("ready.longest_wait", "99999999999d"))))

    assert field == "ready.longest_wait"


def test_a_quiet_period_longer_than_the_longest_wait_is_a_problem() -> None:
    """The folder would always be scored unquiet."""
    assert told(parsed(edited(("ready", {"quiet": "1h", "longest_wait": "1m"}))))


def test_events_of_a_broken_routes_container_wait_until_it_is_right_and_no_others() -> None:
    broken = parsed(one_more_route(LETTERS, ("landing.container", "incoming"), ("ready.quiet", "soon")))

    broken.require_sound("landing")
    with pytest.raises(RoutesInvalid, match=r"ready\.quiet"):
        broken.require_sound("incoming")


def test_while_a_broken_routes_container_is_not_known_every_event_may_be_its() -> None:
    """The setting is forgotten at a deployment, and the events until it is set are dropped instead of kept."""
    routes = parsed(edited(("landing.container", "${FORGOTTEN}")))

    with pytest.raises(RoutesInvalid):
        routes.require_sound("landing")


def test_problems_read_as_sentences_with_their_place() -> None:
    assert str(Problem("digits", "ready.quiet", "is wrong")) == "route 'digits', ready.quiet: is wrong"
    assert str(Problem("", "routes.yaml", "is wrong")) == "routes.yaml: is wrong"
