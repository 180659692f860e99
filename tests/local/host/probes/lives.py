"""Runs the host again and again and kills it at random moments: `python lives.py APP STATE KILLS SEED`.

The imports are made once, and every life is a fork: so a hundred lives cost little, and moments early in a start are
hit, too. The first life lasts until a line comes in; the last one until stdin closes.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time

import azure.durable_functions  # noqa: F401  # what the app will import

from local.host import cli


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
