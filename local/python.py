"""The Python that people are told to use: the one that runs this, as they would call it from where they are."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path


def own_python() -> str:
    """As a word of a command line: `.venv/bin/python`, or `python` where that is the same one."""
    found = shutil.which("python")
    if found is not None and os.path.abspath(found) == os.path.abspath(sys.executable):  # noqa: PTH100  # links count
        return "python"
    here = Path.cwd()
    path = Path(sys.executable)
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))
