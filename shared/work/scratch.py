"""Folders of the doctor's own: all that is in them is removed again, and so are the directories that were made."""

from __future__ import annotations

from collections.abc import Iterator

from shared.core.location import Location
from shared.errors import Unavailable
from shared.ports import Blobs


def missing_directories(blobs: Blobs, folder: Location) -> tuple[Location, ...]:
    """The directories that writing into a folder will make, from the innermost on: an account with a hierarchy keeps
    them when the last file in them is gone. None on other accounts. Raises Unavailable."""
    if not blobs.is_hierarchical(folder.container):
        return ()
    parts = folder.path.split("/")
    above = [Location(folder.container, "/".join(parts[:depth])) for depth in range(len(parts), 0, -1)]
    return tuple(place for place in above if not _is_there(blobs, place))


def _is_there(blobs: Blobs, folder: Location) -> bool:
    # Nothing follows the folder's own path in the names of what is in it, up to the next slash.
    return any(not rest for rest in blobs.names(folder.container, folder.path, folders=True))


def clean(blobs: Blobs, folder: Location, made: tuple[Location, ...]) -> None:
    """Remove all that is in a folder, and the directories that were made for it as far as nobody else has begun to use
    them. Raises Unavailable, also if something is still there."""
    for file in list(blobs.list_below(folder)):
        blobs.delete(folder.at(file.name))
    for directory in (*_directories_in(blobs, folder), *made):
        if not blobs.remove_folder(directory):
            break
    if left := list(blobs.list_below(folder)):
        raise Unavailable(f"{folder.url} still holds {len(left)} file(s).")


def _directories_in(blobs: Blobs, folder: Location) -> Iterator[Location]:
    """The directories below a folder, each after those that are in it."""
    for name in list(blobs.names(folder.container, f"{folder.path}/", folders=True)):
        yield from _directories_in(blobs, folder.at(name))
        yield folder.at(name)
