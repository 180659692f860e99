"""The first step: a file of readings becomes a file of the same name with the mean of each pump's readings."""

import csv
import sys
from collections import defaultdict
from pathlib import Path
from statistics import fmean

MEASURED = ("vibration", "temperature")


def main(readings: Path, features: Path) -> None:
    """A pump of which a sensor told nothing all day is left out: there is nothing to judge it by."""
    for path in sorted(readings.glob("*.csv")):
        told: dict[str, dict[str, list[float]]] = defaultdict(lambda: {name: [] for name in MEASURED})
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                for name in MEASURED:
                    if row[name]:
                        told[row["pump"]][name].append(float(row[name]))
        with (features / path.name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("pump", *MEASURED))
            for pump, values in told.items():
                if all(values.values()):
                    writer.writerow((pump, *(fmean(values[name]) for name in MEASURED)))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
