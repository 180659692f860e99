"""`python -m local try`: what outsiders bring, in the shapes of Microsoft's samples, works here or is told why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.trying.apps import filled
from tests.local.stack.stacks import local

HERE = Path(__file__).parent


def tried(folder: str, *flags: str) -> tuple[int, list[str]]:
    """The exit code, and the lines of the checklist."""
    done = local("try", str(HERE / folder), *flags, timeout=150)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout.splitlines()


def test_an_app_is_listed_and_asked_and_the_function_that_fails_is_named_with_its_error() -> None:
    code, told = tried("apps/web")

    assert code == 1
    assert told == [
        "✓ loads: 6 functions",
        "✓ health is indexed: httpTrigger GET /api/health",
        "✓ report is indexed: httpTrigger GET /api/report",
        "✓ item is indexed: httpTrigger GET POST /api/items/{category:alpha}/{id:int?}",
        "✓ order is indexed: httpTrigger POST /api/orders",
        "✓ deliver is indexed: queueTrigger",
        "✓ nightly is indexed: timerTrigger",
        "✓ health answers GET /api/health: 404, 13 bytes",
        "✗ report answers GET /api/report: 500: KeyError: 'REPORTS_URL'",
        "✓ item answers GET /api/items/a/1: 200, 3 bytes",
        "- order answers: not tried: it takes only POST",
        "9 work, 1 failed, 1 not told.",
    ]


@pytest.mark.long
def test_the_patterns_of_durable_functions_begin_and_those_that_can_end() -> None:
    code, told = tried("apps/patterns")

    assert code == 0
    assert "✓ start answers GET /api/orchestrators/chain: 202" in "\n".join(told)
    assert "✓ chain begins and ends: Hello Hello Oslo" in told
    assert "✓ spread begins and ends: ['Hello Bergen', 'Hello Tartu', 'Hello Turku']" in told
    assert "✓ count begins and ends: 5" in told
    for waiting in ("monitor", "approval"):
        assert f"✓ {waiting} begins: Running after 5 s; it may wait for something" in told
    assert next(line for line in told if "needs_input begins" in line).startswith("- ")


@pytest.mark.long
@pytest.mark.parametrize(
    ("app", "why"), [("broken", "No module named 'nobody_has_this'"), ("streaming", "No module named 'azurefunctions'")]
)
def test_an_app_that_does_not_load_is_told_why(app: str, why: str) -> None:
    code, told = tried(f"apps/{app}")

    assert (code, told) == (1, [f"✗ loads: ModuleNotFoundError: {why}", "0 work, 1 failed, 0 not told."])


@pytest.mark.long
def test_every_deployment_is_parsed_served_and_scores_what_it_is_given() -> None:
    """One that appends rows and one that writes files, of one endpoint. MLflow reads no texts."""
    code, told = tried("deployments", "--input", str(HERE / "input"))

    assert code == 1
    assert "✓ words is parsed: deployments: 2; default deployment lines" in told
    assert "✓ words/lines scores the input: predictions.csv 16 bytes" in told
    assert "✓ words/files scores the input: a.txt 14 bytes, b.txt 28 bytes" in told
    assert "✗ doubled/twice scores the input: Failed: ERROR:azureml:Error processing input file" in "\n".join(told)
    assert "✗ unreadable/one is parsed: code_configuration.code names 'nor/this'" in "\n".join(told)


@pytest.mark.long
def test_made_up_files_prove_what_works_and_blame_nobody() -> None:
    code, told = tried("deployments/doubled")
    of_files, listed = tried("deployments/words")

    assert (code, told[-2]) == (0, "✓ doubled/twice scores made-up files: predictions.csv 48 bytes")
    assert of_files == 0
    assert next(line for line in listed if line.startswith("- words/files")).endswith("Give it data with --input")


def test_a_folder_that_is_neither_is_refused_with_what_would_be_one(tmp_path: Path) -> None:
    refused = local("try", str(tmp_path))

    assert (refused.returncode, refused.stdout) == (2, "")
    assert "neither a function app (host.json, function_app.py) nor a folder of deployments" in refused.stderr


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("/api/plain", "/api/plain"),
        ("/api/{id:int}/{name?}", "/api/1/1"),
        ("/api/{*rest}", "/api/1"),
        ("/api/{key:guid}/{kind:alpha}", "/api/00000000-0000-4000-8000-000000000001/a"),
        ("/api/orchestrators/{functionName}", "/api/orchestrators/chain"),
    ],
)
def test_the_parameters_of_a_route_are_filled_with_what_they_take(template: str, path: str) -> None:
    assert filled(template, ["chain", "other"]) == path
