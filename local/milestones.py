"""What `up` tells while it runs: refused deployments, problems, and how far each run is, out of the parts' logs.

The app's lines are those that docs/monitoring.md promises to operators. A blob's name may hold anything, so what is
told is made printable.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

EVERY_SECONDS = 0.25
MOST_REMEMBERED = 10_000
LONGEST = 2000
"""Characters of a line for people."""

_APP = re.compile(r"\S+ \S+ \w+ +landfall: landfall\.(?P<event>[\w.]+) (?P<fields>\{.*\})")
_REFUSED = re.compile(r"\S+ \S+ (?:ERROR|WARNING) +local\.azureml\.workspace\.(?:catalog|deployed): (?P<told>.+)")
_DEPLOYED = re.compile(r"\S+ \S+ INFO +local\.azureml\.workspace\.deployed: (?P<told>.+)")

Fields = Mapping[str, Any]


class Mood(StrEnum):
    """How a line is shown on a terminal."""

    PLAIN = "0"
    GOOD = "32"
    BAD = "31"


@dataclass(frozen=True, slots=True)
class Told:
    """A line for people."""

    text: str
    mood: Mood = Mood.PLAIN

    def shown(self, *, colours: bool) -> str:
        """As it is printed."""
        text = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in self.text)
        text = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
        return f"\x1b[{self.mood}m{text}\x1b[0m" if colours and self.mood is not Mood.PLAIN else text


def told_by(line: str) -> Told | None:
    """What a line of a log has to say to people; None: nothing."""
    if refused := _REFUSED.fullmatch(line):
        return Told(refused["told"], Mood.BAD)
    if deployed := _DEPLOYED.fullmatch(line):
        return Told(deployed["told"])
    found = _APP.fullmatch(line)
    speak = _SPEAKERS.get(found["event"]) if found else None
    if found is None or speak is None:
        return None
    try:
        fields = json.loads(found["fields"])
        return speak(fields)
    except (ValueError, LookupError, TypeError):
        return None


def problem(text: str) -> Told:
    """Something that is wrong with the app."""
    return Told(f"Problem: {' '.join(text.split())}", Mood.BAD)


def _name(fields: Fields) -> str:
    return f"{fields['landing']}: {'shadow' if fields.get('shadow_of') else 'run'} {fields['run_id']}"


def _claimed(fields: Fields) -> Told:
    return Told(f"{_name(fields)} claimed, {fields['files']} file(s), {fields['bytes']:,} bytes")


def _submitted(fields: Fields) -> Told | None:
    """A job that was found again is recorded like one whose submission was answered."""
    is_scoring = fields["status"] == "scoring" and fields.get("job")
    if fields["status"] == "superseded":
        return Told(f"{_name(fields)} superseded: {fields.get('error')}")
    return Told(f"{_name(fields)} submitted as job {fields['job']}") if is_scoring else None


def _job_seen(fields: Fields) -> Told | None:
    return Told(f"{_name(fields)}: job {fields['job']} completed") if fields["status"] == "Completed" else None


def _published(fields: Fields) -> Told:
    return Told(f"{_name(fields)} published, {fields['outputs']} output(s) at {fields['url']}", Mood.GOOD)


def _failed(fields: Fields) -> Told:
    return Told(f"{_name(fields)} failed ({fields['reason']}): {fields['message']} {fields['do']}", Mood.BAD)


def _canceled(fields: Fields) -> Told:
    return Told(f"{_name(fields)} canceled: {fields['message']}", Mood.BAD)


def _invalid(fields: Fields) -> Told:
    where = f"route {fields['route']!r}, {fields['field']}" if "route" in fields else fields["field"]
    return problem(f"{where}: {fields['message']}")


def _step_failed(fields: Fields) -> Told:
    return problem(f"{fields['landing']}: {fields['step']} failed ({fields['kind']}): {fields['message']}")


def _step_defect(fields: Fields) -> Told:
    return problem(f"{fields['landing']}: {fields['step']} met a defect: {fields['traceback'].splitlines()[-1]}")


def _sweep_failed(fields: Fields) -> Told:
    what = fields.get("route") or fields.get("endpoint") or "everything"
    return problem(f"the sweep of {what} failed: {fields['message']}")


_SPEAKERS: Mapping[str, Callable[[Fields], Told | None]] = {
    "run.claimed": _claimed,
    "run.recorded": _submitted,
    "job.seen": _job_seen,
    "run.published": _published,
    "run.failed": _failed,
    "run.canceled": _canceled,
    "routes.invalid": _invalid,
    "step.failed": _step_failed,
    "step.defect": _step_defect,
    "sweep.failed": _sweep_failed,
}
EVENTS = frozenset(_SPEAKERS)
"""Of the app's log."""


@dataclass(slots=True)
class Log:
    """A growing log, read from where it ended when it was first looked at."""

    path: Path
    at: int = 0
    rest: bytes = b""

    def __post_init__(self) -> None:
        self.at = self.path.stat().st_size if self.path.exists() else 0

    def lines(self) -> Iterator[str]:
        """What was added since; a line that is not complete is left for the next time."""
        if not self.path.exists():
            return
        with self.path.open("rb") as log:
            log.seek(self.at)
            added = log.read()
        self.at += len(added)
        *whole, self.rest = (self.rest + added).split(b"\n")
        yield from (line.decode(errors="replace").rstrip("\r") for line in whole)


@dataclass(slots=True)
class Teller:
    """Tells what the logs have to say, each thing once."""

    logs: tuple[Log, ...]
    say: Callable[[str], None]
    colours: bool = False
    told: dict[str, None] = field(default_factory=dict)

    def tell(self, one: Told) -> None:
        """Say it, unless it was said lately: a step that is carried out twice is logged twice."""
        if one.text in self.told:
            return
        self.told[one.text] = None
        if len(self.told) > MOST_REMEMBERED:
            self.told.pop(next(iter(self.told)))
        self.say(one.shown(colours=self.colours))

    def look(self) -> None:
        """Tell what the logs have to say that is new."""
        for log in self.logs:
            for line in log.lines():
                if (one := told_by(line)) is not None:
                    self.tell(one)

    async def run(self) -> None:
        """Look again and again."""
        while True:
            self.look()
            await asyncio.sleep(EVERY_SECONDS)
