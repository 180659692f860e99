"""What can be chosen about the storage accounts, kept with the state directory."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from local.addresses import ACCOUNTS, LAKEHOUSE_ACCOUNT

PUT_BLOB_FROM_URL = "PutBlobFromUrl"


class SettingsRefused(ValueError):
    """An account or a setting that does not exist was named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`put_blob_from_url_api` is what events call Put Blob From URL: Azure's name for it is not documented."""

    hierarchical: tuple[str, ...] = (LAKEHOUSE_ACCOUNT,)
    firewalls: tuple[str, ...] = ()
    put_blob_from_url_api: str = PUT_BLOB_FROM_URL

    def changed(self, changes: object) -> Settings:
        """With `changes` (of a PUT /_settings) applied. Raises SettingsRefused.

        A hierarchy is not among them: an account gets one when the part starts.
        """
        changeable = {"firewalls", "put_blob_from_url_api"}
        if not isinstance(changes, dict) or not changes.keys() <= changeable:
            raise SettingsRefused(f"Settings are an object with {' or '.join(sorted(changeable))}; got {changes!r}.")
        firewalls = changes.get("firewalls", self.firewalls)
        api = changes.get("put_blob_from_url_api", self.put_blob_from_url_api)
        if not isinstance(firewalls, (list, tuple)) or not isinstance(api, str) or not api:
            raise SettingsRefused("firewalls is an array of accounts, and put_blob_from_url_api a name.")
        return replace(self, firewalls=known(firewalls), put_blob_from_url_api=api)

    def described(self) -> dict[str, Any]:
        return asdict(self)


def known(accounts: Iterable[str]) -> tuple[str, ...]:
    """`accounts`, each once and in the order of all accounts. Raises SettingsRefused for one that does not exist."""
    named = list(accounts)
    unknown = [account for account in named if account not in ACCOUNTS]
    if unknown:
        raise SettingsRefused(
            f"There is no storage account {', '.join(map(repr, unknown))}; use one of {', '.join(ACCOUNTS)}."
        )
    return tuple(account for account in ACCOUNTS if account in named)


def settle(state: Path, *, hierarchical: Iterable[str] = (), firewalls: Iterable[str] | None = None) -> Settings:
    """Read the settings of this state directory, change what is said, and keep them. Raises SettingsRefused.

    The first accounts named `hierarchical` replace the default; later ones are added, because an account keeps its
    hierarchy (as in Azure, where an upgrade cannot be undone). `firewalls` None leaves them as they are.
    """
    path = _path(state)
    current = load(state)
    kept = current.hierarchical if path.exists() or not (named := known(hierarchical)) else named
    settings = replace(
        current,
        hierarchical=known((*kept, *hierarchical)),
        firewalls=current.firewalls if firewalls is None else known(firewalls),
    )
    save(state, settings)
    return settings


def load(state: Path) -> Settings:
    """What was kept last, or the defaults."""
    path = _path(state)
    if not path.exists():
        return Settings()
    body = json.loads(path.read_text("utf-8"))
    return Settings(
        hierarchical=tuple(body["hierarchical"]),
        firewalls=tuple(body["firewalls"]),
        put_blob_from_url_api=body["put_blob_from_url_api"],
    )


def save(state: Path, settings: Settings) -> None:
    path = _path(state)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".new")
    partial.write_text(json.dumps(settings.described(), indent=1), "utf-8")
    partial.replace(path)


def _path(state: Path) -> Path:
    return state / "storage" / "settings.json"
