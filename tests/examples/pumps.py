"""What the outputs of the pipeline example have to say, figured out with tables instead of row by row."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pandas
import pytest

from examples.pipeline.make import LANDING, PLANTS, PUMPS, WEIGHTS


def expected(example: Path, plant: str) -> dict[str, float]:
    """The risk of each pump."""
    weights = json.loads((example / WEIGHTS).read_text("utf-8"))
    means = pandas.read_csv(example / LANDING / f"{plant}.csv").groupby("pump")[["vibration", "temperature"]].mean()
    evidence = weights["intercept"] + sum(means[name] * weights[name] for name in means)
    return dict((1 / (1 + numpy.exp(-evidence))).items())


def check(example: Path, read: Callable[[str], str | bytes | None], threshold: float) -> None:
    """Whether both outputs, which `read` gives by their paths, say what the threshold makes of the readings."""
    for plant in PLANTS:
        risks = expected(example, plant)
        told = rows(read(f"scores/{plant}.csv"))
        assert {row["pump"]: float(row["risk"]) for row in told} == pytest.approx(risks, abs=1e-4)
        assert {row["pump"]: row["alarm"] == "1" for row in told} == alarms(risks, threshold)
    assert [(row["plant"], row["pumps"], row["alarms"], float(row["threshold"])) for row in summary(read)] == [
        (plant, str(PUMPS), str(sum(alarms(expected(example, plant), threshold).values())), threshold)
        for plant in PLANTS
    ]


def alarms(risks: dict[str, float], threshold: float) -> dict[str, bool]:
    return {pump: risk >= threshold for pump, risk in risks.items()}


def summary(read: Callable[[str], str | bytes | None]) -> list[dict[str, Any]]:
    return rows(read("summary/summary.csv"))


def rows(content: str | bytes | None) -> list[dict[str, Any]]:
    assert content is not None
    text = content.decode() if isinstance(content, bytes) else content
    return list(csv.DictReader(io.StringIO(text)))
