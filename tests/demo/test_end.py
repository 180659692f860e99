"""How the demo ends: in a terminal with the status page, elsewhere at once."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

from demo.cloud import ROOT

PAGE = "http://127.0.0.1:1/api/status?code=key"
ENDS = f"""
from types import SimpleNamespace
from demo.__main__ import offer
offer(SimpleNamespace(page={PAGE!r}))
print("stopped")
"""


def test_in_a_terminal_it_names_the_status_page_and_waits_until_somebody_has_seen_it() -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", ENDS], cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True
    ) as ending:
        os.close(theirs)
        shown = b""
        while b"Press Enter" not in shown:
            shown += os.read(ours, 1000)
        assert PAGE.encode() in shown
        assert ending.poll() is None
        os.write(ours, b"\n")
        ending.wait(timeout=30)
        os.close(ours)

    assert ending.returncode == 0
