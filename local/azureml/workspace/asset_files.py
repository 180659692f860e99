"""The files of models and code: where they lie on this machine, fetched from storage first when they lie there."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import uuid
from pathlib import Path

from local.azureml.workspace.assets import find
from local.azureml.workspace.data import Storage
from local.azureml.workspace.jobs import JobFailed
from local.azureml.workspace.registry import Registry, Resource
from local.azureml.workspace.uris import Places, UnresolvedUri


class AssetFiles:
    """Keeps one copy of everything that it has fetched, in `folder`."""

    def __init__(self, registry: Registry, storage: Storage, places: Places, folder: Path) -> None:
        self._registry = registry
        self._storage = storage
        self._places = places
        self._folder = folder
        self._gate = asyncio.Lock()

    def asset(self, path: str) -> Resource:
        """Raises JobFailed."""
        found = find(self._registry, path)
        if found is None:
            raise JobFailed(f"The asset {path} is no longer registered in this workspace.")
        return found

    async def local(self, path: str) -> Path:
        """The file or folder of a model or of code. Raises JobFailed."""
        asset = self.asset(path)
        if asset.files is not None:
            if not asset.files.exists():
                raise JobFailed(f"The files of {path} are no longer in {asset.files}.")
            return asset.files
        uri = str(asset.properties.get("modelUri") or asset.properties.get("codeUri") or "")
        try:
            source = self._places.resolve(uri)
        except UnresolvedUri as error:
            raise JobFailed(f"The files of {path} cannot be reached: {error}") from error
        key = hashlib.sha256(f"{uri}\n{asset.modified.isoformat()}".encode()).hexdigest()[:32]
        target = self._folder / key / (source.path.rpartition("/")[2] or "files")
        async with self._gate:
            if not target.exists():
                # Moved into place when it is whole, so that a killed process leaves no half of it.
                partial = self._folder / f"{uuid.uuid4()}.new"
                await self._storage.download_tree(source, partial / target.name)
                shutil.rmtree(target.parent, ignore_errors=True)
                partial.rename(target.parent)
        return target
