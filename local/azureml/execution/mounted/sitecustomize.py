"""Refuses what would change the inputs of a job, in the Python that runs this and in those that it starts.

Inputs are mounted for reading in Azure: changing one is the same error here. Python is held to it, not other programs,
nor libraries that open files without Python. Steps of a pipeline are commands, so this is found by the name that Python
looks for when it starts; it goes on with the one that it has hidden. It may be any Python since 3.8.
"""

from __future__ import annotations

import errno
import importlib.util
import os
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, Iterable, Tuple  # noqa: UP035  # as old Pythons have them

INPUTS = "LOCAL_AZUREML_INPUTS"
"""The variable of the environment that names them, one after the other as in PATH."""
_CHANGED = {
    "open": ((0, None),),
    "os.remove": ((0, 1),),
    "os.rename": ((0, 2), (1, 3)),
    "os.mkdir": ((0, 2),),
    "os.rmdir": ((0, 1),),
    "os.truncate": ((0, None),),
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
    "os.utime": ((0, 3),),
    "os.link": ((0, 2), (1, 3)),
    "os.symlink": ((1, 2),),
    "shutil.rmtree": ((0, None),),
}
"""What Python tells of before it changes files: where the paths are, and the descriptors of the folders that they start
at. A file that has another name, outside, could be changed by that. Source: Python docs, library/audit_events."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def protect(inputs: Iterable[str]) -> None:
    """From now on a change of these files and folders raises OSError, EROFS."""
    roots = tuple(Path(one).resolve() for one in inputs)

    def watch(event: str, given: Tuple[Any, ...]) -> None:  # noqa: UP006
        if event not in _CHANGED or (event == "open" and not (isinstance(given[2], int) and given[2] & _WRITING)):
            return
        for at, folder_at in _CHANGED[event]:
            path, folder = given[at], given[folder_at] if folder_at is not None and folder_at < len(given) else -1
            if isinstance(path, int) or path is None:
                continue
            named = _folder_of(folder) / os.fsdecode(path)
            # What is opened is what a link leads to; what is removed or renamed is the link.
            real = named.resolve() if event == "open" else named.parent.resolve() / named.name
            if any(root == real or root in real.parents for root in roots):
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), os.fsdecode(path))

    sys.addaudithook(watch)


def _folder_of(descriptor: object) -> Path:
    """The folder that a relative path starts at."""
    if not isinstance(descriptor, int) or descriptor < 0:
        return Path()
    for known in ("/proc/self/fd", "/dev/fd"):
        try:
            return Path(os.readlink(f"{known}/{descriptor}"))  # noqa: PTH115  # as old Pythons have it
        except OSError:
            continue
    return Path()


def _go_on() -> None:
    """With the module of this name that Python would have found without this one."""
    here = Path(__file__).parent
    found = PathFinder.find_spec(__name__, [path for path in sys.path if Path(path) != here])
    if found is not None and found.loader is not None:
        found.loader.exec_module(importlib.util.module_from_spec(found))


if __name__ == "sitecustomize":
    protect(filter(None, os.environ.get(INPUTS, "").split(os.pathsep)))
    _go_on()
