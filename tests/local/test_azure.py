from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

import local
from local import chosen
from local.azure import DEFAULT, FACTS, PROFILES, UnknownAnswer, add_argument, parse


def test_every_answer_of_every_fact_is_in_some_profile() -> None:
    """Else nobody would see what the app makes of it."""
    played = {name: {profile.answers()[name] for profile in PROFILES.values()} for name in FACTS}

    assert played == {name: set(answers) for name, answers in FACTS.items()}


@pytest.mark.parametrize(
    ("profile", "answers"),
    [
        ("strict", "404 400 when_completed needed 404 as_running decoded base64"),
        ("kind", "lists lists at_once ignored 404 as_queued decoded base64"),
        ("silent", "405 400 never needed 500 as_running literal plain"),
        ("odd", "404 lists when_completed ignored 400 as_queued literal plain"),
    ],
)
def test_a_profile_has_one_answer_for_every_fact(profile: str, answers: str) -> None:
    assert list(parse(profile).answers().values()) == answers.split()
    assert list(parse(profile).answers()) == [
        "scoring_host_lists",
        "front_end_lists",
        "outputs_shown",
        "deployment_header",
        "unknown_job",
        "waiting_shown",
        "input_urls",
        "queue_encoding",
    ]


def test_single_answers_change_a_profile() -> None:
    chosen_answers = parse("strict,outputs_shown=at_once,unknown_job=500").answers()

    expected = PROFILES["strict"].answers() | {"outputs_shown": "at_once", "unknown_job": "500"}
    assert chosen_answers == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nice", "no profile 'nice'; begin with one of strict, kind, silent, odd"),
        ("", "no profile ''; begin with one of strict"),
        ("unknown_job=500", "no profile 'unknown_job=500'; begin with one of strict"),
        ("strict,outputs=never", "no setting 'outputs' of Azure; the settings are scoring_host_lists, front_end_lists"),
        ("strict,outputs_shown=later", "cannot be 'later'; its answers are at_once, when_completed, never"),
        ("strict,outputs_shown", "cannot be ''; its answers are at_once, when_completed, never"),
        ("strict,", "no setting ''"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(text: str, words: str) -> None:
    with pytest.raises(UnknownAnswer, match=words):
        parse(text)


def test_the_command_line_repeats_the_words_of_a_refusal(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_argument(parser)

    with pytest.raises(SystemExit):
        parser.parse_args(["--azure", "strict,unknown_job=418"])

    assert "unknown_job cannot be '418'; its answers are 404, 400, 500" in capsys.readouterr().err


def test_a_state_directory_keeps_what_was_chosen(tmp_path: Path) -> None:
    assert chosen.load(tmp_path) == PROFILES[DEFAULT]

    chosen.keep(tmp_path, PROFILES["silent"])
    assert chosen.load(tmp_path) == PROFILES["silent"]

    chosen.keep(tmp_path, PROFILES["odd"])
    assert chosen.load(tmp_path) == PROFILES["odd"]


def test_a_fact_that_was_not_known_when_the_choice_was_kept_has_the_default_answer(tmp_path: Path) -> None:
    (tmp_path / "azure.json").write_text(json.dumps({"unknown_job": "500"}))

    assert chosen.load(tmp_path) == PROFILES[DEFAULT].with_answers({"unknown_job": "500"})


def test_the_table_for_people_has_every_fact_with_its_answers() -> None:
    text = (Path(local.__file__).parent / "README.md").read_text("utf-8")
    table = text.partition("<!-- table: facts -->\n")[2].partition("<!-- end of table -->")[0]
    head, _, *rows = ([cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in table.splitlines())

    assert head[2:-1] == list(PROFILES)
    told = {row[1]: row[2:-1] for row in rows}
    assert told == {name: [profile.answers()[name] for profile in PROFILES.values()] for name in FACTS}
    assert f"The profile is `{DEFAULT}` if none was ever chosen." in text
