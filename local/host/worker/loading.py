"""Imports an app and indexes it, as the Python worker does.

Source: the worker library azure-functions-runtime 1.3.0, loader.py and utils/validators.py.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from local.host.settings import disabled
from local.host.worker.calling import Callee
from local.host.worker.indexing import accept
from local.host.worker.registry import Registry

_SCRIPT = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_\-]*\.py")


class NoApp(Exception):
    """A folder holds no app of the v2 model; the message says what it holds."""


def script_of(app: Path, environment: Mapping[str, str]) -> str:
    """The script file in the folder of an app. Without this check Python would import one from wherever it finds any.
    Raises NoApp, ValueError."""
    script = environment.get("PYTHON_SCRIPT_FILE_NAME", "function_app.py")
    if not _SCRIPT.fullmatch(script):
        raise ValueError(f"Invalid file name: {script}")
    if (app / script).is_file():
        return script
    if any(app.glob("*/function.json")):
        raise NoApp(
            f"{app} is an app of the v1 model (a function.json for each function); this host runs the v2 model, with "
            f"decorators in {script}."
        )
    raise NoApp(f"{app} has no {script}; --app takes the folder of a function app of the v2 model.")


def load(app: Path) -> list[Callee]:
    """Import the script file of `app` and take its functions.

    Changes the working directory and sys.path, because the app may rely on both. Raises what the import raises,
    NoApp, ValueError, FunctionLoadError, UnsupportedBinding, BadRetry, BadWarmUp.
    """
    script = script_of(app, os.environ)
    os.chdir(app)
    sys.path.insert(0, str(app))
    register = find_register(importlib.import_module(Path(script).stem), script)
    # Only once: the app remembers the names, and a second call takes every one of them for a duplicate.
    declared = register.get_functions()
    callees = [accept(f, enabled=not disabled(f.get_function_name(), os.environ)) for f in declared]
    Registry(callee.function for callee in callees)  # refuses names that Azure would not take
    return callees


def find_register(module: ModuleType, script: str) -> Any:
    """The one top-level function app of a module. To the worker one object under two names is two."""
    from azure.functions.decorators.function_app import FunctionRegister

    found = [value for value in vars(module).values() if isinstance(value, FunctionRegister)]
    if len(found) > 1:
        kind = type(found[0]).__name__
        raise ValueError(f"More than one {kind} or other top level function app instances are defined.")
    if not found:
        raise ValueError(f"Could not find top level function app instances in {script}.")
    return found[0]
