"""The whole local cloud with real parts and a small function app."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from azure.storage.blob import ContainerClient
from azure.storage.filedatalake import FileSystemClient
from azure.storage.queue import QueueServiceClient

from local import ports, tls
from local.addresses import ACCOUNT
from local.identity.credential import LocalCredential
from testbed.eventually import eventually
from tests.local.stack.stacks import HERE, Up, descendants, is_running, local, up

PREFIX = "/blobServices/default/containers/landing/blobs/"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with up(tmp_path_factory.mktemp("up")) as started:
        yield started


def folder(tmp_path: Path, *names: str) -> Path:
    for name in names:
        path = tmp_path / "drop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "drop"


def test_what_is_dropped_reaches_the_app_as_events(cloud: Up, tmp_path: Path) -> None:
    source = folder(tmp_path, "a.txt", "deeper/b.txt", "_SUCCESS")

    dropped = local("drop", str(source), "landing/first/one", "--state", str(cloud.state))
    waited = local("wait", "--timeout", "30", "--state", str(cloud.state))

    assert (dropped.returncode, waited.returncode) == (0, 0), dropped.stderr + waited.stderr
    assert dropped.stdout == "3 files, 25 bytes to landing/first/one\n"
    mine = [subject for subject in cloud.subjects() if "/first/" in subject]
    assert sorted(mine) == [f"{PREFIX}first/one/{name}" for name in ("_SUCCESS", "a.txt", "deeper/b.txt")]


def test_a_blob_trigger_that_event_grid_tells_has_its_subscription_and_reads_what_lands(
    cloud: Up, tmp_path: Path
) -> None:
    for where in ("read", "elsewhere"):
        done = local("drop", str(folder(tmp_path / where, "a.txt")), f"landing/{where}", "--state", str(cloud.state))
        assert done.returncode == 0, done.stderr

    read = cloud.notes / "read"
    eventually(lambda: f"{PREFIX}elsewhere/a.txt" in cloud.subjects() and read.exists())
    assert read.read_text() == "landing/read/a.txt: a.txt\n"


def test_a_single_file_is_dropped_under_its_own_name(cloud: Up, tmp_path: Path) -> None:
    source = folder(tmp_path, "alone.txt") / "alone.txt"

    dropped = local("drop", str(source), "landing/single", "--state", str(cloud.state))

    assert dropped.returncode == 0, dropped.stderr
    eventually(lambda: f"{PREFIX}single/alone.txt" in cloud.subjects())


def test_dropping_into_a_container_that_does_not_exist_says_so(cloud: Up, tmp_path: Path) -> None:
    dropped = local("drop", str(folder(tmp_path, "a")), "nowhere/x", "--state", str(cloud.state))

    assert dropped.returncode == 2
    assert "There is no container 'nowhere' for data that lands; there is landing." in dropped.stderr
    assert dropped.stderr.count("\n") == 1, "and not for each file"


def test_a_file_whose_name_storage_would_not_keep_is_named_and_the_others_are_dropped(
    cloud: Up, tmp_path: Path
) -> None:
    source = folder(tmp_path, "fine.txt")
    (source / "back\\slash.txt").write_text("1")
    Path(os.fsdecode(bytes(source) + b"/bad\xff.txt")).write_text("1")
    (source / "gone.txt").symlink_to(tmp_path / "nowhere")

    dropped = local("drop", str(source), "landing/named", "--state", str(cloud.state))

    assert dropped.returncode == 2
    for named in ("Dropped 1 of 4 files", r"back\\slash.txt", r"bad\udcff.txt", "gone.txt"):
        assert named in dropped.stderr
    eventually(lambda: f"{PREFIX}named/fine.txt" in cloud.subjects())


def test_the_app_has_its_settings_and_asks_for_keys(cloud: Up) -> None:
    host = cloud.described["host"]

    url = f"{host['base_url']}/api/settings/WORD_LENGTHS_SCORING_URI"
    answer = httpx.get(url, headers={"x-functions-key": host["master_key"]}, trust_env=False)

    assert answer.text == cloud.described["azureml"]["scoring_uris"]["word-lengths"]
    assert httpx.get(url, trust_env=False).status_code == 401


@pytest.mark.long
def test_wait_names_what_is_still_under_way(cloud: Up, tmp_path: Path) -> None:
    (cloud.notes / "refuse").touch()
    local("drop", str(folder(tmp_path, "a")), "landing/refused", "--state", str(cloud.state))

    waited = local("wait", "--timeout", "1", "--state", str(cloud.state))
    (cloud.notes / "refuse").unlink()

    assert waited.returncode == 1
    assert "1 deliveries to function-on-blob" in waited.stderr


@pytest.mark.long
def test_wait_tells_of_a_failed_run_once(cloud: Up) -> None:
    control = cloud.described["eventgrid"]["control_url"]
    eventually(lambda: _nothing_pending(control), within=60)
    run = {"run_id": "digits-1", "route": "digits", "status": "failed", "landing": "landing/x", "error": "no luck"}
    (cloud.notes / "runs.json").write_text(json.dumps([run, {**run, "run_id": "digits-0", "status": "published"}]))

    first = local("wait", "--timeout", "30", "--state", str(cloud.state))
    second = local("wait", "--timeout", "30", "--state", str(cloud.state))
    listed = local("runs", "--json", "--state", str(cloud.state))
    shown = local("runs", "--state", str(cloud.state))

    assert (first.returncode, second.returncode) == (2, 0)
    assert "digits-1" in first.stderr
    assert "no luck" in first.stderr
    assert [one["run_id"] for one in json.loads(listed.stdout)] == ["digits-1", "digits-0"]
    assert shown.stdout.splitlines()[0].split() == ["run_id", "status", "route", "landing", "attempt", "job"]


PROBLEM = "route 'digits', ready.quiet: 'soon' is not valid"


def test_wait_says_what_is_wrong_with_routes_and_does_not_wait_for_events_that_are_refused_for_it(
    cloud: Up, tmp_path: Path
) -> None:
    """Nothing was under way and nothing had failed, so that a broken route looked like success."""
    (cloud.notes / "problems.json").write_text(json.dumps([PROBLEM]))
    (cloud.notes / "refuse").touch()
    local("drop", str(folder(tmp_path, "a")), "landing/broken", "--state", str(cloud.state))
    try:
        waited = local("wait", "--timeout", "30", "--state", str(cloud.state))
    finally:
        (cloud.notes / "refuse").unlink()
        (cloud.notes / "problems.json").unlink()

    assert waited.returncode == 2
    assert f"Problem: {PROBLEM}" in waited.stderr
    assert "Traceback" not in waited.stderr


def test_what_happens_is_told_as_it_happens(cloud: Up, tmp_path: Path) -> None:
    names = {"route": "digits", "landing": "digits/x", "instance_id": "digits-7", "run_id": "digits-7"}
    lines = {
        "run.claimed": {**names, "files": 3, "bytes": 12000},
        "run.failed": {**names, "reason": "deadline", "message": "It took too long.", "do": "Raise it."},
    }
    (cloud.notes / "lines").write_text("\n".join(f"landfall.{name} {json.dumps(lines[name])}" for name in lines))
    try:
        local("drop", str(folder(tmp_path, "a")), "landing/told", "--state", str(cloud.state))
        eventually(lambda: "digits/x: run digits-7 failed" in cloud.said.read_text())
    finally:
        (cloud.notes / "lines").unlink()

    told = [line for line in cloud.said.read_text().splitlines() if line.startswith("digits/x")]
    assert told == [
        "digits/x: run digits-7 claimed, 3 file(s), 12,000 bytes",
        "digits/x: run digits-7 failed (deadline): It took too long. Raise it.",
    ]


@pytest.mark.parametrize(
    "quiet", [False, pytest.param(True, marks=pytest.mark.long)], ids=["by default", "not when quiet"]
)
def test_what_is_wrong_is_told_before_it_is_said_to_be_up(tmp_path: Path, quiet: bool) -> None:
    state, deployments = tmp_path / "state", tmp_path / "deployments"
    shutil.copytree(HERE / "deployments", deployments)
    (deployments / "word-lengths" / "odd").mkdir()
    (deployments / "word-lengths" / "odd" / "deployment.yml").write_text("name: [")
    (state / "notes").mkdir(parents=True)
    (state / "notes" / "problems.json").write_text(json.dumps([PROBLEM, PROBLEM]))

    more = ("--quiet",) if quiet else ()
    with up(state, "up", "--app", str(HERE / "app"), *more, deployments=deployments) as cloud:
        told = cloud.said.read_text().splitlines()

    refused = [line for line in told if "odd/deployment.yml is not served" in line]
    problems = [line for line in told if line == f"Problem: {PROBLEM}"]
    assert (len(refused), len(problems)) == ((0, 0) if quiet else (1, 1))


def _nothing_pending(control: str) -> bool:
    status = httpx.get(f"{control}/status", trust_env=False).json()
    return all(not counts["pending"] for counts in status.values())


def test_a_second_up_on_the_same_state_is_refused(cloud: Up) -> None:
    second = local("up", "--state", str(cloud.state), "--app", str(HERE / "app"))

    assert second.returncode == 2
    assert "already running" in second.stderr


@pytest.mark.parametrize("part", ["storage", "host"])
def test_a_killed_part_comes_back_under_its_old_address(cloud: Up, tmp_path: Path, part: str) -> None:
    before = cloud.described

    os.kill(before["pids"][part], signal.SIGKILL)

    eventually(lambda: cloud.described["pids"][part] != before["pids"][part])
    eventually(lambda: f"{part} ended with SIGKILL" in cloud.said.read_text())
    after = cloud.described
    assert after["storage"] == before["storage"]
    assert after["host"]["base_url"] == before["host"]["base_url"]
    assert after["host"]["pid"] == after["pids"]["host"]
    dropped = local("drop", str(folder(tmp_path, "a")), f"landing/after-{part}", "--state", str(cloud.state))
    assert dropped.returncode == 0, dropped.stderr
    eventually(lambda: f"{PREFIX}after-{part}/a" in cloud.subjects())


@pytest.mark.long
def test_no_process_outlives_a_killed_supervisor_and_the_next_one_goes_on(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with up(state) as first:
        before, children = first.described, descendants(first.process.pid)
        dropped = local("drop", str(folder(tmp_path, "a")), "landing/kept", "--state", str(state))
        assert dropped.returncode == 0, dropped.stderr
        first.process.kill()
        first.process.wait()
        assert len(children) >= 6
        with up(state) as second:
            after = second.described
            assert not any(is_running(child) for child in children)
            eventually(lambda: f"{PREFIX}kept/a" in second.subjects())
            children = descendants(second.process.pid)
            second.process.terminate()
            assert second.process.wait(timeout=60) == 0
            assert not any(is_running(child) for child in children)

    for told in (before, after):
        del told["pids"], told["host"]["pid"]
    assert after == before
    assert "No local cloud is running" in local("runs", "--state", str(state)).stderr


def test_stack_json_has_what_a_client_needs_for_each_account(cloud: Up) -> None:
    told = cloud.described["storage"]

    assert list(told["accounts"]) == ["devstoreaccount1", "landfallstate", "azuremlstore", "lakehouse"]
    for name, account in told["accounts"].items():
        assert f"BlobEndpoint={account['direct_blob_url']};" in account["connection_string"]
        assert f"QueueEndpoint={account['direct_queue_url']};" in account["connection_string"]
        credential = LocalCredential.of(cloud.state)
        trusted = {"connection_verify": told["ca_cert"]}
        front = ContainerClient(account["account_url"], account["container"], credential=credential, **trusted)
        direct = ContainerClient.from_connection_string(account["connection_string"], account["container"])
        queues = QueueServiceClient(account["queue_url"], credential=credential, **trusted)
        with front, direct, queues:
            direct.upload_blob("told/of", name.encode(), overwrite=True)
            assert front.download_blob("told/of").readall() == name.encode()
            assert isinstance(list(queues.list_queues()), list)
    assert told["accounts"]["devstoreaccount1"]["account_url"] == told["account_url"]
    assert told["accounts"]["lakehouse"]["account_url"] == cloud.described["lakehouse"]["account_url"]


@pytest.mark.long
def test_azure_ml_can_run_alone_on_a_port_of_ones_choice(tmp_path: Path) -> None:
    (port,) = ports.free()

    with up(tmp_path / "state", "azureml", "--port", str(port), "--azure", "kind") as alone:
        told = alone.described
        answer = httpx.get(
            told["identity"]["endpoint"],
            params={"api-version": "2019-08-01", "resource": "https://ml.azure.com"},
            headers={"X-IDENTITY-HEADER": told["identity"]["header"]},
            trust_env=False,
        )
        with httpx.Client(verify=tls.client_context(alone.state), trust_env=False) as http:
            jobs = http.get(
                told["azureml"]["scoring_uris"]["word-lengths"],
                headers={"Authorization": f"Bearer {answer.json()['access_token']}"},
            )

    assert told["azureml"]["management_url"] == f"https://127.0.0.1:{port}"
    assert sorted(told["pids"]) == ["azureml", "identity", "storage"]
    assert "host" not in told
    assert (jobs.status_code, jobs.json()["value"]) == (200, [])


def test_an_app_that_cannot_be_loaded_ends_the_stack_with_its_log(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()

    failed = local(
        "up",
        "--state",
        str(tmp_path / "state"),
        "--app",
        str(tmp_path / "app"),
        "--deployments",
        str(HERE / "deployments"),
    )

    assert failed.returncode == 1
    assert "There is no host.json" in failed.stderr


@pytest.mark.parametrize("option", ["--app", "--routes", "--deployments"])
def test_a_path_that_does_not_exist_is_named_before_anything_starts(tmp_path: Path, option: str) -> None:
    refused = local("up", "--state", str(tmp_path / "state"), option, str(tmp_path / "missing"))

    assert refused.returncode == 2
    assert str(tmp_path / "missing") in refused.stderr
    assert not (tmp_path / "state").exists()


def test_commands_say_when_no_local_cloud_is_up(tmp_path: Path) -> None:
    for command in (["runs"], ["wait"], ["drop", __file__, "landing/x"]):
        refused = local(*command, "--state", str(tmp_path))

        assert refused.returncode == 2
        assert "python -m local up" in refused.stderr


@pytest.mark.parametrize("option", ["--hierarchical", "--firewall"])
def test_an_account_that_does_not_exist_is_named_with_those_that_do(tmp_path: Path, option: str) -> None:
    refused = local("up", "--state", str(tmp_path), option, "nobody")

    assert refused.returncode == 2
    assert "'nobody'; use one of devstoreaccount1, landfallstate, azuremlstore, lakehouse" in refused.stderr
    assert not (tmp_path / "stack.json").exists()


@pytest.mark.long
def test_a_landing_account_with_a_hierarchy_tells_the_app_of_renames(tmp_path: Path) -> None:
    command = ("up", "--clock-rate", "20", "--app", str(HERE / "app"), "--hierarchical", ACCOUNT)
    with up(tmp_path / "state", *command) as cloud:
        storage = cloud.described["storage"]
        assert storage["hierarchical"] == [ACCOUNT]
        credential = LocalCredential.of(cloud.state)
        with FileSystemClient(
            storage["account_url"], "landing", credential=credential, connection_verify=storage["ca_cert"]
        ) as landing:
            landing.create_file("_temporary/a.txt")
            landing.get_directory_client("_temporary").rename_directory("landing/batch")
            landing.get_file_client("batch/a.txt").rename_file("landing/batch/b.txt")

        eventually(lambda: {f"{PREFIX}batch", f"{PREFIX}batch/b.txt"} <= set(cloud.subjects()))
