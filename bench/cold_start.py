"""What a cold start of the app costs: importing and indexing it in a fresh process, with its bytecode in place.

Compared with an app of one function, and with an app that also imports azure-ai-ml, which Landfall does without.
Time begins after the interpreter has started and ends when the worker would report the functions; memory is the peak of
the whole process. Ratios are the median of the turns' own ratios: on a machine that does other things too, the medians
of two apps' times have been seen to differ by more than the apps do. Processor time is the steadiest.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from math import nan
from pathlib import Path
from statistics import median

from bench.figures import Row

CHECKOUT = Path(__file__).parent.parent
PROBE = """
import json, time
began, busy = time.perf_counter(), time.process_time()
import function_app
functions = function_app.app.get_functions()
seconds, busy = time.perf_counter() - began, time.process_time() - busy
# Not getrusage: that peak is inherited from the process that forked this one.
with open("/proc/self/status") as status:
    kib = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
print(json.dumps({"seconds": seconds, "busy": busy, "kib": kib, "functions": len(functions)}))
"""
ONE_FUNCTION = """
import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)

@app.activity_trigger(input_name="value")
def same(value):
    return value
"""
WITH_AZURE_AI_ML = "from azure.ai.ml import MLClient\n" + ONE_FUNCTION
ALONE = "azure.functions and azure.durable_functions alone"
AIM = 1.5


@dataclass(frozen=True, slots=True)
class Start:
    """One cold start; `busy`: seconds of processor time."""

    seconds: float
    busy: float
    kib: int
    functions: int


def start(app: Path) -> Start:
    """Import and index the app in that folder."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        cwd=app,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return Start(**json.loads(done.stdout.splitlines()[-1]))


def measure(*, quick: bool = False) -> list[Row]:
    """Time and memory of the app against the two others, in turns."""
    repeats = 2 if quick else 11
    with tempfile.TemporaryDirectory() as folder:
        apps = {"alone": _app(folder, "alone", ONE_FUNCTION), "landfall": CHECKOUT}
        if find_spec("azure.ai.ml"):
            apps["azure-ai-ml"] = _app(folder, "azure-ai-ml", WITH_AZURE_AI_ML)
        for app in apps.values():
            start(app)  # writes the bytecode
        found: dict[str, list[Start]] = {name: [] for name in apps}
        for turn in range(repeats):
            for name, app in list(apps.items())[:: 1 if turn % 2 else -1]:
                found[name].append(start(app))
    return list(rows(found))


Quantity = Callable[[Start], float]

QUANTITIES: tuple[tuple[str, str, Quantity], ...] = (
    ("time", "ms", lambda one: 1000 * one.seconds),
    ("processor time", "ms", lambda one: 1000 * one.busy),
    ("peak memory", "MiB", lambda one: one.kib / 1024),
)


def rows(found: Mapping[str, Sequence[Start]]) -> Iterable[Row]:
    """The figures of repeated starts of the apps `landfall`, `alone` and, if it could be had, `azure-ai-ml`."""
    own, n = found["landfall"], len(found["landfall"])
    for quantity, unit, of in QUANTITIES:
        yield Row(
            name=f"{quantity} of a cold start",
            value=_median(own, of),
            unit=unit,
            ratio=_ratio(own, found["alone"], of),
            against=ALONE,
            n=n,
            aim=AIM,
        )
    heavy = found.get("azure-ai-ml")
    for quantity, unit, of in QUANTITIES:
        name = f"{quantity}, had it imported azure-ai-ml"
        if heavy is None:
            yield Row(name=name, value=nan, unit=unit, ratio=nan, against="azure-ai-ml is not installed", n=0)
        else:
            yield Row(
                name=name, value=_median(heavy, of), unit=unit, ratio=_ratio(heavy, own, of), against="Landfall's", n=n
            )


def _median(starts: Iterable[Start], of: Quantity) -> float:
    return median(map(of, starts))


def _ratio(starts: Iterable[Start], against: Iterable[Start], of: Quantity) -> float:
    return median(of(one) / of(other) for one, other in zip(starts, against, strict=True))


def _app(folder: str, name: str, code: str) -> Path:
    path = Path(folder, name)
    path.mkdir()
    (path / "function_app.py").write_text(code, "utf-8")
    return path
