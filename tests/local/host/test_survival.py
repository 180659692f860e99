"""What the host does when it is killed, stopped, or left alone by its parent.

Source of what must hold: Azure docs, durable-functions-overview (reliability).
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from testbed.eventually import eventually
from tests.local.host.hosting import notes, running, spawn

STEPS = 40


@pytest.mark.parametrize("kills", [2, pytest.param(4, marks=pytest.mark.long)])
def test_a_host_that_is_killed_again_and_again_loses_nothing_and_repeats_only_activities(
    tmp_path: Path, kills: int
) -> None:
    file = tmp_path / "notes"
    for round_ in range(kills):
        with running("everything", tmp_path, NOTES=str(file)) as host:
            if round_ == 0:
                host.start("survivor", STEPS, id="one")
            seen = len(notes(file, "activity"))
            eventually(lambda seen=seen: len(notes(file, "activity")) > seen + 5)  # type: ignore[misc]  # bound per round
            host.kill()

    with running("everything", tmp_path, NOTES=str(file)) as host:
        found = host.finished("one")

    assert (found["runtimeStatus"], found["output"]) == ("Completed", STEPS), "each step has counted exactly once"
    steps = Counter(note["value"] for note in notes(file, "activity"))
    assert set(steps) == set(range(STEPS))
    assert sum(steps.values()) <= STEPS + kills, "an activity runs again only if its host died before recording it"


def test_a_host_that_is_stopped_ends_quietly_and_goes_on_later(tmp_path: Path) -> None:
    with running("everything", tmp_path) as host:
        instance = host.start("waiting", id="w")
        eventually(lambda: host.status(instance)["runtimeStatus"] == "Running")
        assert host.stop() == 0
        assert "Unclosed" not in host.log
        assert "Traceback" not in host.log

    with running("everything", tmp_path) as host:
        host.http.post("/api/client/raise/w", params={"event": "go"}, json=1)
        assert host.finished("w")["output"] == "1"


def test_a_host_ends_with_its_parent(tmp_path: Path) -> None:
    with running("everything", tmp_path, "--with-parent") as host:
        assert host.process.stdin is not None
        host.process.stdin.close()
        assert host.process.wait(30) == 0


def test_a_host_alone_listens_where_it_listened_before(tmp_path: Path) -> None:
    urls = []
    for _ in range(2):
        with running("everything", tmp_path) as host:
            urls.append(str(host.http.base_url))

    assert urls[0] == urls[1]


def test_what_is_running_when_the_host_is_stopped_may_end(tmp_path: Path) -> None:
    file = tmp_path / "notes"
    with running("everything", tmp_path, NOTES=str(file)) as host:
        host.start("lingering", id="l")
        eventually(lambda: notes(file, "begun"))
        assert host.stop() == 0

    assert len(notes(file, "ended")) == 1
    with running("everything", tmp_path, NOTES=str(file)) as host:
        assert host.finished("l")["runtimeStatus"] == "Completed"
    assert len(notes(file, "begun")) == 1


def test_state_of_another_version_is_refused_rather_than_misread(tmp_path: Path) -> None:
    (tmp_path / "host").mkdir(parents=True)
    with closing(sqlite3.connect(tmp_path / "host" / "durable.sqlite")) as db:
        db.execute("CREATE TABLE instance (id TEXT)")

    process, log = spawn("everything", tmp_path)
    process.communicate(timeout=30)

    assert process.returncode == 1
    assert "was created by another version of this host. Remove it to start afresh." in log.read_text()
    assert "Traceback" not in log.read_text()
