"""How the app's own work grows: what each file, landing or run costs among few of them and among many.

Processor time of this process, over storage in memory, so that what is measured is the app. Where there is a floor, it
is the least that anybody would have to do for the same, in the same run.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

from bench.figures import Row
from bench.listed import bare_lists, lists
from bench.sites import (
    NEW,
    Act,
    claiming_run,
    digesting,
    failed_runs,
    looking,
    publishing_outputs,
    staging,
    sweeping_old,
)

REPEATS = 3


@dataclass(frozen=True, slots=True)
class Kind:
    """Something whose cost is compared at two sizes. `prepare` makes ready for so many items, and what it answers is
    measured; `floor`: the same for the least that has to be done. `is_per_file`: what is compared is the cost of each,
    else that of all."""

    name: str
    few: int
    many: int
    prepare: Callable[[int], Act]
    floor: Callable[[int], Act] | None = None
    floor_is: str = ""
    is_per_file: bool = True
    aim: float = 1.5


def measure(*, quick: bool = False) -> list[Row]:
    """For each item, how much more it costs among many."""
    with _quiet():
        return [row for kind in _kinds(10 if quick else 1) for row in _rows(kind, 1 if quick else REPEATS)]


def _kinds(smaller: int) -> Sequence[Kind]:
    few, many = 2_000 // smaller, 20_000 // smaller
    return (
        Kind("reading lists", few, many, lists, bare_lists, "parsing the XML alone"),
        Kind("looking at a landing", few, many, looking, digesting, "SHA-256 over names and etags"),
        Kind("claiming its run", few, many, claiming_run),
        Kind("staging its files", few // 2, many // 2, staging),
        Kind("publishing outputs", few // 2, many // 2, publishing_outputs),
        Kind(
            f"a sweep with {NEW} new landings among old ones",
            few,
            many,
            sweeping_old,
            is_per_file=False,
            aim=2.0,
        ),
        Kind("the newest 20 failed runs", 200, 4_000 // smaller, failed_runs, is_per_file=False),
    )


def _rows(kind: Kind, repeats: int) -> Iterator[Row]:
    turns = [[_spent(kind.prepare(size)) for size in (kind.few, kind.many)] for _ in range(repeats)]
    ratio, spent = median(many / few for few, many in turns), median(many for _, many in turns)
    yield Row(
        name=f"{kind.name}: {'for each of' if kind.is_per_file else 'of'} {kind.many:,}",
        value=1e6 * spent / kind.many if kind.is_per_file else 1e3 * spent,
        unit="µs" if kind.is_per_file else "ms",
        ratio=ratio * kind.few / kind.many if kind.is_per_file else ratio,
        against=f"of {kind.few:,}",
        n=repeats,
        aim=kind.aim,
    )
    if kind.floor is not None:
        floors = [_spent(kind.floor(kind.many)) for _ in range(repeats)]
        yield Row(
            name=f"{kind.name}: all of {kind.many:,}",
            value=1e3 * spent,
            unit="ms",
            ratio=median(many / floor for (_, many), floor in zip(turns, floors, strict=True)),
            against=kind.floor_is,
            n=repeats,
        )


def _spent(act: Act) -> float:
    """Seconds of processor time, threads included."""
    before = time.process_time()
    act()
    return time.process_time() - before


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the app's log, which somebody else writes in Azure."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
