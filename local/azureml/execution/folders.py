"""The folders of one job on this machine."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFolders:
    """All of them exist while the job runs; only `logs` is kept afterwards."""

    root: Path

    @property
    def input(self) -> Path:
        return self.root / "input"

    @property
    def code(self) -> Path:
        return self.root / "code"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def output(self) -> Path:
        return self.root / "output"

    @property
    def rows(self) -> Path:
        return self.root / "rows"

    @property
    def steps(self) -> Path:
        """One folder per step of a pipeline."""
        return self.root / "steps"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def result(self) -> Path:
        """The merged rows."""
        return self.root / "result"

    def make_anew(self) -> None:
        """What an interrupted try has left must not reach this one, except what the job has logged of itself."""
        self.clear()
        for folder in (self.input, self.output, self.rows, self.models, self.steps, self.logs):
            folder.mkdir(parents=True, exist_ok=True)

    def forget_printed(self) -> None:
        """Away with what the script has printed and raised in an interrupted try."""
        shutil.rmtree(self.logs / "user", ignore_errors=True)

    def clear(self) -> None:
        for folder in (self.input, self.output, self.rows, self.models, self.steps, self.code):
            shutil.rmtree(folder, ignore_errors=True)
        self.result.unlink(missing_ok=True)
