"""Mini-batches and the count of what came of them: when a job has failed too much, and when it has failed altogether.

Source: Azure docs, how-to-debug-parallel-run-step and reference-yaml-deployment-batch.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from local.azureml.workspace.settings import OutputAction

NOTHING_SUCCEEDED = (
    "No succeeded mini batch item returned from run(). Please check 'response: run()' in "
    "https://aka.ms/batch-inference-documentation."
)
RUN_FAILED = (
    "User program failed with Exception: Run failed. Please check logs for details. "
    "You can check logs/readme.txt for the layout of logs."
)
MLFLOW_FILES = frozenset({"csv", "parquet", "pqt", "png", "jpg", "jpeg", "tiff", "bmp", "gif"})
"""What an MLflow model without a scoring script reads. Source: Azure docs, how-to-mlflow-batch."""


def unsupported_file(paths: Sequence[str], supported: Collection[str]) -> str | None:
    """Why the job fails when one of its files is of no known type; source of the words: as above."""
    for path in paths:
        name = path.rpartition("/")[2]
        kind = name.rpartition(".")[2].lower() if "." in name else ""
        if kind not in supported:
            return f"ERROR:azureml:Error processing input file: '{name}'. File type '{kind}' is not supported."
    return None


def init_is_given_up(on_node: int, in_all: int, nodes: int, per_node: int, after: timedelta) -> bool:
    """Whether init() has failed too often, on this node or altogether. Source: ParallelRunStep."""
    return on_node >= 3 * per_node or (after >= timedelta(minutes=2) and in_all >= 2 * nodes * per_node)


@dataclass(frozen=True, slots=True)
class MiniBatch:
    """The files of one call of run()."""

    index: int
    files: tuple[Path, ...]


def split(files: Sequence[Path], size: int) -> list[MiniBatch]:
    """By file, in order, never inside a file; the last one may be smaller."""
    return [
        MiniBatch(index, tuple(files[start : start + size])) for index, start in enumerate(range(0, len(files), size))
    ]


@dataclass(slots=True)
class Tally:
    """Counts files over the whole input, and the mini-batches that they are in."""

    files: int
    error_threshold: int
    batches: int = 0
    succeeded_items: int = 0
    failed_files: int = 0
    succeeded_batches: list[int] = field(default_factory=list)
    failed_batches: int = 0

    def succeeded(self, batch: MiniBatch, returned: int) -> None:
        """run() returned; each element that is missing counts as a failed file."""
        self.succeeded_batches.append(batch.index)
        self.succeeded_items += returned
        self.failed_files += max(0, len(batch.files) - returned)

    def exhausted(self, batch: MiniBatch) -> None:
        """Every try of the mini-batch failed."""
        self.failed_batches += 1
        self.failed_files += len(batch.files)

    @property
    def exceeded(self) -> bool:
        """Whether the job is to be given up now; never with a threshold of -1."""
        return 0 <= self.error_threshold < self.failed_files

    def failure(self, action: OutputAction) -> str | None:
        """Why the job has failed, or None."""
        if self.exceeded:
            return f"{RUN_FAILED} {self.failed_files} files failed, the error threshold is {self.error_threshold}."
        if self.succeeded_items == 0 and action is OutputAction.APPEND_ROW:
            return NOTHING_SUCCEEDED
        return None

    def overview(self) -> str:
        """How far it is, while it goes on and afterwards."""
        succeeded = len(self.succeeded_batches)
        return (
            f"{self.files} files: {self.succeeded_items} items returned, {self.failed_files} files failed.\n"
            f"{self.batches} mini-batches scheduled, {succeeded + self.failed_batches} processed: "
            f"{succeeded} succeeded, {self.failed_batches} failed."
        )
