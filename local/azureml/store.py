"""The record of every job, in SQLite, so that it survives the end of this process however that comes."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from local.azureml.jobs import FINAL, InputKind, Job, JobError, JobInput, JobOutput, Status, StatusChange
from local.azureml.settings import JobSettings, LoggingLevel, OutputAction

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
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
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
        """The job that a run id belongs to: its own or that of its child."""
        row = self._database.execute("SELECT document FROM jobs WHERE name = ? OR child = ?", (run, run)).fetchone()
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

    return json.dumps(asdict(job), default=plain)


def _from_json(text: str) -> Job:
    raw: dict[str, Any] = json.loads(text)
    data, output, settings, error = raw.pop("input"), raw.pop("output"), raw.pop("settings"), raw.pop("error")
    changes = raw.pop("changes")
    return Job(
        **raw,
        input=JobInput(**{**data, "kind": InputKind(data["kind"])}),
        output=JobOutput(**output) if output else None,
        settings=JobSettings(
            **{
                **settings,
                "timeout": timedelta(seconds=settings["timeout"]),
                "output_action": OutputAction(settings["output_action"]),
                "logging_level": LoggingLevel(settings["logging_level"]),
            }
        ),
        changes=tuple(
            StatusChange(Status(change["status"]), datetime.fromisoformat(change["at"])) for change in changes
        ),
        error=JobError(**error) if error else None,
    )
