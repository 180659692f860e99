"""What an app is configured with: local.settings.json, host.json and the environment, which wins."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

OVERRIDE = "AzureFunctionsJobHost__"
"""Environment variables that replace values of host.json: AzureFunctionsJobHost__extensions__http__routePrefix."""

_TIMEOUT = re.compile(r"(?:(?P<days>\d+)\.)?(?P<hours>\d{1,2}):(?P<minutes>\d{2}):(?P<seconds>\d{2})")

_COMMA = re.compile(r'"(?:\\.|[^"\\])*"|,(\s*[}\]])', re.DOTALL)
_COMMENT = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)


class SettingsError(Exception):
    """A settings file or a setting was not what it has to be; the message says which and why."""


@dataclass(frozen=True, slots=True)
class HostJson:
    """host.json, read by path."""

    values: Mapping[str, Any]

    def get(self, *path: str, default: Any = None) -> Any:
        """The value at `path`; keys are compared without case, as .NET's configuration does."""
        found: Any = self.values
        for key in path:
            if not isinstance(found, Mapping):
                return default
            found = next((v for k, v in found.items() if k.lower() == key.lower()), None)
        return default if found is None else found


def function_timeout(host: HostJson) -> timedelta | None:
    """How long a function may run; None: for ever. Raises SettingsError.

    Source: Azure docs, functions-host-json (functionTimeout); 30 minutes where there is no setting, as outside of the
    Consumption plan.
    """
    text = str(host.get("functionTimeout", default="00:30:00")).strip()
    if text == "-1":
        return None
    found = _TIMEOUT.fullmatch(text)
    span = timedelta(**{unit: int(value or 0) for unit, value in found.groupdict().items()}) if found else timedelta()
    if span < timedelta(seconds=1):
        raise SettingsError(f"functionTimeout in host.json must be hh:mm:ss, at least one second, or -1; got '{text}'.")
    return span


@dataclass(frozen=True, slots=True)
class LocalHost:
    """`Host` of local.settings.json. `port`: None, if it names none; `cors`: origins that may call the app, `*` any."""

    port: int | None = None
    cors: tuple[str, ...] = ()


def load_local_settings(app: Path, environment: MutableMapping[str, str]) -> LocalHost:
    """Put `Values` of local.settings.json in the environment, where they are not set already; what it says of the host.

    Source: Azure docs, functions-develop-local (local settings file); the environment's name is what `func start` sets.
    """
    path = app / "local.settings.json"
    document = _read(path)
    if document.get("IsEncrypted") is True:
        raise SettingsError(f"{path} is encrypted, which only func can read; run `func settings decrypt` in {app}.")
    values, host = document.get("Values", {}), document.get("Host", {})
    if not isinstance(values, dict) or not isinstance(host, dict):
        raise SettingsError(f"'Values' and 'Host' in {path} must be objects.")
    for name, value in values.items():
        environment.setdefault(name, str(value))
    environment.setdefault("AZURE_FUNCTIONS_ENVIRONMENT", "Development")
    port = host.get("LocalHttpPort")
    if port is not None and not (isinstance(port, int) and 0 < port < 65536):
        raise SettingsError(f"Host.LocalHttpPort in {path} is {port!r}; it must be a port.")
    origins = str(host.get("CORS") or "").split(",")
    return LocalHost(port, tuple(origin.strip().rstrip("/") for origin in origins if origin.strip()))


def load_host_json(app: Path, environment: Mapping[str, str]) -> HostJson:
    """host.json with the overrides of the environment. An app without the file is not an app."""
    path = app / "host.json"
    if not path.exists():
        raise SettingsError(f"There is no host.json in {app}: this is not a function app.")
    values = _read(path)
    if values.get("version") != "2.0":
        raise SettingsError(f'{path} must say "version": "2.0".')
    for name, value in environment.items():
        if name.startswith(OVERRIDE):
            _set(values, name.removeprefix(OVERRIDE).split("__"), value)
    return HostJson(values)


def resolve(text: str, environment: Mapping[str, str]) -> str:
    """`text` with every %NAME% replaced by that setting. Raises SettingsError for one that is not there."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in environment:
            raise SettingsError(f"'%{match[1]}%' does not resolve to a value: no app setting has that name.")
        return environment[match[1]]

    return re.sub(r"%([^%]+)%", value, text)


def disabled(function: str, environment: Mapping[str, str]) -> bool:
    """Whether AzureWebJobs.<function>.Disabled (or its Linux spelling with underscores) is set to true."""
    names = {f"azurewebjobs.{function}.disabled".lower(), f"azurewebjobs_{function}_disabled".lower()}
    return any(v.strip().lower() in ("true", "1") for k, v in environment.items() if k.lower() in names)


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        values = json.loads(_as_json(path.read_text("utf-8-sig")))
    except ValueError as error:
        raise SettingsError(f"{path} is not valid JSON: {error}.") from error
    if not isinstance(values, dict):
        raise SettingsError(f"{path} must hold a JSON object.")
    return values


def _as_json(text: str) -> str:
    """The host takes comments in JSON, and a comma after the last member; what looks like them in a string is none."""
    plain = _COMMENT.sub(lambda found: found[0] if found[0].startswith('"') else " ", text)
    return _COMMA.sub(lambda found: found[0] if found[0].startswith('"') else found[1], plain)


def _set(values: dict[str, Any], path: list[str], value: str) -> None:
    for key in path[:-1]:
        known = next((k for k in values if k.lower() == key.lower()), key)
        if not isinstance(values.get(known), dict):
            values[known] = {}
        values = values[known]
    values[next((k for k in values if k.lower() == path[-1].lower()), path[-1])] = value
