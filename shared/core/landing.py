"""A landing: one folder, or one file, that a route matches."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from shared.core.location import Location, is_safe
from shared.core.nesting import LOOKED_THROUGH
from shared.core.route import Route
from shared.core.snapshot import File, Hold, Snapshot, freeze, in_order


def key_of(route: str, landing: Location) -> str:
    """The key of a route's landing, as Landing has it."""
    return f"{route}-{hashlib.sha256(landing.url.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class Landing:
    """One folder (or file) that a route matches. `path` is within the route's landing container."""

    route: Route
    path: str

    @property
    def key(self) -> str:
        """A short name, usable in instance ids and blob names; different for different landings."""
        return key_of(self.route.name, self.location)

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

    @property
    def looks_below(self) -> bool:
        """Whether sub-folders of `folder` are a matter of this landing: they are no landings of their own."""
        return self.route.nested in ("refuse", "flatten")

    def freeze(
        self,
        files: Iterable[File],
        below: Iterable[File] = (),
        routes: Sequence[Route] = (),
        *,
        hold: Hold = in_order,
    ) -> Snapshot:
        """The snapshot of a listing of `folder`, and of what is `below` it, by its relative paths; each is read once.
        What counts for a landing of one of the `routes` that is deeper in there is no matter of this one, nor is what
        lies beside a single file. Whoever lists a landing takes names from strangers: one that is not safe is a
        stray's."""
        strays, is_marker = list[File](), self.route.is_marker

        def own() -> Iterator[File]:
            for file in files:
                if self.file_name not in ("", file.name):
                    continue
                if is_safe(file.name) or not self.wants(file.name):
                    yield file
                elif len(strays) < LOOKED_THROUGH:
                    strays.append(file)

        def deeper() -> Iterator[File]:
            for file in below:
                if is_safe(file.name):
                    yield file
                elif len(strays) < LOOKED_THROUGH and self._is_stray(file, ()):
                    strays.append(file)

        if self.route.nested == "flatten":
            return freeze(
                chain(own(), deeper()),
                wants=lambda name: self.route.landing_of(f"{self.path}/{name}") is not None and not is_marker(name),
                is_marker=is_marker,
                strays=strays,
                hold=hold,
            )
        in_folders = (file for file in islice(below, LOOKED_THROUGH) if self._is_stray(file, routes))
        return freeze(own(), wants=self.wants, is_marker=is_marker, strays=chain(strays, in_folders), hold=hold)

    def _is_stray(self, file: File, routes: Sequence[Route]) -> bool:
        path = self.folder.at(file.name).path
        return self.route.landing_of(path) == self.path and not any(
            route.landing.identity == self.route.landing.identity and len(route.landing_of(path) or "") > len(self.path)
            for route in routes
        )
