from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from local.azureml.execution.batches import (
    MLFLOW_FILES,
    NOTHING_SUCCEEDED,
    Tally,
    init_is_given_up,
    split,
    unsupported_file,
)
from local.azureml.workspace.settings import OutputAction

FILES = tuple(Path(str(number)) for number in range(7))


@pytest.mark.parametrize(("size", "sizes"), [(1, [1] * 7), (3, [3, 3, 1]), (7, [7]), (100, [7])])
def test_files_are_split_in_order_and_the_last_batch_may_be_smaller(size: int, sizes: list[int]) -> None:
    batches = split(FILES, size)

    assert [len(batch.files) for batch in batches] == sizes
    assert tuple(file for batch in batches for file in batch.files) == FILES
    assert [batch.index for batch in batches] == list(range(len(sizes)))


def test_a_threshold_of_minus_one_is_never_exceeded() -> None:
    tally = Tally(7, -1)

    for batch in split(FILES, 3):
        tally.exhausted(batch)

    assert tally.failed_files == 7
    assert not tally.exceeded
    assert tally.failure(OutputAction.APPEND_ROW) == NOTHING_SUCCEEDED
    assert tally.failure(OutputAction.SUMMARY_ONLY) is None


def test_the_threshold_counts_files_and_not_mini_batches() -> None:
    tally = Tally(7, 2)

    tally.exhausted(split(FILES, 3)[0])

    assert tally.exceeded


def test_missing_elements_are_failed_files_and_extra_ones_make_up_for_nothing() -> None:
    tally = Tally(7, 0, batches=3)
    first, second, _ = split(FILES, 3)

    tally.succeeded(first, 10)
    assert not tally.exceeded
    tally.succeeded(second, 2)

    assert tally.exceeded
    assert "12 items returned, 1 files failed.\n3 mini-batches scheduled, 2 processed: 2 succeeded" in tally.overview()


@pytest.mark.parametrize(
    ("on_node", "in_all", "minutes", "given_up"),
    [(5, 5, 0, False), (6, 6, 0, True), (5, 8, 1, False), (4, 8, 2, True), (4, 7, 2, False)],
)
def test_init_is_given_up_after_three_failures_per_process_or_fewer_after_two_minutes(
    on_node: int, in_all: int, minutes: int, given_up: bool
) -> None:
    nodes = per_node = 2

    assert init_is_given_up(on_node, in_all, nodes, per_node, timedelta(minutes=minutes)) is given_up


@pytest.mark.parametrize("name", ["a.csv", "in/B.PARQUET", "c.pqt", "d.jpeg"])
def test_files_that_mlflow_models_read(name: str) -> None:
    assert unsupported_file([name], MLFLOW_FILES) is None


@pytest.mark.parametrize(("name", "kind"), [("in/a.avro", "avro"), ("in.csv/readme", "")])
def test_files_that_mlflow_models_do_not_read(name: str, kind: str) -> None:
    found = unsupported_file(["fine.csv", name], MLFLOW_FILES)

    assert found is not None
    assert found.endswith(f"File type '{kind}' is not supported.")
