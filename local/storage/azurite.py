"""Azurite as a child process that cannot outlive its parent and loses no write that it has acknowledged."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path

from local.addresses import ACCOUNT_KEY, ACCOUNTS, Addresses, port_of
from local.serving import READY

START_SECONDS = 60.0
STOP_SECONDS = 15.0
KEEP_ALIVE_SECONDS = 120
"""How long Azurite keeps an idle connection. The front gives one up sooner, and so never sends into a closed one."""
_WRAPPER = Path(__file__).with_name("azurite.cjs")


class AzuriteFailed(Exception):
    """Azurite did not start, or ended by itself."""


async def start(
    stack: AsyncExitStack, state: Path, addresses: Addresses, hierarchical: Iterable[str]
) -> asyncio.subprocess.Process:
    """Start Azurite on its ports and return when it answers; it is stopped, saved, when `stack` closes.

    The accounts named by `hierarchical` have a hierarchy (directories.cjs).
    """
    location = state / "storage" / "azurite"
    location.mkdir(parents=True, exist_ok=True)
    log_path = state / "storage" / "azurite.log"
    lock = stack.enter_context((state / "storage" / "azurite.lock").open("w"))
    await _only_one(lock.fileno())
    with log_path.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            "node",
            str(_WRAPPER),
            *_arguments(location, addresses),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env={
                **os.environ,
                "AZURITE_ACCOUNTS": ";".join(f"{name}:{ACCOUNT_KEY}" for name in ACCOUNTS),
                "HIERARCHICAL_ACCOUNTS": ",".join(hierarchical),
            },
            # The lock goes with the child: it is held for as long as Azurite lives, also when this process was killed.
            pass_fds=(lock.fileno(),),
            # A signal to our process group must not reach it: it ends, and saves, when stdin closes.
            start_new_session=True,
        )
    stack.push_async_callback(_stop, process)
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START_SECONDS)
    except TimeoutError:
        line = b""
    if line.decode().strip() != READY:
        tail = log_path.read_text("utf-8", errors="replace")[-2000:]
        raise AzuriteFailed(
            f"Azurite did not start. Check that Node is installed and 'npm ci' was run. Its log ends:\n{tail}"
        )
    return process


def _arguments(location: Path, addresses: Addresses) -> list[str]:
    alive = str(KEEP_ALIVE_SECONDS)
    blob, queue = str(port_of(addresses.azurite_blob)), str(port_of(addresses.azurite_queue))
    return [
        "--location",
        str(location),
        "--silent",
        "--disableTelemetry",
        "--skipApiVersionCheck",
        "--disableProductStyleUrl",
        "--blobHost",
        "127.0.0.1",
        "--blobPort",
        blob,
        "--blobKeepAliveTimeout",
        alive,
        "--queueHost",
        "127.0.0.1",
        "--queuePort",
        queue,
        "--queueKeepAliveTimeout",
        alive,
    ]


async def _only_one(lock: int) -> None:
    """Wait until an Azurite that a killed predecessor left behind has saved and gone."""
    deadline = asyncio.get_running_loop().time() + START_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if asyncio.get_running_loop().time() > deadline:
                raise AzuriteFailed("Another Azurite is still using this state directory.") from None
            await asyncio.sleep(0.05)
        else:
            return


async def _stop(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
