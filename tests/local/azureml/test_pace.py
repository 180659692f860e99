"""Jobs take the time that they are told to take, and an init() that does not return is not waited for for ever."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from local.azureml.execution.workers import Worker, WorkerHung, WorkerSpec
from tests.local.azureml.cloud import Cloud
from tests.local.azureml.probes import ECHO, deploy

RATE = 500.0


def test_a_cluster_that_starts_from_zero_nodes_keeps_a_job_waiting_for_minutes(tmp_path: Path) -> None:
    """The pace `cluster`, on a clock that makes its four minutes pass in half a second."""
    deploy(tmp_path / "deployments", "echo", ECHO)
    cloud = Cloud(tmp_path / "state", tmp_path / "deployments", "--pace", "cluster", "--azure", "kind", rate=RATE)
    try:
        name = cloud.score({"a.txt": "1"}, "echo")
        (job,) = cloud.http.get(f"{cloud.addresses.azureml}/_jobs").json()
        ended = cloud.addresses.clock.now()
    finally:
        cloud.close()

    assert job["name"] == name
    assert job["statuses"] == ["Preparing", "Queued", "Running", "Finalizing", "Completed"]
    assert ended - datetime.fromisoformat(job["created"]) >= timedelta(minutes=3, seconds=50)


def test_an_init_that_does_not_return_is_stopped_with_its_process(tmp_path: Path) -> None:
    """What fails the job then; the time a real job gives it is 3 x timeout + 30 s, see init_timeout."""
    script = tmp_path / "score.py"
    script.write_text(
        "import os, pathlib, threading\n"
        "def init():\n"
        "    pathlib.Path('pid').write_text(str(os.getpid()))\n"
        "    threading.Event().wait()\n"
        "def run(mini_batch):\n"
        "    return mini_batch\n"
    )
    spec = WorkerSpec(
        python=sys.executable,
        inputs=tmp_path / "input",
        code=tmp_path,
        script=script,
        environment=dict(os.environ),
        arguments=(),
        logs=tmp_path / "logs",
        init_timeout=timedelta(seconds=1.5),
        run_timeout=timedelta(seconds=1),
    )

    with pytest.raises(WorkerHung, match=r"init\(\) did not return in time"):
        asyncio.run(Worker.start(spec, "10.0.0.4", 0))

    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
