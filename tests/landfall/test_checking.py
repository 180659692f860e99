"""What is wrong with a routes file is said with its line, without an app."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from testbed.examples import ROOT, SETTINGS, replaced

SOUND = replaced()


def checked(tmp_path: Path, text: str | bytes, *more: str) -> subprocess.CompletedProcess[str]:
    file = tmp_path / "routes.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    (tmp_path / "local.settings.json").write_text(json.dumps({"Values": SETTINGS}), "utf-8")
    return subprocess.run(
        [sys.executable, "-m", "landfall", "check", str(file), *more],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def test_a_setting_in_a_comment_is_none(tmp_path: Path) -> None:
    done = checked(tmp_path, f"# ${{NAME}} is an app setting\n{SOUND}")

    assert "Not set here" not in done.stderr


def test_a_sound_file_is_said_to_be_one(tmp_path: Path) -> None:
    done = checked(tmp_path, SOUND)

    assert (done.returncode, done.stdout) == (0, "")
    assert "1 routes can be used; 0 things are wrong." in done.stderr


def test_everything_that_is_wrong_is_said_with_its_line_and_what_was_meant(tmp_path: Path) -> None:
    text = SOUND.replace("quiet: 5s", "quiet: soon").replace("    publish:\n", "    pubish:\n")

    done = checked(tmp_path, text)

    assert done.returncode == 2
    assert f"routes.yaml:{line_of(text, 'quiet: soon')}:" in done.stdout
    unknown = next(line for line in done.stdout.splitlines() if "unknown field 'pubish'" in line)
    assert f"routes.yaml:{line_of(text, 'pubish')}:5: route 'digits'" in unknown
    assert "did you mean 'publish'?" in unknown
    assert "publish is missing" in done.stdout


def test_the_same_for_programs(tmp_path: Path) -> None:
    text = SOUND.replace("quiet: 5s", "quiet: soon")

    (finding,) = json.loads(checked(tmp_path, text, "--json").stdout)

    assert (finding["line"], finding["route"], finding["field"]) == (
        line_of(text, "quiet: soon"),
        "digits",
        "ready.quiet",
    )


def test_a_setting_that_is_nowhere_is_said(tmp_path: Path) -> None:
    text = SOUND.replace("${DIGITS_SCORING_URI}", "${NOWHERE}")

    assert "the app setting NOWHERE is not set" in checked(tmp_path, text).stdout


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "routes.yaml:1:1"),
        ("routes:\n\t- x", "routes.yaml:2:1"),
        ("routes: {a: 1, a: 2}", "appears twice"),
        ("routes: &a\n  x: *a\n", "the alias in line 2 stands for what it is in itself"),
        ("a: &a [x,x]\nb: &b [*a,*a]\nroutes: 1", "routes.yaml:"),
        (b"\xff\xfe", "is not UTF-8"),
        ("\ufeff" + SOUND.replace("quiet: 5s", "quiet: soon"), "ready.quiet"),
        ("# " + "x" * 2_000_000, "has at most"),
    ],
    ids=["nothing", "a tab", "twice", "in itself", "anchors", "bytes", "a mark", "huge"],
)
def test_a_file_that_is_none_is_told_of_in_a_sentence(tmp_path: Path, text: str | bytes, told: str) -> None:
    done = checked(tmp_path, text)

    assert done.returncode == 2
    assert told in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "landfall", "check", str(tmp_path / "none.yaml")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, "cannot be read: No such file" in done.stderr) == (2, True)
