"""Time and blob storage in memory, with behaviour: what it is told it remembers, and it refuses what Azure would."""

from __future__ import annotations

import base64
import hashlib
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import IO

from shared.core.location import Container, Location, require_safe
from shared.core.snapshot import File
from shared.errors import Unavailable
from shared.ports import Copied, Listing, Page, Stored

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass
class FakeClock:
    """A clock that stands still until it is moved."""

    moment: datetime = NOON

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **span: float) -> datetime:
        self.moment += timedelta(**span)
        return self.moment

    def wait(self, span: timedelta) -> None:
        """Stand for a pause of a program that waits."""
        self.moment += span


@dataclass
class FakeBlobs:
    """Blob storage in memory, with etags, MD5s and the service's own clock in whole seconds. `walled`: accounts from
    which the service cannot copy, so that copies go through the app. `hierarchical` accounts rename, and keep
    directories until somebody removes them. `requests` counts what the service would have been sent, by its kind, and
    `listed` is where lists were asked for; a page of them has `page_size` blobs. `looked_up` keeps the blobs whose
    properties were asked for."""

    clock: Callable[[], datetime]
    contents: dict[Location, tuple[bytes, File]] = field(default_factory=dict)
    writes: int = 0
    down: str | None = None
    before_copy: Callable[[Location], None] | None = None
    walled: frozenset[str] = frozenset()
    hierarchical: bool = False
    directories: set[Location] = field(default_factory=set)
    requests: Counter[str] = field(default_factory=Counter)
    page_size: int = 5000
    listed: set[Container] = field(default_factory=set)
    looked_up: list[Location] = field(default_factory=list)
    _sorted: tuple[list[Location], dict[Container, list[str]]] = field(default=([], {}), repr=False, compare=False)

    @property
    def listings(self) -> int:
        """How many lists were asked for."""
        return self.requests["list"]

    def put(self, blob: Location, content: bytes) -> File:
        self.writes += 1
        md5 = base64.b64encode(hashlib.md5(content).digest()).decode()
        file = File(name=blob.path, etag=f"0x{self.writes:X}", size=len(content), md5=md5, modified=self._now())
        self.contents[blob] = (content, file)
        self._make_directories(blob)
        return file

    def rename(self, source: Location, target: Location) -> None:
        """Move a blob, or a folder with all that is in it. Etags and times stay as they are."""
        assert self.hierarchical, "only accounts with a hierarchy rename"
        for blob in [*self.contents, *self.directories]:
            if blob.container == source.container and f"{blob.path}/".startswith(f"{source.path}/"):
                moved = Location(target.container, target.path + blob.path[len(source.path) :])
                if blob in self.directories:
                    self.directories.remove(blob)
                    self.directories.add(moved)
                else:
                    content, file = self.contents.pop(blob)
                    self.contents[moved] = (content, replace(file, name=moved.path))
                self._make_directories(moved)

    def is_hierarchical(self, container: Container) -> bool:
        return self.hierarchical

    def delete(self, blob: Location, *, etag: str | None = None) -> None:
        require_safe(blob)
        self._answer("delete")
        if blob in self.contents and etag in (None, self.contents[blob][1].etag):
            del self.contents[blob]

    def paths(self, container: Container, prefix: str = "") -> list[str]:
        """Of the blobs whose paths begin so, in lexical order."""
        known = self._in_order().get(container, [])
        first = bisect_left(known, prefix)
        return list(takewhile(lambda path: path.startswith(prefix), islice(known, first, None)))

    def list_folder(self, folder: Location, *, most: int | None = None) -> Listing:
        found = self._below(folder)
        files = tuple(islice((f for f in found if "/" not in f.name), most and most + 1))
        self._list(folder.container, len(files))
        is_parent = any(place.parent == folder for place in self.directories)
        has_folders = is_parent or any("/" in file.name for file in found)
        is_cut = most is not None and len(files) > most
        return Listing(files, seen_at=self._now(), has_folders=has_folders, is_cut=is_cut)

    def list_file(self, blob: Location) -> Listing:
        require_safe(blob)
        found = self.stat(blob)
        return Listing((replace(found, name=blob.name),) if found else (), seen_at=self._now())

    def list_below(self, folder: Location) -> Sequence[File]:
        found = self._below(folder)
        self._list(folder.container, len(found))
        return found

    def _below(self, folder: Location) -> list[File]:
        prefix = f"{folder.path}/" if folder.path else ""
        return [
            replace(self.contents[Location(folder.container, path)][1], name=path[len(prefix) :])
            for path in self.paths(folder.container, prefix)
        ]

    def pages(self, container: Container, prefix: str, *, at: str | None = None) -> Iterable[Page]:
        found = self.paths(container, prefix)
        if at is not None and not at.startswith("from "):
            at = None
        rest = [path for path in found if at is None or path >= at.removeprefix("from ")]
        while True:
            self._list(container)
            now, rest = rest[: self.page_size], rest[self.page_size :]
            following = f"from {rest[0]}" if rest else None
            yield Page(tuple(self.contents[Location(container, path)][1] for path in now), at, following)
            if following is None:
                return
            at = following

    def names(self, container: Container, prefix: str, *, folders: bool = False) -> Iterable[str]:
        found = self.paths(container, prefix)
        if not folders:
            self._list(container, len(found))
            return found
        self._list(container)
        found += [f"{place.path}/" for place in self.directories if place.container == container]
        below = [path[len(prefix) :] for path in found if path.startswith(prefix)]
        return sorted({path.split("/")[0] for path in below if "/" in path})

    def stat(self, blob: Location) -> File | None:
        require_safe(blob)
        self._answer("properties")
        self.looked_up.append(blob)
        return self.contents[blob][1] if blob in self.contents else None

    def read(self, blob: Location) -> Stored | None:
        require_safe(blob)
        self._answer("read")
        return Stored(self.contents[blob][0], self.contents[blob][1].etag) if blob in self.contents else None

    def create(self, blob: Location, content: bytes | IO[bytes]) -> bool:
        require_safe(blob)
        self._answer("write")
        if blob in self.contents:
            return False
        self.put(blob, content if isinstance(content, bytes) else content.read())
        return True

    def replace(self, blob: Location, content: bytes, *, etag: str | None) -> bool:
        require_safe(blob)
        self._answer("write")
        if etag is not None and (blob not in self.contents or self.contents[blob][1].etag != etag):
            return False
        self.put(blob, content)
        return True

    def copy(self, source: Location, target: Location, *, etag: str, size: int, md5: str | None) -> Copied:
        require_safe(source)
        require_safe(target)
        self._answer("copy")
        if self.before_copy is not None:
            self.before_copy(source)
        if source not in self.contents or self.contents[source][1].etag != etag:
            return Copied.SOURCE_CHANGED
        if target in self.contents:
            return Copied.THERE
        self.put(target, self.contents[source][0])
        return Copied.STREAMED if source.container.account_url in self.walled else Copied.MADE

    def remove_folder(self, folder: Location) -> bool:
        self._answer("properties")
        if self.paths(folder.container, f"{folder.path}/") or any(place.parent == folder for place in self.directories):
            return False
        self.directories.discard(folder)
        return True

    def _in_order(self) -> Mapping[Container, list[str]]:
        """All paths, sorted anew when blobs have come or gone since."""
        blobs = list(self.contents)  # at once, whatever other threads write
        known, found = self._sorted
        if known != blobs:
            found = defaultdict(list)
            for blob in sorted(blobs, key=lambda blob: blob.path):
                found[blob.container].append(blob.path)
            self._sorted = (blobs, found)
        return found

    def _make_directories(self, blob: Location) -> None:
        while self.hierarchical and "/" in blob.path:
            blob = blob.parent
            self.directories.add(blob)

    def _list(self, container: Container, blobs: int = 0) -> None:
        for _ in range(max(1, -(-blobs // self.page_size))):
            self._answer("list")
        self.listed.add(container)

    def _now(self) -> datetime:
        return self.clock().replace(microsecond=0)

    def _answer(self, kind: str) -> None:
        self.requests[kind] += 1
        if self.down is not None:
            raise Unavailable(self.down)
