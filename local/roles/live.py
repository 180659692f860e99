"""The assignments of a state directory, as its roles.yaml says at this moment."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from local.clock import SteadyClock
from local.naming import OWN, Names
from local.roles.assignments import Assignments, InvalidAssignments, parse
from local.roles.definitions import Needs, Permission

logger = logging.getLogger(__name__)
DEFAULT = Path(__file__).with_name("roles.yaml")
NAME = "roles.yaml"
"""The file's name in the state directory."""

_Version = tuple[int, int, int]


class _Reader:
    """Reads the file anew whenever it is another one than it was."""

    def __init__(self, path: Path, clock: SteadyClock) -> None:
        self._path = path
        self._clock = clock
        self._version: _Version | None = None
        self._known: Assignments | None = None

    def read(self) -> Assignments:
        """What the file says. While it says nothing valid, what it said before; at first, InvalidAssignments."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            ensure(self._path.parent)
            status = self._path.stat()
        version = (status.st_mtime_ns, status.st_size, status.st_ino)
        if version != self._version or self._known is None:
            self._known = self._parsed(status.st_mtime)
            self._version = version
        return self._known

    def _parsed(self, written: float) -> Assignments:
        try:
            return parse(self._path.read_text("utf-8"), written=self._clock.at(written))
        except InvalidAssignments as error:
            if self._known is None:
                raise InvalidAssignments(f"{self._path}: {error}") from error
            logger.error("%s is not used until it is mended: %s", self._path, error)
            return self._known


@dataclass(frozen=True, slots=True)
class LiveRoles:
    """Decides by the file of one state directory; a change of it counts from the next request on."""

    reader: _Reader = field(repr=False)
    clock: SteadyClock

    @classmethod
    def of(cls, state: Path, clock: SteadyClock) -> LiveRoles:
        """Raises InvalidAssignments for a file that cannot be used."""
        roles = cls(_Reader(state / NAME, clock), clock)
        roles.reader.read()
        return roles

    def missing(self, identity: str, needs: Needs, resource: str) -> Permission | None:
        """The permission that an object id lacks on a resource now, or None if it may do what `needs` is for."""
        return self.reader.read().missing(identity, needs, resource, self.clock.now())


def ensure(state: Path) -> Path:
    """The state directory's file; it begins as a copy of the default, which whoever comes first makes."""
    path = state / NAME
    if not path.exists():
        state.mkdir(parents=True, exist_ok=True)
        with _partial(path) as partial:
            partial.write_text(_under_own_names(DEFAULT.read_text("utf-8")), "utf-8")
    return path


def _under_own_names(text: str) -> str:
    """The default file with the storage accounts called as they are called here."""
    called = dict(zip(Names().accounts, OWN.accounts, strict=True))
    return re.sub(r"\b(account|container|queue) ([a-z0-9]+)", lambda m: f"{m[1]} {called.get(m[2], m[2])}", text)


def rewrite(state: Path, text: str) -> None:
    """Replace the file at once, so that nobody reads half of it."""
    with _partial(state / NAME) as partial:
        partial.write_text(text, "utf-8")


@contextmanager
def _partial(path: Path) -> Iterator[Path]:
    partial = path.with_suffix(f".{os.getpid()}.new")
    yield partial
    partial.replace(path)
