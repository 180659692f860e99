"""The first exception of the user's own script, in logs of the shapes that jobs really have."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.script_error import LONGEST_EXCEPTION, first_exception

WORK = "/mnt/batch/tasks/shared/LS_root/jobs/ws/azureml/4a32/wd/azureml/4a32"
LIBRARIES = "/azureml-envs/azureml_7594/lib/python3.10/site-packages"

IN_RUN = f"""\
2023-02-28T11:11:55.543843 This file shows errors in loading, calling init() and calling run() of the entry script.
2023-02-28T11:12:07.031290 The process000 on node 0 failed with error: Traceback (most recent call last):
  File "{WORK}/driver/azureml_user/parallel_run/boot.py", line 120, in call_run
    result = self.run(mini_batch)
  File "{WORK}/score.py", line 12, in run
    return [predict(path) for path in mini_batch]
  File "{WORK}/score.py", line 31, in predict
    return model.predict(read(path))
           ^^^^^^^^^^^^^^^^^^^^^^^^^
  File "{LIBRARIES}/sklearn/base.py", line 580, in predict
    raise ValueError("the image has 9 channels")
ValueError: the image has 9 channels

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "{WORK}/driver/azureml_user/parallel_run/boot.py", line 131, in call_run
    raise EntryScriptException(error) from error
entry_script_exception.EntryScriptException: the image has 9 channels
"""

OF_THE_DRIVER = """\
Azure Machine Learning Batch Inference Start
Cleanup took 0.19 seconds
Traceback (most recent call last):
  File "driver/amlbi_main.py", line 275, in <module>
    main()
  File "driver/amlbi_main.py", line 226, in main
    sys.exit(exitcode_candidate)
SystemExit: 42
"""

BEHIND_A_DETAIL = f"""\
2020-09-17 09:43:39,318|ERROR|230|Failed to process {{}} with error No rows. Detail: Traceback (most recent call last):
  File "{WORK}/mounts/store/score.py", line 7, in run
    raise NoRows("No rows: %s" % path)
errors.NoRows: No rows: a.csv
Please check logs for error.
"""

NOT_A_PROGRAM = f"""\
Traceback (most recent call last):
  File "<frozen importlib._bootstrap>", line 241, in _call_with_frames_removed
  File "{WORK}/score.py", line 3
    def run(mini_batch)
                       ^
SyntaxError: expected ':'
"""

MISSING_MODULE = f"""\
Traceback (most recent call last):
  File "/opt/miniconda/lib/python3.8/importlib/__init__.py", line 127, in import_module
    return _bootstrap._gcd_import(name[level:], package, level)
  File "{WORK}/score.py", line 1, in <module>
    import torch
ModuleNotFoundError: No module named 'torch'
"""

INDENTED = "\n".join(f"    {line}" for line in MISSING_MODULE.splitlines())


@pytest.mark.parametrize(
    ("log", "told"),
    [
        (IN_RUN, "ValueError: the image has 9 channels (score.py, line 31)"),
        (OF_THE_DRIVER, None),
        (OF_THE_DRIVER + IN_RUN, "ValueError: the image has 9 channels (score.py, line 31)"),
        (BEHIND_A_DETAIL, "errors.NoRows: No rows: a.csv (score.py, line 7)"),
        (NOT_A_PROGRAM, "SyntaxError: expected ':' (score.py, line 3)"),
        (MISSING_MODULE, "ModuleNotFoundError: No module named 'torch' (score.py, line 1)"),
        (INDENTED, "ModuleNotFoundError: No module named 'torch' (score.py, line 1)"),
        (MISSING_MODULE.replace("\n", "\r\n"), "ModuleNotFoundError: No module named 'torch' (score.py, line 1)"),
        (
            MISSING_MODULE.replace(f"{WORK}/", "C:\\jobs\\"),
            "ModuleNotFoundError: No module named 'torch' (score.py, line 1)",
        ),
        ("", None),
        ("Killed", None),
        ("Traceback (most recent call last):", None),
        (IN_RUN[: IN_RUN.index("ValueError: the image has 9 channels\n")], None),
    ],
    ids=[
        "in run",
        "of the driver",
        "behind one of the driver",
        "behind a detail",
        "syntax",
        "import",
        "indented",
        "lines of windows",
        "paths of windows",
        "empty",
        "killed",
        "cut at once",
        "cut before its end",
    ],
)
def test_the_first_exception_of_the_script_is_found(log: str, told: str | None) -> None:
    assert first_exception(log) == told


def recursing() -> None:
    recursing()


def with_a_cause() -> None:
    try:
        raise KeyError("prices")
    except KeyError as error:
        raise RuntimeError("no prices") from error


def with_lines() -> None:
    raise ValueError("first line\n  second line")


def without_words() -> None:
    raise AssertionError


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (recursing, "RecursionError: maximum recursion depth exceeded"),
        (with_a_cause, "KeyError: 'prices'"),
        (with_lines, "ValueError: first line"),
        (without_words, "AssertionError"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_python_itself_writes_is_read(script: Callable[[], None], told: str) -> None:
    try:
        script()
    except Exception:
        log = traceback.format_exc()

    found = first_exception(log)

    assert found is not None
    assert found.startswith(told)
    assert "(test_script_error.py, line " in found


def test_an_exception_that_holds_a_table_is_cut() -> None:
    log = MISSING_MODULE.replace("No module named 'torch'", "x" * 100_000)

    found = first_exception(log)

    assert found is not None
    assert len(found) < LONGEST_EXCEPTION + 100
    assert found.endswith("… (score.py, line 1)")


@given(st.lists(st.sampled_from([*IN_RUN.splitlines(), *NOT_A_PROGRAM.splitlines(), "", "\t", "|", "\x00"])))
def test_nothing_that_a_log_may_hold_is_too_odd(lines: list[str]) -> None:
    found = first_exception("\n".join(lines))

    assert found is None or "(score.py, line " in found
