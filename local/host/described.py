"""A function as the host's administration describes it.

Source: Azure/azure-functions-host, FunctionMetadataResponse.cs and FunctionMetadataExtensions.cs (the members, and that
members without a value are told as null).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from local.host.triggers.http import Route
from local.host.worker.registry import Function


def described(function: Function, routes: Sequence[Route], origin: str) -> dict[str, Any]:
    """As `/admin/functions` of the host at `origin` lists it."""
    script = os.environ.get("PYTHON_SCRIPT_FILE_NAME", "function_app.py")
    template = next((route.template for route in routes if route.function is function), None)
    folder = f"{origin}/admin/vfs/{function.name}"
    return {
        "name": function.name,
        "script_root_path_href": f"{folder}/",
        "script_href": f"{origin}/admin/vfs/{script}",
        "config_href": f"{folder}/function.json",
        "test_data_href": None,
        "href": f"{origin}/admin/functions/{function.name}",
        "invoke_url_template": None if template is None else f"{origin}/{template}",
        "language": "python",
        "config": {
            "name": function.name,
            "entryPoint": function.entry_point,
            "scriptFile": script,
            "language": "python",
            "bindings": [_binding(binding) for binding in function.bindings],
        },
        "files": None,
        "test_data": None,
        "isDisabled": not function.enabled,
        "isDirect": True,
        "isProxy": False,
    }


def _binding(binding: Any) -> dict[str, Any]:
    return {name: str(value).upper() if name == "direction" else value for name, value in binding.items()}
