"""Binding expressions: `{name}` and `%SETTING%` in the paths and queue names of output bindings. Pure.

Source: Azure docs, functions-bindings-expressions-patterns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from local.host.settings import resolve

_DEFAULT_TIME = "yyyy-MM-ddTHH-mm-ssZ"
_TIME_PARTS = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}


class Unresolved(Exception):
    """A binding expression named something that the trigger does not bring."""


def expand(template: str, data: Mapping[str, Any], environment: Mapping[str, str], *, now: datetime, guid: str) -> str:
    """`template` with its expressions replaced from the trigger's `data`. Raises Unresolved, SettingsError."""

    def value(match: re.Match[str]) -> str:
        name, _, form = match[1].partition(":")
        if name.lower() in ("rand-guid", "sys.randguid"):
            return guid
        if name.lower() in ("datetime", "sys.utcnow"):
            return now.strftime(_strftime(form or _DEFAULT_TIME))
        found = _look_up(data, name)
        if found is None:
            raise Unresolved(f"Unable to resolve value for binding parameter '{name}'.")
        return found if isinstance(found, str) else json.dumps(found)

    return re.sub(r"\{([^{}]+)\}", value, resolve(template, environment))


def binding_data(*sources: Mapping[str, Any] | str | bytes) -> dict[str, Any]:
    """One mapping from several; text counts if it is a JSON object. The first source that has a name wins."""
    merged: dict[str, Any] = {}
    for source in reversed(sources):
        merged |= source if isinstance(source, Mapping) else _object(source)
    return merged


def _object(text: str | bytes) -> dict[str, Any]:
    try:
        value = json.loads(text) if text else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _look_up(data: Any, path: str) -> Any:
    """Names are compared without case; dots lead into objects."""
    for part in path.split("."):
        if not isinstance(data, Mapping):
            return None
        data = next((v for k, v in data.items() if str(k).lower() == part.lower()), None)
    return data


def _strftime(form: str) -> str:
    return re.sub("|".join(_TIME_PARTS), lambda match: _TIME_PARTS[match[0]], form)
