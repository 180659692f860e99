"""The local Azure ML: files scored per second, and what looking at a job costs. `python -m bench.azureml [--quick]`.

A trivial script scores small files, in a job on a real storage front and a real emulator, and by plain multiprocessing
with as many processes over the same files on disk. Both start their processes anew and load the script in each.
Fetching the files from storage is told apart: it has no counterpart.
"""

from __future__ import annotations

import argparse
import importlib.util
import multiprocessing
import os
import re
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import yaml

from bench.figures import Row, table
from local import addresses, tls
from local.addresses import Addresses
from local.tokens import AZURE_ML, MANAGEMENT, STORAGE, Issuer

SCRIPT = """
import hashlib
from pathlib import Path

def init():
    pass

def run(mini_batch):
    return [f"{Path(path).name} {hashlib.sha256(Path(path).read_bytes()).hexdigest()}" for path in mini_batch]
"""
DEPLOYMENT: dict[str, Any] = {
    "name": "hash",
    "endpoint_name": "bench",
    "type": "model",
    "model": {"path": "model"},
    "code_configuration": {"code": "code", "scoring_script": "score.py"},
    "compute": "azureml:local",
}
PROCESSES = os.cpu_count() or 2
MINI_BATCH = 10
UPLOADS = 16
PATIENCE = 300.0
AIM = 1 / 0.8


def measure(*, quick: bool = False) -> list[Row]:
    """Scoring, in turns with multiprocessing, then status reads."""
    files, looks, repeats = (200, 100, 1) if quick else (2_000, 1_000, 3)
    with tempfile.TemporaryDirectory() as folder, _emulator(Path(folder)) as emulator:
        local_files = _make_files(Path(folder) / "files", files)
        emulator.upload(local_files)
        jobs, plain = [], []
        for _ in range(repeats):
            jobs.append(emulator.score(files))
            plain.append(_multiprocessing(Path(folder), local_files))
        idle, busy = emulator.looks(looks), emulator.looks_during_a_job(looks)
    scoring, pool = median(job.scoring for job in jobs), median(plain)
    transfer = median(job.running - job.scoring for job in jobs)
    against = f"multiprocessing with {PROCESSES} processes"
    return [
        Row(
            name=f"scoring one of {files:,} files",
            value=1e6 * scoring / files,
            unit="us",
            ratio=scoring / pool,
            against=against,
            n=repeats,
            aim=AIM,
        ),
        Row(name="files scored", value=files / scoring, unit="1/s", ratio=pool / scoring, against=against, n=repeats),
        Row(
            name="fetching a file, and ending the job",
            value=1e6 * transfer / files,
            unit="us",
            ratio=transfer / scoring,
            against="scoring it",
            n=repeats,
        ),
        Row(
            name="a look at a job while it runs",
            value=1000 * busy / looks,
            unit="ms",
            ratio=busy / idle,
            against="a look when nothing runs",
            n=looks,
        ),
    ]


@dataclass(frozen=True, slots=True)
class Job:
    """Seconds of one job: from Running to its end, and of those in scoring."""

    running: float
    scoring: float


