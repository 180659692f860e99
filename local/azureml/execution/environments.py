"""Builds what environments ask of pip, where `--build-environments` says so: a virtual environment per content.

Images and conda's own packages are not built. What this process can import is there as well; what pip installs goes
before it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from local.azureml.workspace import conda
from local.azureml.workspace.assets import find
from local.azureml.workspace.jobs import JobFailed
from local.azureml.workspace.names import ForeignResource, environment_path
from local.azureml.workspace.registry import Registry

logger = logging.getLogger(__name__)

_LONGEST = 1500
"""Of what pip says, its end, in the error of a job."""


class Environments:
    """In `folder`, one for each set of requirements, made when a job first needs it, and kept. None: none is made."""

    def __init__(self, registry: Registry, folder: Path | None) -> None:
        self._registry = registry
        self._folder = folder
        self._gate = asyncio.Lock()

    async def python(self, asked: object) -> str | None:
        """The program that runs what asks for an environment, by any form of its id or as it is written in place.

        None: the Python of this process, because pip has nothing to do. Raises JobFailed with what pip says.
        """
        if self._folder is None or (text := self._conda_file(asked)) is None:
            return None
        try:
            lines = conda.requirements(text)
        except conda.NoCondaFile as error:
            raise JobFailed(f"The environment {_called(asked)} cannot be built from its conda file: {error}.") from None
        return await self._made(self._folder, lines, _called(asked)) if lines else None

    def _conda_file(self, asked: object) -> str | None:
        if isinstance(asked, Mapping):
            return conda.content(asked.get("conda_file"), Path("/"))
        try:
            path = environment_path(asked) if isinstance(asked, str) else None
        except ForeignResource:
            return None
        # A resource's own path is no id of it.
        found = find(self._registry, path or str(asked))
        return found.properties.get("condaFile") if found else None

    async def _made(self, root: Path, lines: tuple[str, ...], called: str) -> str:
        key = hashlib.sha256("\n".join([sys.executable, sys.version, *lines]).encode()).hexdigest()[:24]
        folder = root / key
        python, done, log = folder / "bin" / "python", folder / "made", root / f"{key}.log"
        async with self._gate:
            if not done.exists():
                logger.info("The environment %s is built in %s; what pip says is in %s.", called, folder, log)
                # What an interrupted try has left.
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
                root.mkdir(parents=True, exist_ok=True)
                log.write_bytes(b"")
                await _call(log, called, sys.executable, "-m", "venv", "--system-site-packages", str(folder))
                (folder / "requirements.txt").write_text("\n".join((*lines, "")), "utf-8")
                _see_own_packages(folder)
                pip = ("-m", "pip", "install", "--disable-pip-version-check", "-r", str(folder / "requirements.txt"))
                await _call(log, called, str(python), *pip)
                done.touch()
        return str(python)


def _see_own_packages(folder: Path) -> None:
    """A virtual environment that is made in another one sees the packages of the system, and not of that one."""
    (site_packages,) = folder.glob("lib/python*/site-packages")
    own = dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))
    (site_packages / "own_packages.pth").write_text("".join(f"{path}\n" for path in own), "utf-8")


async def _call(log: Path, called: str, *command: str) -> None:
    """Raises JobFailed with the end of what the command has said; all of it is in the log."""
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=asyncio.subprocess.STDOUT
        )
        try:
            code = await process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
    if code != 0:
        said = log.read_text("utf-8", "replace").strip()[-_LONGEST:]
        raise JobFailed(f"The environment {called} could not be built ({log}): {said}")


def _called(asked: object) -> str:
    return str(asked.get("name") or asked.get("image") or "in place") if isinstance(asked, Mapping) else str(asked)
