"""Runs one command line of a pipeline step, and ends it together with the emulator.

Stdin is a pipe that the emulator holds: it closes however the emulator ends, kill -9 included. Source: none, this is
how every part of the local cloud lives.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading


def main() -> int:
    threading.Thread(target=_end_with_emulator, daemon=True).start()
    return subprocess.call(["bash", "-c", sys.argv[1]], stdin=subprocess.DEVNULL)


def _end_with_emulator() -> None:
    # Not through sys.stdin: its lock would be held when the interpreter ends first.
    while os.read(0, 4096):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    code = main()
    sys.exit(code if code >= 0 else 128 - code)
