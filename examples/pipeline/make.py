"""Makes what the example needs, the same every time: `python -m examples.pipeline.make`.

Pumps are simulated: one that is about to fail shakes and gets warm, and sensors fall silent now and then.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy
from sklearn.linear_model import LogisticRegression

HERE = Path(__file__).parent
WEIGHTS = Path("deployments/pumps/risk/code/weights.json")
"""Where the second step expects them."""
LANDING = Path("data/tuesday")
PLANTS = ("dam", "harbour", "hill")
TRAINING = 400
PUMPS = 20
"""Per plant."""
HOURS = 24
SILENT = 0.05
"""How often a sensor tells nothing."""


@dataclass(frozen=True, slots=True)
class Pump:
    """How it runs on average: vibration in mm/s, temperature in degrees Celsius."""

    name: str
    is_failing: bool
    vibration: float
    temperature: float


def pumps(names: Iterator[str], generator: numpy.random.Generator) -> list[Pump]:
    """One pump for every name; every fifth is about to fail."""
    made = []
    for number, name in enumerate(names):
        is_failing = number % 5 == 4
        vibration, temperature = (3.4, 68.0) if is_failing else (2.0, 60.0)
        made.append(Pump(name, is_failing, generator.normal(vibration, 0.5), generator.normal(temperature, 4.0)))
    return made


def write_weights(path: Path) -> None:
    """Train on pumps that never land; what is learned is three numbers."""
    known = pumps((str(number) for number in range(TRAINING)), numpy.random.default_rng(1))
    model = LogisticRegression(max_iter=1000)
    model.fit([(pump.vibration, pump.temperature) for pump in known], [pump.is_failing for pump in known])
    learned = dict(zip(("vibration", "temperature"), model.coef_[0], strict=True)) | {"intercept": model.intercept_[0]}
    path.write_text(json.dumps({name: round(float(value), 3) for name, value in learned.items()}) + "\n", "utf-8")


def write_data(folder: Path) -> None:
    """A day of readings as one file per plant, hour by hour."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = numpy.random.default_rng(2)
    for plant in PLANTS:
        known = pumps((f"{plant}-{number:02}" for number in range(PUMPS)), generator)
        with (folder / f"{plant}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("hour", "pump", "vibration", "temperature"))
            for hour in range(HOURS):
                writer.writerows((hour, pump.name, *readings(pump, generator)) for pump in known)


def readings(pump: Pump, generator: numpy.random.Generator) -> tuple[str, str]:
    """What its two sensors tell; nothing, when they are silent."""
    vibration, temperature = generator.normal(pump.vibration, 0.2), generator.normal(pump.temperature, 1.0)
    silent = generator.random(2) < SILENT
    return ("" if silent[0] else f"{vibration:.2f}", "" if silent[1] else f"{temperature:.1f}")


if __name__ == "__main__":
    write_weights(HERE / WEIGHTS)
    write_data(HERE / LANDING)
    print(f"The weights are in {WEIGHTS}, the data in {LANDING}, both below {HERE}.")
