"""A landing: one folder, or one file, that a route matches."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from shared.core.location import Location
from shared.core.route import Route
from shared.core.snapshot import File, Snapshot, freeze


@dataclass(frozen=True, slots=True)
class Landing:
    """One folder (or file) that a route matches. `path` is within the route's landing container."""

    route: Route
    path: str

    @property
    def key(self) -> str:
        """A short name, usable in instance ids and blob names; different for different landings."""
        digest = hashlib.sha256(self.location.url.encode()).hexdigest()
        return f"{self.route.name}-{digest[:16]}"

    @property
    def folder(self) -> Location:
        """The folder that is listed: the landing itself, or for a single file the folder that it is in."""
        path = self.path.rpartition("/")[0] if self.route.takes_files else self.path
        return Location(self.route.landing, path)

    @property
    def file_name(self) -> str:
        """The file's name in `folder` if the landing is a single file, else empty."""
        return self.path.rpartition("/")[2] if self.route.takes_files else ""

    @property
    def location(self) -> Location:
        return Location(self.route.landing, self.path)

    @property
    def parts(self) -> dict[str, str]:
        """The named parts of the folder pattern."""
        return self.route.parts(self.folder.path) or {}

    @property
    def is_taken(self) -> bool:
        """Whether its route still takes it: routes change."""
        return self.route.parts(self.folder.path) is not None

    def wants(self, name: str) -> bool:
        """Whether a file of that name in `folder` belongs to this landing."""
        return self.route.wants(name) and self.file_name in ("", name)

    def freeze(self, files: Iterable[File]) -> Snapshot:
        """The snapshot of a listing of `folder`. What lies beside a single file is no matter of its."""
        own = (file for file in files if self.file_name in ("", file.name))
        return freeze(own, wants=self.wants, is_marker=self.route.is_marker)
