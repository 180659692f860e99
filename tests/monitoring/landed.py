"""A day's lines, as the app really writes them: orchestrators and steps over fakes, with the fakes' time."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from monitoring.questions import COMPONENT, WORKSPACE
from shared import telemetry
from shared.errors import Unavailable
from tests.monitoring.kusto import tables
from tests.workflow.world import World, make_world

PLACES = {
    COMPONENT: ("traces", ("timestamp", "message", "severityLevel", "customDimensions")),
    WORKSPACE: ("AppTraces", ("TimeGenerated", "Message", "SeverityLevel", "Properties")),
}
"""Where lines are kept: the table, and its columns for time, message, level and the rest."""

IN_KUSTO = {logging.INFO: 1, logging.WARNING: 2, logging.ERROR: 3}
TYPES = {
    "bool": "BOOLEAN",
    "datetime": "TIMESTAMP",
    "dynamic": "JSON",
    "int": "INTEGER",
    "long": "BIGINT",
    "real": "DOUBLE",
    "string": "VARCHAR",
}


@dataclass
class Day:
    """What was logged, and the id of each folder's run."""

    lines: list[tuple[datetime, str, int, str]] = field(default_factory=list)
    run_ids: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def writing(self, world: World, invocation: str = "") -> Iterator[None]:
        handler = _Writer(self, world, invocation)
        logger, level = telemetry.logger, telemetry.logger.level
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        try:
            yield
        finally:
            logger.removeHandler(handler)
            logger.setLevel(level)

    def land(self, folder: str, *, after: timedelta = timedelta(0), **endpoint: Any) -> World:
        """A folder lands; its event comes `after` that."""
        world = make_world(**endpoint)
        world.land("0.png", "1.png", folder=folder)
        world.clock.moment += after
        names = {"route": "digits", "landing": folder, "instance_id": f"watch-{folder}"}
        with self.writing(world):
            telemetry.log("landing.watched", **names, subject=folder)  # as triggers/events.py does
            world.watch(folder, instance_id=names["instance_id"])
        self.run_ids[folder] = world.only_run()["run_id"]
        return world


class _Writer(logging.Handler):
    def __init__(self, day: Day, world: World, invocation: str) -> None:
        super().__init__()
        self._day, self._world, self._invocation = day, world, invocation

    def emit(self, record: logging.LogRecord) -> None:
        properties = json.dumps({"InvocationId": self._invocation})
        line = (self._world.clock().replace(tzinfo=None), record.getMessage(), IN_KUSTO[record.levelno], properties)
        self._day.lines.append(line)


@cache
def a_day() -> Day:
    """Tuesday's folder is published, Wednesday's fails; Thursday's event is late, its job hard to submit."""
    day = Day()
    day.land("digits/tuesday")
    day.land("digits/wednesday", statuses=("Running", "Failed"))
    world = day.land("digits/thursday", after=timedelta(minutes=20))
    names = {"route": "digits", "landing": "digits/thursday", "instance_id": "watch-digits/thursday"}
    with day.writing(world, invocation="one-call"):
        telemetry.warn("endpoint.cannot_list", scoring_uri="https://e.example/score", reasons=["403"])
        for _ in range(3):
            trouble = Unavailable("503: Server Busy")
            telemetry.error("step.failed", **names, step="look", kind="passing", message=str(trouble))
        telemetry.warn("landing.missed", **names)
        told = {"folder": "digits", "reason": "no route", "example": "digits/x.txt"}
        telemetry.log("events.ignored", **told, count=3)
        telemetry.log("events.ignored", **told, count=4)
    return day


def filled(connection: Any, kind: str, lines: list[tuple[datetime, str, int, str]]) -> None:
    """Make the tables of that kind, and put the lines where they belong."""
    for name, columns in tables(kind).items():
        told = ", ".join(f'"{column}" {TYPES[given]}' for column, given in columns.items())
        connection.sql(f'CREATE TABLE "{name}" ({told})')
    table, places = PLACES[kind]
    connection.executemany(f"INSERT INTO {table} ({', '.join(places)}) VALUES (?, ?, ?, ?)", lines)
