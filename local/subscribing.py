"""The Event Grid subscriptions of an app: one for each function that events of the landing account call.

In Azure somebody makes them; here `up` does, so that an app that is only put here is told of blobs. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from local.addresses import ACCOUNT, CONTAINERS

LANDING_EVENTS = ("BlobCreated", "BlobRenamed", "DirectoryRenamed")
"""The ways in which files arrive: on an account with a hierarchy, writers may commit by renaming."""
BLOB_TRIGGER_EVENTS = ("BlobCreated",)
"""Source: Azure docs, functions-event-grid-blob-trigger."""
PREFIX = "function-"


def subscription_name(function: str) -> str:
    """The Event Grid subscription that delivers to a function."""
    return f"{PREFIX}{re.sub(r'[^A-Za-z0-9-]', '-', function)}"[:64]


def subscriptions(
    functions: Iterable[Mapping[str, Any]], host: str, keys: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """By its name, what each is made of. `functions`: as `/admin/functions` lists them; `keys`: of the host `host`."""
    return {
        subscription_name(function["name"]): wanted
        for function in functions
        if not function["isDisabled"]
        for binding in function["config"]["bindings"]
        for wanted in _wanted(function["name"], binding, host, keys)
    }


def _wanted(name: str, binding: Mapping[str, Any], host: str, keys: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    if binding["type"] == "eventGridTrigger":
        hook = f"{host}/runtime/webhooks/eventgrid?functionName={name}&code={keys['eventgrid_extension']}"
        yield _subscription(hook, LANDING_EVENTS, f"{CONTAINERS[ACCOUNT]}/")
    if binding["type"] == "blobTrigger" and str(binding.get("source") or "").lower() == "eventgrid":
        hook = f"{host}/runtime/webhooks/blobs?functionName=Host.Functions.{name}&code={keys['blobs_extension']}"
        yield _subscription(hook, BLOB_TRIGGER_EVENTS, _told_of(str(binding.get("path") or "")))


def _told_of(path: str) -> str:
    """What the subjects of a blob trigger's blobs begin with, as far as its path says so."""
    known = re.split("[{%]", path, maxsplit=1)[0]
    container, slash, below = known.partition("/")
    if slash:
        return f"{container}/blobs/{below}"
    return f"{container}/" if container and known == path else container


def _subscription(hook: str, kinds: Iterable[str], below: str) -> dict[str, Any]:
    return {
        "topic": "storage",
        "destination": {"type": "WebHook", "url": hook},
        "filter": {
            "includedEventTypes": [f"Microsoft.Storage.{kind}" for kind in kinds],
            "subjectBeginsWith": f"/blobServices/default/containers/{below}",
        },
    }
