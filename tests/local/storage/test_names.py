"""Blobs are found by an index of their names, and the same ones as without it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from testbed.examples import ROOT


@pytest.mark.parametrize("seed", [1, 2])
def test_an_index_of_names_finds_what_azurite_would_and_looks_at_no_more(seed: int) -> None:
    script = Path(__file__).with_name("names.cjs")
    environment = {**os.environ, "NODE_PATH": str(ROOT / "node_modules")}

    done = subprocess.run(
        ["node", str(script), str(seed)], env=environment, capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 0, done.stderr
