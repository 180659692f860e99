"""Landings that nobody has seen yet, by the names of their folders alone: listing those costs the same whatever lies in
them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from shared.core.location import fixed_prefix, is_safe
from shared.core.route import Route
from shared.ports import Blobs
from shared.threads import each
from shared.work.surveying import Found, survey

MOST_FOLDERS = 200
"""Folders above landings that are listed. What a route with more of them has is found by the survey alone."""
MOST_LANDINGS = 1000
"""Landings that are looked into at a time; the others come next time, or with the survey."""
AT_ONCE = 16


def discovered(
    route: Route, routes: Sequence[Route], blobs: Blobs, *, is_known: Callable[[str], bool]
) -> Iterator[tuple[str, Found | None]]:
    """The landings of a route that are not known, by their paths; None: there is nothing to score in them. Only of a
    route whose landings are the folders that its pattern matches."""
    if not route.has_folders_alone:
        return
    # Nearly all are known, so that is asked first.
    new = (path for path in _folders(route, blobs, MOST_FOLDERS) if not is_known(path))
    paths = list(islice((path for path in new if is_safe(path) and route.parts(path) is not None), MOST_LANDINGS))

    def look(path: str) -> Found | None:
        return next((one for one in survey(route, routes, blobs, f"{path}/") if one.landing.path == path), None)

    yield from zip(paths, each(look, paths, at_once=AT_ONCE), strict=True)


def _folders(route: Route, blobs: Blobs, most: int) -> Iterator[str]:
    """The folders as deep as the pattern, above which there is nothing that it does not match."""
    levels = route.folder.split("/")
    above = [""]
    for depth, level in enumerate(levels):
        if len(above) > most:
            return
        below = list[str]()
        for folder in above:
            prefix = f"{folder}/{fixed_prefix(level)}".lstrip("/")
            found = (f"{prefix}{name}" for name in blobs.names(route.landing, prefix, folders=True))
            if depth == len(levels) - 1:
                yield from found
            else:
                below += islice((path for path in found if route.levels_below(path) is not None), most + 1)
        above = below
