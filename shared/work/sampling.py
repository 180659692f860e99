"""A few small files of a landing, for the doctor to copy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from shared.core.location import Location, fixed_prefix
from shared.core.probe import LARGEST_FILE, MOST_FILES
from shared.core.route import Route
from shared.core.snapshot import File
from shared.errors import InputRefused
from shared.ports import Blobs

MOST_NAMES = 1000
"""Names of the landing container that are looked through."""
MOST_FOLDERS = 10


@dataclass(frozen=True, slots=True)
class Sample:
    """Files directly in a folder, the smallest first."""

    folder: Location
    files: tuple[File, ...]


def sample(blobs: Blobs, route: Route, folder: str | None = None) -> Sample | None:
    """Files that the route would score: of that folder, or of any that its pattern matches. None if there are none that
    are small enough. Raises Unavailable, and InputRefused for a folder that is no landing of the route."""
    if folder is not None and route.parts(folder) is None:
        raise InputRefused(f"folder is {folder!r}; it must be one that the route matches: {route.folder}.")
    for path in [folder] if folder is not None else islice(_folders(blobs, route), MOST_FOLDERS):
        place = Location(route.landing, path)
        small = [f for f in blobs.list_folder(place).files if route.wants(f.name) and 0 < f.size <= LARGEST_FILE]
        if small:
            return Sample(place, tuple(sorted(small, key=lambda file: (file.size, file.name))[:MOST_FILES]))
    return None


def _folders(blobs: Blobs, route: Route) -> Iterator[str]:
    seen = set()
    for path in islice(blobs.names(route.landing, fixed_prefix(route.folder)), MOST_NAMES):
        folder, _, name = path.rpartition("/")
        if folder not in seen and route.parts(folder) is not None and route.wants(name):
            seen.add(folder)
            yield folder
