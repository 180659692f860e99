"""What the subscription, the resource group, the workspace and the storage accounts are called.

The names are in every id, so a process has one set of them for all its life: that of the state directory for which
`python -m local` has started it, handed down in the environment. Records hold ids, so a state directory keeps its
names.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

VARIABLE = "LANDFALL_LOCAL_NAMES"
FILE = "workspace.json"


class NamesRefused(Exception):
    """Names that nothing can be called, or that a state directory does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names, with those that are there when nobody gives any."""

    subscription_id: str = "22222222-2222-4222-8222-222222222222"
    resource_group: str = "landfall-local"
    workspace_name: str = "local"
    landing_account: str = "devstoreaccount1"
    state_account: str = "landfallstate"
    workspace_account: str = "azuremlstore"
    lakehouse_account: str = "lakehouse"

    @property
    def accounts(self) -> tuple[str, str, str, str]:
        return self.landing_account, self.state_account, self.workspace_account, self.lakehouse_account

    def __str__(self) -> str:
        return f"{self.subscription_id}/{self.resource_group}/{self.workspace_name} with {', '.join(self.accounts)}"


OWN = Names(**json.loads(os.environ.get(VARIABLE) or "{}"))
"""Of this process."""

_ACCOUNT = (r"[a-z0-9]{3,24}", "3 to 24 lower-case letters and digits")
_RULES: Mapping[str, tuple[str, str]] = {
    "subscription_id": (r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", "a GUID"),
    # Azure takes parentheses as well.
    "resource_group": (r"[-A-Za-z0-9._]{0,89}[-A-Za-z0-9_]", "1 to 90 letters, digits, - . _, the last one no ."),
    "workspace_name": (r"[A-Za-z0-9][-A-Za-z0-9_]{2,32}", "3 to 33 letters, digits, - _, the first a letter or digit"),
    "landing_account": _ACCOUNT,
    "state_account": _ACCOUNT,
    "workspace_account": _ACCOUNT,
    "lakehouse_account": _ACCOUNT,
}
"""Source: Azure docs, resource-name-rules."""
_ID = re.compile(
    r"/subscriptions/([^/]+)/resourceGroups/([^/]+)/providers/Microsoft\.MachineLearningServices/workspaces/([^/]+)/?",
    re.IGNORECASE,
)


def parse(text: str) -> Names:
    """The names that `--workspace` gives. Raises NamesRefused.

    It is SUBSCRIPTION/GROUP/NAME, a workspace's id, or a YAML or JSON file, such as the config.json that Studio has
    for download. What it does not give has its usual name.
    """
    if Path(text).suffix.lower() in (".yml", ".yaml", ".json"):
        return _checked(_from_file(Path(text)), text)
    match = _ID.fullmatch(text)
    parts = match.groups() if match else tuple(text.split("/"))
    if len(parts) != 3:
        raise NamesRefused(
            f"--workspace {text!r} is neither SUBSCRIPTION/GROUP/NAME, nor a workspace's id, nor a file."
        )
    return _checked(dict(zip(list(_RULES)[:3], parts, strict=True)), text)


def chosen(known: Names | None, given: Names | None, state: Path) -> Names:
    """The names for a state directory, `known` if it has any. Raises NamesRefused for others than it has."""
    if known and given and known != given:
        raise NamesRefused(
            f"{state} was begun as {known}, and what is kept there goes by these names; it cannot become {given}. "
            "Use another --state, or leave --workspace out."
        )
    return given or known or Names()


def load(state: Path) -> Names | None:
    """The names of a state directory; None: it was not started yet."""
    path = state / FILE
    if path.exists():
        return Names(**json.loads(path.read_text("utf-8")))
    return Names() if (state / "addresses.json").exists() else None


def keep(state: Path) -> None:
    """Record the names of this process for the state directory that it has started on."""
    path = state / FILE
    # Whoever is killed while writing leaves the old file, not half a new one.
    partial = path.with_suffix(".new")
    partial.write_text(json.dumps(asdict(OWN), indent=1), "utf-8")
    partial.replace(path)


def environment(names: Names) -> dict[str, str]:
    """What a process has to find in its environment to have these names."""
    return {VARIABLE: json.dumps(asdict(names))}


def _from_file(path: Path) -> dict[str, str]:
    import yaml  # slow to import, and every part imports this module

    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise NamesRefused(f"--workspace {path} cannot be read: {error}") from error
    if not isinstance(raw, dict) or not all(isinstance(value, str) for value in raw.values()):
        raise NamesRefused(f"--workspace {path} must be a mapping of names, with any of {', '.join(_RULES)}.")
    return raw


def _checked(given: Mapping[str, str], where: str) -> Names:
    if unknown := [str(key) for key in given if key not in _RULES]:
        raise NamesRefused(f"--workspace {where}: {', '.join(unknown)} is none of {', '.join(_RULES)}.")
    for key, value in given.items():
        pattern, rule = _RULES[key]
        if re.fullmatch(pattern, value) is None:
            raise NamesRefused(f"--workspace {where}: {key} must be {rule}, not {value!r}.")
    names = replace(Names(), **given)
    if len(set(names.accounts)) != len(names.accounts):
        raise NamesRefused(f"--workspace {where}: the accounts need four names, not {', '.join(names.accounts)}.")
    return names
