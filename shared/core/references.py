"""How data is referred to: the notations of `az ml batch-endpoint invoke`, and what the service is sent for each.

One table. A notation that is not in it is refused.

Source: Azure docs, how-to-access-data-batch-endpoints-jobs (https, datastores, ARM ids, data assets) and
how-to-read-write-data-v2 (abfss, wasbs); azure-ai-ml's own patterns. A batch endpoint is known to take storage by its
Blob URL, also of an account with a hierarchy, so the addresses of other drivers are turned into that.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from shared.core.record import Record


class Notation(StrEnum):
    """What a reference is written as; for people."""

    URL = "https://ACCOUNT.blob.core.windows.net/CONTAINER/PATH"
    DATASTORE = "azureml://datastores/NAME/paths/PATH"
    LONG_DATASTORE = "azureml://subscriptions/…/resourcegroups/…/workspaces/…/datastores/NAME/paths/PATH"
    ARM_DATASTORE = "/subscriptions/…/datastores/NAME/paths/PATH"
    ASSET = "azureml:NAME:VERSION"
    LABELED_ASSET = "azureml:NAME@latest"
    ARM_ASSET = "/subscriptions/…/data/NAME/versions/VERSION"
    LONG_ASSET = "azureml://…/data/NAME/versions/VERSION"
    ABFSS = "abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH"
    WASBS = "wasbs://CONTAINER@ACCOUNT.blob.core.windows.net/PATH"


class Asset(Record, frozen=True):
    """A data asset by its name in the workspace, and its version or a label such as `latest`."""

    name: str
    version: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference that was understood. `sent`: what the service is sent for it; an asset by name has to be looked up
    before, and stays as it was written."""

    notation: Notation
    sent: str

    @property
    def asset(self) -> Asset | None:
        """The asset that has to be looked up; None: it can be sent as it is."""
        return asset_in(self.sent)


_SCOPE = r"subscriptions/[^/]+/resourcegroups/[^/]+/(?:providers/[^/]+/)?workspaces/[^/]+/"
_ASSET = re.compile(r"azureml:(?P<name>[A-Za-z0-9][A-Za-z0-9_.-]*)(?::(?P<version>[^:@/\s]+)|@(?P<label>[^:@/\s]+))")
_CONTAINER = r"(?P<container>[^@/:?#\s]+)@(?P<account>[^./:?#@\s]+)"

_WRITTEN: tuple[tuple[Notation, str, Callable[[re.Match[str]], str]], ...] = (
    (Notation.URL, r"https://[^\s?#/]+/[^\s?#]+", lambda found: found[0]),
    (Notation.DATASTORE, r"azureml://datastores/[^/]+/paths/.+", lambda found: found[0]),
    (Notation.LONG_DATASTORE, rf"azureml://{_SCOPE}datastores/[^/]+/paths/.+", lambda found: found[0]),
    (
        Notation.ARM_DATASTORE,
        rf"(?:azureml:)?(/{_SCOPE}datastores/[^/]+/paths/.+)",
        lambda found: found[1],
    ),
    (Notation.ASSET, r"azureml:[A-Za-z0-9][A-Za-z0-9_.-]*:[^:@/\s]+", lambda found: found[0]),
    (Notation.LABELED_ASSET, r"azureml:[A-Za-z0-9][A-Za-z0-9_.-]*@[^:@/\s]+", lambda found: found[0]),
    (Notation.ARM_ASSET, rf"(?:azureml:)?(/{_SCOPE}data/[^/]+/versions/[^/]+)", lambda found: found[1]),
    (
        Notation.LONG_ASSET,
        r"azureml://(?:locations|registries|subscriptions)/(?:[^/]+/)*data/[^/]+/(?:versions|labels)/.+",
        lambda found: found[0],
    ),
    (
        Notation.ABFSS,
        rf"abfss?://{_CONTAINER}\.dfs\.(?P<suffix>[^/:?#\s]+)/(?P<path>[^?#]+)",
        lambda found: "https://{account}.blob.{suffix}/{container}/{path}".format(**found.groupdict()),
    ),
    (
        Notation.WASBS,
        rf"wasbs?://{_CONTAINER}\.blob\.(?P<suffix>[^/:?#\s]+)/(?P<path>[^?#]+)",
        lambda found: "https://{account}.blob.{suffix}/{container}/{path}".format(**found.groupdict()),
    ),
)
_TABLE = tuple((notation, re.compile(pattern, re.IGNORECASE), sent) for notation, pattern, sent in _WRITTEN)


def read_reference(text: str) -> Reference | None:
    """What a reference, or a template of one, says; None if it is in none of the notations."""
    for notation, pattern, sent in _TABLE:
        if found := pattern.fullmatch(text):
            return Reference(notation, sent(found))
    return None


def asset_in(text: str) -> Asset | None:
    """The asset by name that a reference is; None if it is anything else."""
    found = _ASSET.fullmatch(text)
    return Asset(found["name"], found["version"], found["label"]) if found else None


def notations() -> str:
    """All notations, for a message."""
    return ", ".join(Notation)
