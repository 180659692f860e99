"""Reading a publication, with the caller's own identity: who has a key of the app need not have the right to its
results. Every file is checked against the run's manifest."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from landfall.connection import App, Told

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

SMALL = 64 * 1024
"""Bytes of all outputs together that are printed."""
CHUNK = 4 * 1024 * 1024


@contextmanager
def container_of(app: App, run: dict[str, Any]) -> Iterator[ContainerClient]:
    """The container that the run is published in. Raises Told for a run that is not."""
    from azure.identity import DefaultAzureCredential, ManagedIdentityCredential  # slow to import, and only needed here
    from azure.storage.blob import ContainerClient

    place = run["publication"]
    if place is None:
        raise Told(f"Run {run['run_id']} is {run['status']}, so it has no results.")
    account = place["url"].removesuffix(f"/{place['container']}/{place['path']}")
    if app.stack is None:
        with ContainerClient(account, place["container"], credential=DefaultAzureCredential()) as client:
            yield client
        return
    identity = app.stack["identity"]
    os.environ |= {"IDENTITY_ENDPOINT": identity["endpoint"], "IDENTITY_HEADER": identity["header"]}
    with ContainerClient(
        account,
        place["container"],
        credential=ManagedIdentityCredential(),
        connection_verify=app.stack["storage"]["ca_cert"],
    ) as client:
        yield client


def manifest_of(client: ContainerClient, path: str) -> dict[str, Any]:
    """What was published. Raises Told for a folder that is not complete."""
    if not client.get_blob_client(f"{path}/_SUCCESS").exists():
        raise Told(f"{path} has no _SUCCESS: it is not complete.")
    found: dict[str, Any] = json.loads(client.download_blob(f"{path}/_run.json").readall())
    return found


def printed(client: ContainerClient, path: str, manifest: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The outputs as texts. Raises Told where they are too large for that."""
    size = sum(output["size"] for output in manifest["outputs"])
    if size > SMALL:
        raise Told(f"The outputs have {size:,} bytes; download them with --to DIR.")
    for output in manifest["outputs"]:
        content = client.download_blob(f"{path}/{output['name']}").readall()
        yield output["name"], content.decode("utf-8", "replace")


def download(client: ContainerClient, path: str, manifest: dict[str, Any], to: Path) -> Iterator[tuple[Path, int]]:
    """Each file and its bytes, once it is complete, in a folder of the run's own as in the publication; the manifest
    and _SUCCESS last. What is there already and the same is left, so that a download which was cut short is gone on
    with. Raises Told for anything else that is there."""
    folder = to / PurePosixPath(path).name
    if to.exists() and not to.is_dir():
        raise Told(f"{to} is a file; name a folder.")
    for output in manifest["outputs"]:
        target = _target(folder, output["name"])
        if not target.exists():
            _fetch(client, f"{path}/{output['name']}", target, output)
        elif _digest(target) != (output["size"], output["md5"]):
            raise Told(f"{target} is there, and is another file. Choose an empty folder.")
        yield target, output["size"]
    for name, text in (("_run.json", json.dumps(manifest, indent=1)), ("_SUCCESS", "")):
        target = _target(folder, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
        yield target, target.stat().st_size


def _target(folder: Path, name: str) -> Path:
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or any(part in ("..", ".") or "\\" in part or ":" in part for part in parts):
        raise Told(f"{name!r} is no name of a file within a folder; nothing of it was written.")
    return folder.joinpath(*parts)


def _fetch(client: ContainerClient, blob: str, target: Path, output: dict[str, Any]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.part")
    with partial.open("wb") as file:
        for chunk in client.download_blob(blob).chunks():
            file.write(chunk)
    if _digest(partial) != (output["size"], output["md5"] or _digest(partial)[1]):
        partial.unlink()
        raise Told(f"{blob} is not what the run's manifest says; it was changed after it was published.")
    partial.rename(target)


def _digest(path: Path) -> tuple[int, str]:
    md5, size = hashlib.md5(usedforsecurity=False), 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            md5.update(chunk)
            size += len(chunk)
    return size, base64.b64encode(md5.digest()).decode()
