"""The second step: the risk of each pump, and how many alarms there are at each plant."""

import csv
import json
import math
import sys
from pathlib import Path
from typing import Any


def main(features: Path, threshold: float, scores: Path, summary: Path) -> None:
    """One file of scores for each file of features; one summary of all."""
    weights = json.loads(Path(__file__).with_name("weights.json").read_text("utf-8"))
    counts = []
    for path in sorted(features.iterdir()):
        with path.open(encoding="utf-8", newline="") as file:
            risks = {row["pump"]: risk(row, weights) for row in csv.DictReader(file)}
        alarms = {pump for pump, value in risks.items() if value >= threshold}
        write(
            scores / path.name,
            ("pump", "risk", "alarm"),
            [(pump, f"{value:.4f}", int(pump in alarms)) for pump, value in risks.items()],
        )
        counts.append((path.stem, len(risks), len(alarms), threshold))
    write(summary / "summary.csv", ("plant", "pumps", "alarms", "threshold"), counts)


def risk(row: dict[str, str], weights: dict[str, float]) -> float:
    """How likely a pump is to fail, from 0 to 1."""
    evidence = weights["intercept"] + sum(weights[name] * float(row[name]) for name in ("vibration", "temperature"))
    return 1 / (1 + math.exp(-evidence))


def write(path: Path, header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]))
