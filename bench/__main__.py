"""`python -m bench [--quick] [--results FILE] [WHAT ...]`: measures, shows a table, writes bench/results.json."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path

from bench.figures import RESULTS, Row, save, table

MEASUREMENTS = {
    "cold_start": "Cold start",
    "durable_work": "Durable operations of a landed folder",
    "usage": "Storage requests of a landing, and of an idle day",
    "event_cost": "Processor time of an event",
    "growth": "How the app's own work grows",
    "memory": "The memory that a long list takes",
    "latency": "From the last file to _SUCCESS",
    "storage": "The local storage",
    "host": "The local Functions host",
    "azureml": "The local Azure ML",
}
"""Modules with a `measure`, and their titles."""


def main(arguments: list[str]) -> None:
    """Measure one after the other, and show each when it is there: together they take minutes."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", nargs="*", metavar="WHAT", help=f"default: all of {', '.join(MEASUREMENTS)}")
    parser.add_argument("--quick", action="store_true", help="smaller numbers, to check that it works")
    parser.add_argument("--results", type=Path, default=RESULTS, help="default: bench/results.json")
    args = parser.parse_args(arguments)
    if unknown := set(args.what) - set(MEASUREMENTS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; use {', '.join(MEASUREMENTS)}")
    began, figures = time.monotonic(), {}
    for name in args.what or MEASUREMENTS:
        figures[name] = _measure(name, quick=args.quick)
        print(table(MEASUREMENTS[name], figures[name]), flush=True)
    seconds = time.monotonic() - began
    save(figures, quick=args.quick, seconds=seconds, path=args.results)
    print(f"{seconds:.0f} s; written to {args.results}")


def _measure(name: str, *, quick: bool) -> list[Row]:
    # Imported when its turn comes: one measurement's imports are not to weigh on another's.
    rows: list[Row] = importlib.import_module(f"bench.{name}").measure(quick=quick)
    return rows


if __name__ == "__main__":
    main(sys.argv[1:])
