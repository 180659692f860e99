"""One figure, and how figures are shown and kept."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure; `ratio` compares it with `against`, measured in the same run. `n`: measurements, or things measured.

    `value` is NaN when it could not be measured; `against` then says why. `aim`: what the ratio should not exceed.
    """

    name: str
    value: float
    unit: str
    ratio: float
    against: str
    n: int
    aim: float | None = None

    @property
    def misses(self) -> bool:
        """Whether the ratio exceeds its aim."""
        return self.aim is not None and self.ratio > self.aim


Figures = Mapping[str, Sequence[Row]]
"""Rows by the name of what was measured."""


def table(title: str, rows: Sequence[Row]) -> str:
    """For people."""
    widest = max(len(row.name) for row in rows)
    return "\n".join([title, *(f"  {row.name:<{widest}} {_told(row)}" for row in rows), ""])


def _told(row: Row) -> str:
    if row.value != row.value:
        return f"  not measured: {row.against}"
    verdict = "" if row.aim is None else f"   aim {row.aim:g} x: {'MISSED' if row.misses else 'met'}"
    return f"{row.value:>11,.2f} {row.unit:<5} {row.ratio:>8.3f} x {row.against} (n={row.n}){verdict}"


def save(figures: Figures, *, quick: bool, seconds: float, path: Path = RESULTS) -> None:
    """Write everything, and on what it was measured."""
    machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
    measured = {name: [_plain(row) for row in rows] for name, rows in figures.items()}
    told = {"machine": machine, "quick": quick, "seconds": round(seconds, 1), "figures": measured}
    path.write_text(json.dumps(told, indent=1) + "\n", "utf-8")


def _plain(row: Row) -> dict[str, object]:
    """JSON knows no NaN."""
    return {name: None if value != value else value for name, value in asdict(row).items()}
