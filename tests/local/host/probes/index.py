"""Indexes the apps below a folder and prints what came of each: `python index.py oracle|host FOLDER`.

A process of its own, because indexing imports an app and changes the working directory.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

Indexed = dict[str, list[list[Any]]]


def oracle(app: Path) -> Indexed:
    """What the official worker library makes of an app."""
    import azure_functions_runtime.handle_event as worker
    from azure_functions_runtime.bindings.meta import load_binding_registry
    from azure_functions_runtime.functions import Registry

    class BindingInfo(SimpleNamespace):
        """Stands for the protobuf message; azure.functions numbers directions 0 (in) and 1 (out)."""

        undefined, out, inout = 0, 1, 2

    def message(**fields: Any) -> SimpleNamespace:
        return SimpleNamespace(**fields)

    worker.protos = SimpleNamespace(BindingInfo=BindingInfo, RpcFunctionMetadata=message, RpcRetryOptions=message)
    worker._functions = Registry()
    load_binding_registry()
    sys.path.insert(0, str(app))
    os.chdir(app)
    worker.load_function_metadata(str(app), "test")
    return {
        f.name: sorted([b.type, name, int(b.direction)] for name, b in f.bindings.items())
        for f in worker._metadata_result or ()
    }


def host(app: Path) -> Indexed:
    """What this host makes of it."""
    from local.host.worker.loading import load

    directions = {"IN": 0, "OUT": 1, "0": 0, "1": 1}
    return {
        f.name: sorted([b["type"], b["name"], directions[str(b["direction"]).split(".")[-1]]] for b in f.bindings)
        for f in (callee.function for callee in load(app))
    }


def attempt(index: Callable[[Path], Indexed], app: Path) -> dict[str, Any]:
    sys.modules.pop("function_app", None)
    importlib.invalidate_caches()
    before = list(sys.path)
    try:
        return {"functions": index(app)}
    except Exception as error:
        return {"refused": str(error), "kind": type(error).__name__}
    finally:
        sys.path[:] = before


if __name__ == "__main__":
    chosen = {"oracle": oracle, "host": host}[sys.argv[1]]
    found = {app.name: attempt(chosen, app) for app in sorted(Path(sys.argv[2]).iterdir())}
    sys.stdout.write(json.dumps(found))