class Emulator:
    """Storage and Azure ML on one state directory, as separate processes."""

    def __init__(self, where: Addresses, issuer: Issuer, trust: ssl.SSLContext) -> None:
        self._where = where
        self._issuer = issuer
        self._http = httpx.Client(verify=trust, timeout=60, trust_env=False)
        self._jobs = f"{where.azureml}/endpoints/bench/jobs"

    def upload(self, files: list[Path]) -> None:
        headers = {**self._token(STORAGE), "x-ms-version": "2023-11-03", "x-ms-blob-type": "BlockBlob"}

        def one(file: Path) -> None:
            url = f"{self._where.account_url()}/landing/bench/{file.name}"
            self._http.put(url, content=file.read_bytes(), headers=headers).raise_for_status()

        with ThreadPoolExecutor(UPLOADS) as pool:
            list(pool.map(one, files))

    def score(self, files: int) -> Job:
        name = self._submit()
        while (status := self._status(name)) not in ("Completed", "Failed", "Canceled"):
            assert status
            time.sleep(0.05)
        details = self._details(self._step(name))  # the run below the job does the work, and has the logs
        assert status == "Completed", details["error"]
        logs = {path: url for path, url in details["logFiles"].items() if "job_progress_overview" in path}
        overview = self._http.get(next(iter(logs.values()))).text
        assert f"{files} files: {files} items" in overview
        spent = re.search(r"Scoring took ([\d.]+) s", overview)
        assert spent
        began, ended = (datetime.fromisoformat(details[name]) for name in ("startTimeUtc", "endTimeUtc"))
        return Job((ended - began).total_seconds(), float(spent[1]))

    def looks(self, count: int) -> float:
        """Seconds of so many looks at an ended job."""
        name = self._http.get(self._jobs, headers=self._token(AZURE_ML)).json()["value"][0]["name"]
        return self._look(name, count)

    def looks_during_a_job(self, count: int) -> float:
        """Seconds of so many looks at a job under way; another one follows when it ends meanwhile."""
        seconds, done = 0.0, 0
        while done < count:
            name = self._submit()
            while done < count and self._status(name) not in ("Completed", "Failed"):
                seconds += self._look(name, 10)
                done += 10
        return seconds * count / done

    def close(self) -> None:
        self._http.close()

    def _look(self, name: str, count: int) -> float:
        headers = self._token(AZURE_ML)
        began = time.perf_counter()
        for _ in range(count):
            self._http.get(f"{self._jobs}/{name}", headers=headers)
        return time.perf_counter() - began

    def _submit(self) -> str:
        data = {"jobInputType": "UriFolder", "uri": "azureml://datastores/landing/paths/bench"}
        body = {"properties": {"inputData": {"files": data}}}
        answer = self._http.post(self._jobs, json=body, headers=self._token(AZURE_ML))
        return str(answer.raise_for_status().json()["name"])

    def _status(self, name: str) -> str:
        answer = self._http.get(f"{self._jobs}/{name}", headers=self._token(AZURE_ML))
        return str(answer.raise_for_status().json()["properties"]["status"])

    def _step(self, name: str) -> str:
        """The run below a job's own."""
        return str(self._history(f"{name}/children")["value"][0]["runId"])

    def _details(self, run: str) -> dict[str, Any]:
        return self._history(f"{run}/details")

    def _history(self, path: str) -> dict[str, Any]:
        workspace = (
            f"/subscriptions/{addresses.SUBSCRIPTION}/resourceGroups/{addresses.RESOURCE_GROUP}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{addresses.WORKSPACE}"
        )
        url = f"{self._where.azureml}/history/v1.0{workspace}/runs/{path}"
        return dict(self._http.get(url, headers=self._token(MANAGEMENT)).raise_for_status().json())

    def _token(self, audience: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._issuer.issue(audience)}"}


@contextmanager
def _emulator(folder: Path) -> Iterator[Emulator]:
    deployment = folder / "deployments" / "bench" / "hash"
    for name in ("code", "model"):
        (deployment / name).mkdir(parents=True)
    (deployment / "code" / "score.py").write_text(SCRIPT)
    settings = {"mini_batch_size": MINI_BATCH, "max_concurrency_per_instance": PROCESSES}
    (deployment / "deployment.yml").write_text(yaml.safe_dump({**DEPLOYMENT, "settings": settings}))
    (deployment.parent / "endpoint.yml").write_text("name: bench\n")
    state = folder / "state"
    where, issuer = addresses.settle(state), Issuer.of(state)
    with (
        _part("local.storage", "--state", str(state)),
        _part("local.azureml", "--state", str(state), "--deployments", str(folder / "deployments"), "--azure", "kind"),
    ):
        emulator = Emulator(where, issuer, tls.client_context(state))
        try:
            yield emulator
        finally:
            emulator.close()


@contextmanager
def _part(module: str, *flags: str) -> Iterator[None]:
    command = [sys.executable, "-m", module, "--with-parent", *flags]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield
        process.terminate()


def _make_files(folder: Path, count: int) -> list[Path]:
    folder.mkdir()
    files = [folder / f"{number:05}.txt" for number in range(count)]
    for number, file in enumerate(files):
        file.write_text(f"{number}\n" * 20)
    return files


def _multiprocessing(folder: Path, files: list[Path]) -> float:
    """Seconds that a pool takes for the same mini-batches, from starting its processes to the last row on disk."""
    script = folder / "score.py"
    script.write_text(SCRIPT)
    names = [str(file) for file in files]
    batches = [names[start : start + MINI_BATCH] for start in range(0, len(names), MINI_BATCH)]
    began = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool, (folder / "rows.txt").open("w") as rows:
        for found in pool.imap_unordered(partial(_run, str(script)), batches):
            rows.writelines(f"{row}\n" for row in found)
    return time.perf_counter() - began


_loaded: dict[str, Any] = {}


def _run(script: str, batch: list[str]) -> list[str]:
    """In a process of the pool: load the script once, then score."""
    if script not in _loaded:
        specification = importlib.util.spec_from_file_location("score", script)
        assert specification
        assert specification.loader
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        module.init()
        _loaded[script] = module
    return list(_loaded[script].run(batch))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.azureml", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer files and looks: only that it works")
    print(table("The local Azure ML", measure(quick=parser.parse_args().quick)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
