"""Runs the host again and again and kills it at random moments: `python lives.py APP STATE KILLS SEED`.

The imports are made once, and every life is a fork, and so is its worker: so a hundred lives cost little, and moments
early in a start are hit, too. The first life lasts until a line comes in; the last one until stdin closes.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import random
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import azure.durable_functions  # noqa: F401  # what the app will import

from local.host import cli
from local.host.worker import processes, serving


class Forked:
    """A worker process that has its imports already."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    async def wait(self) -> int:
        while (ended := os.waitpid(self.pid, os.WNOHANG)) == (0, 0):
            await asyncio.sleep(0.02)
        return os.waitstatus_to_exitcode(ended[1])

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


async def fork(python: str, channel: int, lifeline: int) -> Forked:
    """In the place of what starts a Python."""
    child = os.fork()
    if child:
        return Forked(child)
    for descriptor in [int(link.name) for link in Path("/proc/self/fd").iterdir()]:  # as exec closes what is not passed
        if descriptor > 2 and descriptor not in (channel, lifeline):
            with suppress(OSError):
                os.close(descriptor)
    asyncio._set_running_loop(None)
    logging.getLogger().handlers.clear()
    serving.main(channel, lifeline)
    raise AssertionError("it serves until it ends")


processes.spawn = fork


def live(app: str, state: str) -> int:
    """Begin a life; returns its process id."""
    child = os.fork()
    if child:
        return child
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    os._exit(cli.run(parser.parse_args(["--app", app, "--state", state])))


def kill(child: int) -> None:
    """End a life. One that has ended by itself could not start, and then neither can the next."""
    if os.waitpid(child, os.WNOHANG) != (0, 0):
        sys.exit("A host has ended by itself.")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def main(app: str, state: str, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    child = live(app, state)
    sys.stdin.readline()
    for _ in range(kills):
        time.sleep(chance.uniform(0.0, 0.1) if chance.random() < 0.2 else chance.uniform(0.15, 0.6))
        kill(child)
        child = live(app, state)
    sys.stdout.write("killed\n")
    sys.stdout.flush()
    sys.stdin.read()
    kill(child)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
