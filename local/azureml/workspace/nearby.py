"""What a deployment names as an asset, such as `azureml:NAME@latest`, and the folders around its file have.

In Azure these are registered before a deployment is created. Microsoft's own examples (azureml-examples,
cli/endpoints/batch) have the files beside the deployment, and their scripts register them from there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local.azureml.workspace import yaml_text

MOST_LOOKED_AT, LOOKED_AT = 1000, 64 * 1024
"""Files, and bytes of each, that are looked through for a component."""
_COMPONENTS = ("pipeline", "command")


@dataclass(frozen=True, slots=True)
class Nearby:
    """The folders in which assets are looked for: the deployment's, then the endpoint's, then the one around it."""

    own: tuple[Path, ...] = ()
    around: Path | None = None

    @classmethod
    def of(cls, deployment: Path, endpoint: Path) -> Nearby:
        return cls(tuple(dict.fromkeys((deployment, endpoint))), endpoint.parent)

    def model(self, name: str) -> Path | None:
        """`models/NAME`, or the folder `model` of the deployment or the endpoint."""
        if name.strip(".") == "":
            return None
        places = [folder / part for folder in self.own for part in (f"models/{name}", "model")]
        places += [self.around / "models" / name] if self.around else []
        return next((place.resolve() for place in places if place.exists()), None)

    def component_at(self, resource: str) -> Path | None:
        """The YAML file of the component `components/<name>/versions|labels/<version>`; a label means any version."""
        _, name, collection, version = resource.split("/")
        is_any = collection.lower() == "labels"
        for folder in self.own:
            for path in sorted(folder.rglob("*.y*ml"))[:MOST_LOOKED_AT]:
                raw = _named(path, name)
                if raw.get("type", "command") in _COMPONENTS and (is_any or version == str(raw.get("version") or 1)):
                    return path.resolve()
        return None


def _named(path: Path, name: str) -> dict[str, Any]:
    """The content of a file that has this name and is a component by what it has; else nothing."""
    try:
        with path.open("rb") as file:
            text = file.read(LOOKED_AT).decode()
        if re.search(rf"^name:\s*['\"]?{re.escape(name)}['\"]?\s*$", text, re.MULTILINE) is None:
            return {"type": None}
        raw = yaml_text.load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {"type": None}
    if not isinstance(raw, dict) or raw.get("name") != name or not ("jobs" in raw or "command" in raw):
        return {"type": None}
    # A job has the same members, and another schema.
    return raw if "component" in str(raw.get("$schema", "component")).lower() else {"type": None}
