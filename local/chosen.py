"""Which answers to the open facts a state directory was started with. Kept, so that a restart plays the same Azure."""

from __future__ import annotations

import json
from pathlib import Path

from local.azure import DEFAULT, PROFILES, Azure


def load(state: Path) -> Azure:
    """What `keep` wrote; the default profile for whatever it did not write. Raises UnknownAnswer."""
    path = state / "azure.json"
    return PROFILES[DEFAULT].with_answers(json.loads(path.read_text("utf-8")) if path.exists() else {})


def keep(state: Path, azure: Azure) -> None:
    """Remember the answers for every part that starts on this state directory from now on."""
    path = state / "azure.json"
    # Whoever is killed while writing leaves the old file, not half a new one.
    partial = path.with_suffix(".new")
    partial.write_text(json.dumps(azure.answers(), indent=1), "utf-8")
    partial.replace(path)
