"""What a cold start of the app costs: importing and indexing it in a fresh process, with its bytecode in place.

Compared with an app of one function, and with an app that also imports azure-ai-ml, which Landfall does without.
Time begins after the interpreter has started and ends when the worker would report the functions; memory is the peak of
the whole process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from math import nan
from pathlib import Path
from statistics import median

from bench.figures import Row

CHECKOUT = Path(__file__).parent.parent
PROBE = """
import json, time
began = time.perf_counter()
import function_app
functions = function_app.app.get_functions()
seconds = time.perf_counter() - began
# Not getrusage: that peak is inherited from the process that forked this one.
with open("/proc/self/status") as status:
    kib = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
print(json.dumps({"seconds": seconds, "kib": kib, "functions": len(functions)}))
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
    """One cold start."""

    seconds: float
    kib: int
    functions: int


def start(app: Path) -> Start:
    """Import and index the app in that folder."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE], cwd=app, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True,
        check=True, timeout=120,
    )  # fmt: skip
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
        for _ in range(repeats):
            for name, app in apps.items():
                found[name].append(start(app))
    return list(rows(found))


def rows(found: Mapping[str, list[Start]]) -> Iterable[Row]:
    """The figures of repeated starts of the apps `landfall`, `alone` and, if it could be had, `azure-ai-ml`."""
    own, n = found["landfall"], len(found["landfall"])
    for quantity, unit, of in QUANTITIES:
        value, alone = _median(own, of), _median(found["alone"], of)
        yield Row(name=f"{quantity} of a cold start", value=value, unit=unit, ratio=value / alone, against=ALONE, n=n,
                  aim=AIM)  # fmt: skip
    for quantity, unit, of in QUANTITIES:
        name, value = f"{quantity}, had it imported azure-ai-ml", nan
        if "azure-ai-ml" not in found:
            yield Row(name=name, value=nan, unit=unit, ratio=nan, against="azure-ai-ml is not installed", n=0)
            continue
        value = _median(found["azure-ai-ml"], of)
        yield Row(name=name, value=value, unit=unit, ratio=value / _median(own, of), against="Landfall's", n=n)


QUANTITIES: tuple[tuple[str, str, Callable[[Start], float]], ...] = (
    ("time", "ms", lambda one: 1000 * one.seconds),
    ("peak memory", "MiB", lambda one: one.kib / 1024),
)


def _median(starts: Iterable[Start], of: Callable[[Start], float]) -> float:
    return median(map(of, starts))


def _app(folder: str, name: str, code: str) -> Path:
    path = Path(folder, name)
    path.mkdir()
    (path / "function_app.py").write_text(code, "utf-8")
    return path
