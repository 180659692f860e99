"""When a timer trigger is due. Pure.

Six fields `{second} {minute} {hour} {day} {month} {day-of-week}`, or five without the seconds, or a TimeSpan.
Source: Azure docs, functions-bindings-timer (NCRONTAB); azure-webjobs-sdk-extensions, CronSchedule.cs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from cronsim import CronSim, CronSimError

_TIMESPAN = re.compile(r"(?:(\d+)[.:])?(\d{1,2}):(\d{2}):(\d{2})(?:\.\d+)?")
_NAME = re.compile(r"[A-Za-z]{3,}")
HOURS = 24
MONITORED_FROM = timedelta(minutes=1)
"""A schedule that fires more often is not monitored. Source: TimerListener.cs."""


class BadSchedule(Exception):
    """A schedule that is neither an NCRONTAB expression nor a TimeSpan."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """`interval` for a TimeSpan, else `expression` in the time zone `zone`."""

    expression: str
    zone: tzinfo
    interval: timedelta | None = None

    @classmethod
    def parse(cls, text: str, zone: tzinfo = UTC) -> Schedule:
        """Raises BadSchedule."""
        span = _TIMESPAN.fullmatch(text.strip())
        if span:
            days, hours, minutes, seconds = (int(part or 0) for part in span.groups())
            if span[1] is None and hours >= HOURS:  # then it is dd:hh:mm
                days, hours, minutes, seconds = hours, minutes, seconds, 0
            interval = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
            if not interval:
                raise BadSchedule(f"The schedule '{text}' has an interval of zero length.")
            return cls(text, zone, interval)
        fields = text.split()
        if len(fields) not in (5, 6):
            raise BadSchedule(
                f"The schedule '{text}' is neither a TimeSpan nor an NCRONTAB expression of 5 or 6 fields."
            )
        # Names of months and days may be written out; cron has their first three letters.
        fields[-2:] = [_NAME.sub(lambda name: name[0][:3], field) for field in fields[-2:]]
        expression = " ".join(fields if len(fields) == 6 else ["0", *fields])
        try:
            CronSim(expression, datetime(2000, 1, 1, tzinfo=UTC))
        except CronSimError as error:
            raise BadSchedule(f"The schedule '{text}' is not a valid NCRONTAB expression: {error}.") from error
        return cls(expression, zone)

    def after(self, moment: datetime) -> datetime:
        """The first time later than `moment`."""
        if self.interval is not None:
            return moment + self.interval
        second, minute, hour, day, month, weekday = self.expression.split()
        local = moment.astimezone(self.zone)
        if day in "*?" or weekday in "*?":
            return next(CronSim(self.expression, local)).astimezone(UTC)
        # cron takes either of day and day of week when both are given; NCRONTAB wants both to hold.
        by_day = CronSim(f"{second} {minute} {hour} {day} {month} *", local)
        by_weekday = CronSim(f"{second} {minute} {hour} * {month} {weekday}", local)
        return _first_common(by_day, by_weekday).astimezone(UTC)

    def monitored(self, now: datetime) -> bool:
        """Whether its status is kept, so that a missed time is caught up with."""
        first = self.after(now)
        return self.after(first) - first >= MONITORED_FROM


def _first_common(left: Iterator[datetime], right: Iterator[datetime]) -> datetime:
    a, b = next(left), next(right)
    while a != b:
        if a < b:
            a = next(left)
        else:
            b = next(right)
    return a
