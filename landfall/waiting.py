"""Waiting until runs have ended, and telling what happens meanwhile: a line for each run that stays where it is on a
terminal, and a line for each change in a pipe."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from landfall.connection import App
from landfall.showing import plain, say, tell

UNDER_WAY = ("claimed", "staging", "submitting", "scoring", "canceling", "publishing")
EVERY = 2.0
Runs = dict[str, dict[str, Any]]


@dataclass
class Watch:
    """What is known of the runs that are waited for."""

    app: App
    named: Sequence[str] = ()
    now: Callable[[], float] = time.monotonic
    quiet: bool = False
    ended: Runs = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)

    def until_done(self, timeout: float | None) -> int:
        """0, or 1 when that takes too long, or 2 when a run that counts was not published or a route is broken."""
        began = self.now()
        with _nothing() if self.quiet else _lines() as show:
            going: Runs = {}
            while True:
                before, going = going, self._under_way()
                for run_id in before.keys() - going.keys():
                    self.ended[run_id] = self.app.get(f"runs/{run_id}")
                waits = [] if self.named else self.app.get("landings", state="waiting")["landings"]
                show([*map(_line, (*self.ended.values(), *going.values())), *map(_waiting, waits)])
                if not going and not waits:
                    break
                if timeout is not None and self.now() - began >= timeout:
                    tell(f"Still under way after {timeout:g} s: {len(going)} runs, {len(waits)} landings.")
                    return 1
                self.app.pause(EVERY)
        return self._verdict()

    def _under_way(self) -> Runs:
        if self.named:
            runs = [self.app.get(f"runs/{run_id}") for run_id in self.named if run_id not in self.ended]
            self.ended |= {run["run_id"]: run for run in runs if run["status"] not in UNDER_WAY}
        else:
            runs = [run for status in UNDER_WAY for page in self.app.pages("runs", status=status) for run in page]
        return {run["run_id"]: run for run in runs if run["status"] in UNDER_WAY}

    def _verdict(self) -> int:
        bad = [
            run for run in self.ended.values() if run["status"] in ("failed", "canceled") and not run.get("shadow_of")
        ]
        for run in bad:
            tell(f"{run['run_id']} {run['status']}: {run['error']['message']} {run['error'].get('do', '')}")
        broken = [] if self.named else self.app.get("routes")["problems"]
        for problem in broken:
            tell(f"Problem: {problem}")
        return 2 if bad or broken else 0


def _line(run: dict[str, Any]) -> str:
    job = f", job {run['job']['status']}" if run.get("job") else ""
    return f"{run['run_id']}  {run['landing']}  {run['snapshot']['files']} files  {run['status']}{job}"


def _waiting(landing: dict[str, Any]) -> str:
    waits = landing.get("waits") or {}
    return f"{landing['landing']}  waits for {waits.get('marker') or waits.get('for') or 'its watch'}"


@contextmanager
def _nothing() -> Iterator[Callable[[Sequence[str]], None]]:
    yield lambda _: None


@contextmanager
def _lines() -> Iterator[Callable[[Sequence[str]], None]]:
    console = Console(highlight=False)
    if console.is_terminal:
        with Live(console=console, auto_refresh=False) as live:
            yield lambda lines: live.update(Text("\n".join(map(plain, lines))), refresh=True)
        return
    told = set[str]()

    def each(lines: Sequence[str]) -> None:
        for line in lines:
            if line not in told:
                told.add(line)
                say(line)

    yield each
