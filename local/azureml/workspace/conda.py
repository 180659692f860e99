"""Conda files: where deployments and components have them, and what of them pip can install. Only that is built here.

Source: conda docs, "Creating an environment file manually": dependencies, with a mapping `pip` among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from local.azureml.workspace import yaml_text


class NoCondaFile(ValueError):
    """A text is not the content of a conda file; the message says what it is."""


def content(given: object, folder: Path) -> str | None:
    """The content of a conda file that is named from `folder`, or written in place; what is not there stays a name."""
    if isinstance(given, dict):
        return yaml.safe_dump(given)
    if not isinstance(given, str):
        return None
    try:
        return (folder / given).read_text("utf-8")
    except (OSError, ValueError):
        return given


def requirements(text: str | None) -> tuple[str, ...]:
    """The lines that pip is to install. Raises NoCondaFile."""
    if not text:
        return ()
    try:
        raw = yaml_text.load(text)
    except yaml.YAMLError as error:
        raise NoCondaFile(f"it is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(raw, Mapping):
        raise NoCondaFile(f"{str(raw)[:200]!r} is neither a file that is there nor a mapping with dependencies")
    listed = _list(raw.get("dependencies"))
    pip = [_list(one["pip"]) for one in listed if isinstance(one, Mapping) and "pip" in one]
    return tuple(str(line) for lines in pip for line in lines)


def _list(raw: object) -> list[object]:
    if raw is not None and not isinstance(raw, list):
        raise NoCondaFile(f"its dependencies, and those of pip among them, must be lists, not {raw!r}")
    return raw or []
