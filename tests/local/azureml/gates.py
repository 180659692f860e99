"""Holds a job up for as long as a test wants."""

from __future__ import annotations

from pathlib import Path

from testbed.eventually import eventually


class Gate:
    """What the scoring script of the deployment `waits` waits for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def open(self) -> None:
        (self.folder / "open").touch()

    def close(self) -> None:
        for file in self.folder.iterdir():
            file.unlink()

    def pid_of_entered(self) -> int:
        """The process that is inside run(), once there is one."""
        entered = self.folder / "entered"
        text = eventually(
            lambda: entered.exists() and entered.read_text().endswith("\n") and entered.read_text(), "run()"
        )
        return int(text.split()[-1])
