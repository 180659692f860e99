"""Timer triggers: one task each, so that a function never overlaps with itself.

The status of each schedule is kept in `<state>/host/timers.json` (Azure: a blob per function), so that a time that
passed while the host was down is caught up with, once.
Source: azure-webjobs-sdk-extensions, TimerListener.cs and ScheduleMonitor.cs.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from local.clock import Clock
from local.host.files import write_whole
from local.host.settings import resolve
from local.host.triggers.schedules import Schedule
from local.host.worker.invoking import Invoker, tell_failure
from local.host.worker.registry import Function
from local.host.worker.wire import Datum

log = logging.getLogger("Host.Triggers.Timer")

NEVER = "0001-01-01T00:00:00+00:00"


def zone_of(environment: Mapping[str, str]) -> tzinfo:
    """The time zone of schedules: WEBSITE_TIME_ZONE, then TZ, then UTC."""
    name = environment.get("WEBSITE_TIME_ZONE") or environment.get("TZ")
    return ZoneInfo(name.lstrip(":")) if name else UTC


def request_datum(status: Mapping[str, str] | None, *, past_due: bool) -> Datum:
    """What the function's TimerRequest is made from."""
    value = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": status, "IsPastDue": past_due}
    return Datum(json.dumps(value), "json")


class Timers:
    """The timer triggers of an app."""

    def __init__(self, state: Path, invoker: Invoker, clock: Clock) -> None:
        self._path, self._invoker, self._clock = state / "host" / "timers.json", invoker, clock
        self._status: dict[str, dict[str, str]] = (
            json.loads(self._path.read_text("utf-8")) if self._path.exists() else {}
        )

    def plan(self, function: Function) -> Schedule:
        """The schedule of a function. Raises BadSchedule, SettingsError."""
        return Schedule.parse(resolve(str(function.trigger.get("schedule")), os.environ), zone_of(os.environ))

    async def run(self, function: Function, schedule: Schedule) -> None:
        """Invoke the function whenever it is due, until cancelled."""
        now = self._clock.now()
        monitored = function.trigger.get("useMonitor") is not False and schedule.monitored(now)
        known = self._status.get(function.name) if monitored else None
        past_due = known is not None and datetime.fromisoformat(known["Next"]) < now
        if known is None or known.get("Schedule") != schedule.expression:
            past_due = False
            self._remember(function, schedule, monitored, last=NEVER, following=schedule.after(now))
        if past_due or function.trigger.get("runOnStartup"):
            await self._fire(function, schedule, monitored, past_due=past_due)
        due = schedule.after(self._clock.now())
        while True:
            await self._clock.wait_until(due)
            await self._fire(function, schedule, monitored, past_due=False)
            # Counted from the end of the invocation: times that passed while it ran are left out.
            due = schedule.after(max(due, self._clock.now()))

    async def _fire(self, function: Function, schedule: Schedule, monitored: bool, *, past_due: bool) -> None:
        fired = self._clock.now()
        status = self._public(function) if monitored else None
        try:
            reason = "Timer fired at " + fired.isoformat()
            await self._invoker.invoke(function, request_datum(status, past_due=past_due), reason=reason)
        except Exception as error:
            tell_failure(log, function.name, error)
        following = schedule.after(self._clock.now())
        self._remember(function, schedule, monitored, last=fired.isoformat(), following=following)

    def _public(self, function: Function) -> dict[str, str] | None:
        status = self._status.get(function.name)
        return {k: v for k, v in status.items() if k != "Schedule"} if status else None

    def _remember(
        self, function: Function, schedule: Schedule, monitored: bool, *, last: str, following: datetime
    ) -> None:
        if not monitored:
            return
        self._status[function.name] = {
            "Last": last,
            "Next": following.isoformat(),
            "LastUpdated": self._clock.now().isoformat(),
            "Schedule": schedule.expression,
        }
        write_whole(self._path, json.dumps(self._status, indent=1))
