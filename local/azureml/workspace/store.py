"""The record of every job, in SQLite, so that it survives the end of this process however that comes."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from local.azureml.workspace.jobs import (
    FINAL,
    InputKind,
    Job,
    JobError,
    JobInput,
    JobOutput,
    Status,
    StatusChange,
    StepRun,
)
from local.azureml.workspace.settings import JobSettings, LoggingLevel, OutputAction, PipelineSettings
from local.database import open_database

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL UNIQUE,
    child      TEXT NOT NULL UNIQUE,
    endpoint   TEXT NOT NULL,
    deployment TEXT NOT NULL,
    status     TEXT NOT NULL,
    document   TEXT NOT NULL
)
"""


class JobStore:
    """Jobs by name, newest first where there are several."""

    def __init__(self, path: Path) -> None:
        self._database = open_database(path)
        self._database.execute(_SCHEMA)

    def add(self, job: Job) -> None:
        self._database.execute(
            "INSERT INTO jobs (name, child, endpoint, deployment, status, document) VALUES (?, ?, ?, ?, ?, ?)",
            (job.name, job.child, job.endpoint, job.deployment, job.status, _to_json(job)),
        )

    def replace(self, job: Job) -> None:
        self._database.execute(
            "UPDATE jobs SET status = ?, document = ? WHERE name = ?", (job.status, _to_json(job), job.name)
        )

    def get(self, name: str) -> Job | None:
        row = self._database.execute("SELECT document FROM jobs WHERE name = ?", (name,)).fetchone()
        return _from_json(row[0]) if row else None

    def of_run(self, run: str) -> Job | None:
        """The job that a run id belongs to: its own, that of its child or of one of its steps."""
        row = self._database.execute(
            "SELECT document FROM jobs WHERE name = ? OR child = ?"
            " OR json_valid(document) AND EXISTS"
            " (SELECT 1 FROM json_each(document, '$.steps') WHERE json_extract(value, '$.run') = ?)",
            (run, run, run),
        ).fetchone()
        return _from_json(row[0]) if row else None

    def page(
        self, *, endpoint: str | None = None, deployment: str | None = None, skip: int = 0, size: int = -1
    ) -> list[Job]:
        rows = self._database.execute(
            "SELECT document FROM jobs WHERE endpoint = coalesce(?, endpoint) AND deployment = coalesce(?, deployment)"
            " ORDER BY number DESC LIMIT ? OFFSET ?",
            (endpoint, deployment, size, skip),
        )
        return [_from_json(row[0]) for row in rows]

    def under_way(self) -> list[Job]:
        """Every job that has not come to its end, oldest first."""
        marks = ", ".join("?" * len(FINAL))
        rows = self._database.execute(
            f"SELECT document FROM jobs WHERE status NOT IN ({marks}) ORDER BY number",  # noqa: S608  # only marks
            sorted(FINAL),
        )
        return [_from_json(row[0]) for row in rows]

    def close(self) -> None:
        self._database.close()


def _to_json(job: Job) -> str:
    def plain(value: object) -> object:
        if isinstance(value, datetime):
            return value.isoformat()
        if isinstance(value, timedelta):
            return value.total_seconds()
        raise TypeError(f"{value!r} has no place in a job's record")

    return json.dumps(asdict(job), default=plain, allow_nan=False)


def _from_json(text: str) -> Job:
    raw: dict[str, Any] = json.loads(text)
    return Job(
        **{
            **raw,
            "inputs": tuple(JobInput(**{**one, "kind": InputKind(one["kind"])}) for one in raw["inputs"]),
            "outputs": tuple(JobOutput(**one) for one in raw["outputs"]),
            "settings": _settings(raw["settings"]),
            "changes": tuple(
                StatusChange(Status(one["status"]), datetime.fromisoformat(one["at"])) for one in raw["changes"]
            ),
            "pipeline": PipelineSettings(**raw["pipeline"]),
            "steps": tuple(_step(one) for one in raw["steps"]),
            "error": JobError(**raw["error"]) if raw["error"] else None,
        }
    )


def _settings(raw: dict[str, Any]) -> JobSettings:
    return JobSettings(
        **{
            **raw,
            "timeout": timedelta(seconds=raw["timeout"]),
            "output_action": OutputAction(raw["output_action"]),
            "logging_level": LoggingLevel(raw["logging_level"]),
        }
    )


def _step(raw: dict[str, Any]) -> StepRun:
    moments = {name: datetime.fromisoformat(raw[name]) if raw[name] else None for name in ("began", "ended")}
    error = JobError(**raw["error"]) if raw.get("error") else None
    texts = {"status": Status(raw["status"]), "outputs": tuple(raw["outputs"])}
    return StepRun(**{**raw, **moments, **texts, "error": error})
