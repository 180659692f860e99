"""What a person gets wrong on the command line is told in a sentence; and what others may not read."""

from __future__ import annotations

import ssl
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.local.stack.stacks import HERE, Up, local, up


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with up(tmp_path_factory.mktemp("refusals")) as started:
        yield started


def test_a_state_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    refused = local("up", "--state", str(tmp_path / "file"), "--app", str(HERE / "app"))

    assert (refused.returncode, "Traceback" in refused.stderr) == (2, False)
    assert f"{tmp_path / 'file'} is a file; --state takes a folder" in refused.stderr


@pytest.mark.parametrize(
    "rate", ["0", *(pytest.param(odd, marks=pytest.mark.long) for odd in ("fast", "-1", "nan", "inf"))]
)
def test_a_clock_that_does_not_go_is_refused(tmp_path: Path, rate: str) -> None:
    for command in (("up",), ("host", "--app", str(HERE / "app"))):
        refused = local(*command, "--state", str(tmp_path / "state"), f"--clock-rate={rate}")

        assert (refused.returncode, "Traceback" in refused.stderr) == (2, False)
        assert "is no clock rate" in refused.stderr


def test_a_file_that_cannot_be_dropped_is_named_and_the_others_are_dropped_without_the_marker(
    cloud: Up, tmp_path: Path
) -> None:
    """With the marker the folder would have been taken for complete."""
    source = tmp_path / "drop"
    (source / "x").mkdir(parents=True)
    for name in ("a.txt", "b.txt", "c.txt", "_SUCCESS"):
        (source / name).write_text(name)
    rule = {"match": {"method": "PUT", "path": "/partly/one/b.txt$"}, "action": {"status": 403}, "times": None}
    faults = f"{cloud.described['storage']['account_url'].rpartition('/')[0]}/_faults"
    trusted = ssl.create_default_context(cafile=cloud.described["storage"]["ca_cert"])
    with httpx.Client(verify=trusted, trust_env=False) as http:
        http.put(faults, json=[rule]).raise_for_status()
        try:
            dropped = local("drop", str(source), "landing/partly/one", "--state", str(cloud.state))
        finally:
            http.delete(faults).raise_for_status()

    assert (dropped.returncode, "Traceback" in dropped.stderr) == (2, False)
    assert "Dropped 2 of 4 files" in dropped.stderr
    assert "'b.txt': " in dropped.stderr
    assert "_SUCCESS was left out" in dropped.stderr


def test_the_state_is_for_its_owner_alone(cloud: Up) -> None:
    """It holds keys of functions, of accounts and of the issuer of tokens."""
    open_to_others = stat.S_IRWXG | stat.S_IRWXO

    assert stat.S_IMODE(cloud.state.stat().st_mode) == 0o700
    written = [path for path in cloud.state.rglob("*") if path.name not in ("said", "notes") and not path.is_symlink()]
    assert [path for path in written if path.stat().st_mode & open_to_others] == []


def test_whoever_asks_for_subscriptions_is_given_no_keys(cloud: Up) -> None:
    url = cloud.described["eventgrid"]["control_url"]

    listed = httpx.get(f"{url}/subscriptions", trust_env=False).json()

    assert [one["destination"]["type"] for one in listed] == ["WebHook", "WebHook"]
    assert "code=" not in str(listed)
    one = httpx.get(f"{url}/subscriptions/{listed[0]['name']}", trust_env=False).json()
    assert one == listed[0]
