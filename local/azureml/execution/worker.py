"""One worker process: init() once, then run(mini_batch) for every order, until the orders end.

Run as a script by workers.py, with nothing but the standard library and the deployment's own folder on its path. Orders
come in on the original stdin and replies go out on the original stdout, one JSON object per line; what the scoring
script itself reads and prints is kept away from both.

    {"script": ..., "arguments": [...], "inputs": ..., "stdout": ..., "stderr": ...}
                                             {"ready": true}   or {"error": ...}, exit 1
    {"files": [...], "rows": path or null}   {"returned": n}   or {"error": ...}

An error is a traceback, and with it comes a "reason": what was raised, in one line.

Source: Azure docs, how-to-batch-scoring-script; the row formats are those of recorded jobs (no header, no index,
DataFrames separated by one space, any other element as its str()).
"""

from __future__ import annotations

import importlib.util
import json
import os
import queue
import runpy
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import IO, Any

_LONGEST_TRACEBACK = 8_000
_LONGEST_REASON = 400


def main() -> None:
    orders, replies = _private_channel()
    first = next(orders)
    _redirect(first["stdout"], first["stderr"])
    _protect(first["inputs"])
    try:
        module = _load(Path(first["script"]), first["arguments"])
        module.init()
    except Exception as error:
        _send(replies, _told(error))
        sys.exit(1)
    _send(replies, {"ready": True})
    for order in orders:
        try:
            returned = _score(module.run, order["files"], order["rows"])
        except Exception as error:
            _send(replies, _told(error))
        else:
            _send(replies, {"returned": returned})


def _private_channel() -> tuple[Iterator[dict[str, Any]], IO[str]]:
    incoming = os.fdopen(os.dup(0), encoding="utf-8")
    outgoing = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    # A thread reads, because the end of the orders must be noticed also while the script is busy.
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def listen() -> None:
        for line in incoming:
            lines.put(line)
        # The emulator has ended, perhaps by kill -9: end as well, together with what the script has started.
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=listen, daemon=True).start()
    return _parsed(lines), outgoing


def _parsed(lines: queue.SimpleQueue[str]) -> Iterator[dict[str, Any]]:
    while True:
        yield json.loads(lines.get())


def _redirect(stdout: str, stderr: str) -> None:
    for descriptor, path in ((1, stdout), (2, stderr)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(file, descriptor)
        os.close(file)
    # A process that is killed must not take its last lines with it.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # both are text streams here


def _protect(inputs: str) -> None:
    """The script may not change what is there; what it starts may."""
    file = Path(__file__).parent / "mounted" / "sitecustomize.py"
    runpy.run_path(str(file))["protect"]([inputs])


def _load(script: Path, arguments: list[str]) -> ModuleType:
    sys.argv = [script.name, *arguments]
    # The process runs in the code folder; the script may be deeper.
    sys.path[:0] = dict.fromkeys([str(script.parent), str(Path.cwd())])
    sys.path.append(str(Path(__file__).parent / "provided"))
    # By its own name, by which processes that it starts import what it has them call; if that name is still free.
    name = script.stem if script.stem.isidentifier() and script.stem not in sys.modules else "scoring_script"
    specification = importlib.util.spec_from_file_location(name, script)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    for function in ("init", "run"):
        if not callable(getattr(module, function, None)):
            raise TypeError(f"The scoring script {script.name} has no function {function}().")
    return module


def _score(run: Callable[[list[str]], object], files: list[str], rows: str | None) -> int:
    result: Any = run(files)
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(result, pandas.DataFrame):
        if rows is not None:
            result.to_csv(rows, sep=" ", header=False, index=False, lineterminator="\n")
        return len(result)
    numpy = sys.modules.get("numpy")
    if not isinstance(result, list | tuple) and not (numpy is not None and isinstance(result, numpy.ndarray)):
        raise TypeError(f"run() must return a pandas DataFrame or a list; it returned {type(result).__name__}.")
    if rows is not None:
        with Path(rows).open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{element}\n" for element in result)
    return len(result)


def _told(error: Exception) -> dict[str, Any]:
    lines = traceback.format_exception_only(error)
    # Where the syntax is wrong comes before what is wrong; notes come after it.
    reason = " ".join(lines[-1 if isinstance(error, SyntaxError) else 0].split())
    if len(reason) > _LONGEST_REASON:
        reason = f"{reason[: _LONGEST_REASON - 1]}…"
    return {"error": traceback.format_exc()[-_LONGEST_TRACEBACK:], "reason": reason}


def _send(replies: IO[str], message: dict[str, Any]) -> None:
    print(json.dumps(message), file=replies, flush=True)


if __name__ == "__main__":
    main()
