"""A workspace without a server, for what is decided from names alone."""

from __future__ import annotations

from pathlib import Path

from local.azure import InputUrls
from local.azureml.workspace.catalog import read
from local.azureml.workspace.deployed import Deployed
from local.azureml.workspace.registry import Registry
from local.azureml.workspace.uris import DATASTORES, Places, datastore_document
from local.clock import SteadyClock

STORAGE = "https://127.0.0.1:8443"


def registry(path: Path = Path(":memory:")) -> Registry:
    """One with the datastores that every workspace has."""
    made = Registry(path, SteadyClock())
    for datastore in DATASTORES:
        made.put(f"datastores/{datastore.name}", datastore_document(datastore, "localhost:8443"))
    return made


def places(urls: InputUrls = InputUrls.DECODED) -> Places:
    return Places(registry(), STORAGE, urls)


def deployed(folder: Path) -> Deployed:
    """What a deployments folder describes, in a workspace that had nothing before."""
    return Deployed(registry(), read(folder))
