"""Versioned assets: models, code, environments, data and components.

Source: Microsoft.MachineLearningServices ARM specification; what azure-ai-ml asks of containers and versions.
"""

from __future__ import annotations

from typing import Any

from local.azureml.workspace.registry import Registry, Resource

KINDS = ("models", "codes", "environments", "data", "components")


def find(registry: Registry, path: str) -> Resource | None:
    """The asset of `<kind>/<name>/versions/<version>`, or of a label in its place; `latest` is the only label."""
    collection, _, label = path.rpartition("/labels/")
    if not collection:
        return registry.get(path)
    return latest(registry, collection) if label.lower() == "latest" else None


def latest(registry: Registry, container: str) -> Resource | None:
    """The version of `<kind>/<name>` that was created last, which is what the label `latest` means."""
    versions = registry.children(f"{container}/versions")
    return versions[-1] if versions else None


def next_version(registry: Registry, container: str) -> str:
    """One more than the largest number among the versions."""
    numbers = [int(one.name) for one in registry.children(f"{container}/versions") if one.name.isdecimal()]
    return str(max(numbers, default=0) + 1)


def names(registry: Registry, kind: str) -> list[str]:
    """The names of all assets of a kind, in the order of their first versions."""
    paths = (resource.path.split("/") for resource in registry.below(kind))
    return list(dict.fromkeys(parts[1] for parts in paths if len(parts) == 4))


def container_properties(registry: Registry, container: str) -> dict[str, Any] | None:
    """What the asset `<kind>/<name>` is apart from its versions; None when it has none."""
    last = latest(registry, container)
    if last is None:
        return None
    own = registry.get(container)
    stored = dict(own.properties) if own else {}
    properties = {
        "description": None,
        "tags": {},
        "properties": {},
        "isArchived": False,
        **stored,
        "latestVersion": last.name,
        "nextVersion": next_version(registry, container),
    }
    if container.lower().startswith("data/"):
        properties["dataType"] = last.properties.get("dataType")
    return properties
