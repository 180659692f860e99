"""The Python that the worker runs under: the host's own, or that of `--python`, with the packages that are there.

The worker needs of it: Python 3.11 or later, and azure-functions. What else the app imports, the app needs.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from local.host.settings import SettingsError

OLDEST = (3, 11)
PATIENCE = 30.0
_QUESTION = (
    "import json, sys, importlib.util as i\n"
    "try: found = i.find_spec('azure.functions') is not None\n"
    "except ImportError: found = False\n"
    "print(json.dumps([sys.version_info[:2], found]))"
)


def interpreter(given: Path) -> str:
    """The program of a Python, or of a virtual environment's folder. Raises SettingsError if the worker cannot run
    under it."""
    # Not resolved: the link is what makes it the Python of its environment.
    path = (given / "bin" / "python" if given.is_dir() else given).absolute()
    try:
        # In isolated mode: what happens to be in this folder or in PYTHONPATH is not what the environment has.
        asked = subprocess.run(
            [str(path), "-I", "-c", _QUESTION], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        (major, minor), found = json.loads(asked.stdout)
    except (OSError, ValueError, TypeError, subprocess.TimeoutExpired) as error:
        what = "a virtual environment" if given.is_dir() else "a Python"
        raise SettingsError(
            f"--python {given} is not {what}; it takes the program of a Python, or the folder of a virtual environment."
        ) from error
    if (major, minor) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise SettingsError(f"--python {given} is Python {major}.{minor}; the worker needs {oldest} or later.")
    if not found:
        raise SettingsError(
            f"--python {given} has no azure-functions, which the worker needs; install the app's requirements there: "
            f"{path} -m pip install -r requirements.txt"
        )
    return str(path)
