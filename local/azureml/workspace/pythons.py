"""The Python that a deployment's script runs in, where it asks for one of its own.

Environments (images, conda files) are not built here. `properties: {local.python: PATH}` names a Python, or the folder
of a virtual environment, that has the packages; so deployments with packages that conflict are served side by side.
Azure keeps such a property and does nothing with it.
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

PROPERTY = "local.python"
_PROGRAMS = ("bin/python", "bin/python3")


class NoPython(Exception):
    """What `local.python` names is no Python; the message says what it is."""


def find(given: str, folder: Path) -> str:
    """The program, by its path or that of its virtual environment; a relative one starts at `folder`.

    Symbolic links stay: by them a virtual environment knows that it is one. Raises NoPython.
    """
    named = folder.absolute() / Path(given).expanduser()
    if not named.exists():
        raise NoPython(f"names {given!r}, which does not exist in {folder}")
    if named.is_file():
        if not os.access(named, os.X_OK):
            raise NoPython(f"names {given!r}, which cannot be executed")
        return str(named)
    for program in _PROGRAMS:
        if os.access(named / program, os.X_OK):
            return str(named / program)
    raise NoPython(f"names {given!r}, a folder without bin/python, so it is no virtual environment")


def told(environment: str | None, python: str | None) -> str:
    """What runs a script, for its job's log. `environment`: the path of the one that was asked for, as a resource."""
    asked = f"The deployment asks for {environment}" if environment else "The deployment asks for no environment"
    if python is not None:
        return f"{asked}; here its script runs in {python}, because its property {PROPERTY} says so."
    return (
        f"{asked}; here its script runs in {sys.executable} (Python {platform.python_version()}), with the packages "
        f"that are there. The property {PROPERTY} names another one."
    )
