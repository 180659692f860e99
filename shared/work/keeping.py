"""Documents that never change, as they were read last."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """The last few values that were read, by their names: each of the twenty activities that copy what is listed in one
    document would read all of it. For several threads: a value that is being read is waited for, and not read twice."""

    def __init__(self, most: int = 8) -> None:
        self._most = most
        self._values: OrderedDict[str, T] = OrderedDict()
        self._gate = threading.Lock()

    def get(self, name: str, read: Callable[[], T]) -> T:
        """The value of that name. What `read` raises is raised, and nothing kept."""
        with self._gate:
            if name not in self._values:
                self._values[name] = read()
            self._values.move_to_end(name)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
            return self._values[name]
