"""The Python that a deployment's script runs in, where it asks for one of its own.

Environments (images, conda files) are not built here. `properties: {local.python: PATH}` names a Python, or the folder
of a virtual environment, that has the packages; so deployments with packages that conflict are served side by side.
Azure keeps such a property and does nothing with it.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from local.azureml.workspace.fields import Fields

PROPERTY = "local.python"
OLDEST = (3, 11)
"""Of what runs the script beside it."""
BUILT = "with what pip has installed of its conda file"
_PROGRAMS = ("bin/python", "bin/python3")
_LONGEST = 20.0
"""Seconds that a Python may take to say its version."""


class NoPython(Exception):
    """What `local.python` names is no Python that can be used; the message says what it is."""


def find(given: str, folder: Path) -> str:
    """The program, by its path or that of its virtual environment; a relative one starts at `folder`.

    Symbolic links stay: by them a virtual environment knows that it is one. Raises NoPython.
    """
    named = folder.absolute() / Path(given).expanduser()
    if not named.exists():
        raise NoPython(f"names {given!r}, which does not exist in {folder}")
    if named.is_dir():
        found = next((named / program for program in _PROGRAMS if os.access(named / program, os.X_OK)), None)
        if found is None:
            raise NoPython(f"names {given!r}, a folder without bin/python, so it is no virtual environment")
        named = found
    told = version_of(str(named))
    if told is None:
        raise NoPython(f"names {given!r}, which is no Python: it does not say its version")
    if tuple(map(int, told.split(".")[:2])) < OLDEST:
        raise NoPython(f"names {given!r}, which is Python {told}; it has to be {OLDEST[0]}.{OLDEST[1]} or later")
    return str(named)


def chosen(fields: Fields, folder: Path) -> str | None:
    """What the properties of a deployment choose; None: nothing. What cannot be used is a problem of the fields."""
    properties = fields.any("properties")
    given = properties.get(PROPERTY) if isinstance(properties, dict) else None
    if given is None:
        return None
    try:
        return find(str(given), folder)
    except NoPython as error:
        fields.problem(f"properties.{PROPERTY}", str(error))
        return None


@lru_cache(maxsize=64)
def version_of(program: str) -> str | None:
    """What version a program says that it is; None if it is no Python."""
    asked = [program, "-I", "-c", "import platform; print('Python', platform.python_version())"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=_LONGEST, check=False)
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    word, _, version = done.stdout.strip().partition(" ")
    return version if word == "Python" and version[:1].isdigit() else None


def variables(python: str | None, environment: Mapping[str, str]) -> dict[str, str]:
    """An environment in which programs find that Python, as in a shell that has activated it."""
    if python is None:
        return dict(environment)
    kept = {name: value for name, value in environment.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    kept.pop("VIRTUAL_ENV", None)
    programs = Path(python).parent
    if (programs.parent / "pyvenv.cfg").is_file():
        kept["VIRTUAL_ENV"] = str(programs.parent)
    return {**kept, "PATH": f"{programs}{os.pathsep}{environment.get('PATH', os.defpath)}"}


def told(environment: str | None, python: str | None, built: str | None = None) -> str:
    """What runs a script, for its job's log. `environment`: the path of the one that was asked for, as a resource;
    `built`: the Python that was made of it."""
    asked = f"The deployment asks for {environment or 'no environment'}"
    if python is not None:
        return f"{asked}; here its script runs in {python} (Python {version_of(python)}), as {PROPERTY} says."
    if built is not None:
        return f"{asked}; here its script runs in {built} (Python {version_of(built)}), {BUILT}."
    return (
        f"{asked}; here its script runs in {sys.executable} (Python {platform.python_version()}), with the packages "
        f"that are there. The property {PROPERTY} names another one."
    )


def told_of_step(step: str, environment: str | None, built: str | None) -> str:
    """What runs a step of a pipeline, for its log. `environment`: the one that its component asks for, in words;
    `built`: the Python that was made of it."""
    python, why = (built, BUILT) if built else (sys.executable, "with the packages that are there")
    version = version_of(python) or platform.python_version()
    asked = f"The step {step} asks for {environment or 'no environment'}"
    return f"{asked}; here python in its command is {python} (Python {version}), {why}."
