"""Why no route takes a file: the nearest miss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from shared.core.matching import glob_matches, parts_in
from shared.core.nesting import is_hidden
from shared.core.route import Route
from shared.core.selection import folded
from shared.errors import Problem

ALIKE = 0.6
"""From this ratio on, one name may be meant by the other. Source: Python's own `get_close_matches`."""

MOST_TOLD = 5


class Reason(StrEnum):
    """Why a file is not taken."""

    CASE = "case"
    FILES = "files"
    EXCLUDED = "excluded"
    MARKER = "marker"
    HIDDEN = "hidden"
    DEPTH = "depth"
    FOLDER = "folder"
    CONTAINER = "container"
    BROKEN_ROUTE = "broken_route"
    NO_ROUTE = "no_route"


@dataclass(frozen=True, slots=True)
class Miss:
    """Why a file is not taken: by which route it almost is, why it is not, and what to do."""

    reason: Reason
    route: str | None
    message: str
    do: str


@dataclass(frozen=True, slots=True)
class Near:
    """A miss, and how far it is from a match: the smaller, the nearer."""

    distance: float
    miss: Miss


def nearest_miss(
    account: str | None, container: str, path: str, routes: Sequence[Route], *, is_folder: bool = False
) -> Miss:
    """The nearest miss of a path that none of the routes takes. `account`: None where it is not told."""
    found = list(_misses(account, container, path, routes, is_folder=is_folder))
    if found:
        return min(found, key=lambda near: near.distance).miss
    here = [route for route in routes if _is_in(route, account, container)]
    if here:
        told = _listed([route.folder for route in here])
        message = f"no folder of a route is like it; routes read from container {container}: {told}"
    else:
        told = _listed([f"{route.landing.name} (account {route.account})" for route in routes])
        message = f"no route reads container {container!r}{_of(account)}; routes read: {told or 'nothing'}"
    return Miss(Reason.NO_ROUTE, None, message, "Write it where a route reads, or add a route to routes.yaml.")


def broken_route(problems: Sequence[Problem], nearest: Miss | None) -> Miss:
    """A route with a problem may be the one that would take it; it is not known what that one takes."""
    told = "; ".join(str(problem) for problem in problems[:MOST_TOLD])
    message = f"routes with problems take nothing, and one of them may be the one for it ({told})"
    if nearest is not None:
        message += f". Of the other routes: {nearest.message}"
    route = problems[0].route or None if problems else None
    return Miss(
        Reason.BROKEN_ROUTE, route, message, "Correct routes.yaml and deploy it; the sweep then finds the file."
    )


def _misses(
    account: str | None, container: str, path: str, routes: Sequence[Route], *, is_folder: bool
) -> Iterator[Near]:
    for route in routes:
        folder, _, name = (path, "", "") if is_folder else path.rpartition("/")
        if not _is_in(route, account, container):
            if not is_folder and route.landing_of(path) is not None:
                yield Near(0.5, _elsewhere(route, account, container))
        elif is_hidden(folder, route.folder) and _levels_matched(route, folder) == route.folder.count("/") + 1:
            yield Near(0, _hidden(route, folder))
        elif (home := route.home_of(folder)) is not None:
            if name:
                yield _by_name(route, folder, home, name)
        else:
            yield from _by_folder(route, folder)


def _is_in(route: Route, account: str | None, container: str) -> bool:
    return route.landing.name == container and account in (None, route.account)


def _elsewhere(route: Route, account: str | None, container: str) -> Miss:
    message = (
        f"it is in container {container!r}{_of(account)}, but route {route.name!r} reads container "
        f"{route.landing.name!r} of account {route.account!r}"
    )
    return Miss(Reason.CONTAINER, route.name, message, f"Write it to {route.landing.url}.")


def _hidden(route: Route, folder: str) -> Miss:
    message = (
        f"folder {folder} has a segment that begins with _ or . below {route.folder} of route {route.name!r}; writers "
        "keep there what is none of the data"
    )
    return Miss(Reason.HIDDEN, route.name, message, "Move it to a folder with another name.")


def _by_name(route: Route, folder: str, home: str, name: str) -> Near:
    """The folder is right, the name is not."""
    chosen, of = route.selection, f"of route {route.name!r}"
    spell = folded if chosen.ignores_case else str
    if route.is_marker(name) and folder != home:
        message = f"{name!r} is the marker {of}, but it counts only directly in {home}"
        return Near(0, Miss(Reason.MARKER, route.name, message, f"Write the marker to {home}."))
    left_out = next((glob for glob in chosen.exclude if glob_matches(spell(glob), spell(name))), None)
    files = " or ".join(chosen.files)
    if left_out is not None:
        message = f"{name!r} is left out by landing.exclude {left_out} {of}"
        return Near(0, Miss(Reason.EXCLUDED, route.name, message, "Rename it, or remove that glob."))
    if any(glob_matches(folded(glob), folded(name)) for glob in chosen.files):
        message = f"{name!r} does not match {files} {of}; patterns mind case"
        return Near(0, Miss(Reason.CASE, route.name, message, "Rename it, or set landing.case: ignore."))
    message = f"{name!r} does not match {files} {of}"
    return Near(1, Miss(Reason.FILES, route.name, message, "Rename it, or add a glob for it to landing.files."))


def _by_folder(route: Route, folder: str) -> Iterator[Near]:
    segments, levels = _segments(folder), route.folder.split("/")
    of = f"{route.folder} of route {route.name!r}"
    matched = _levels_matched(route, folder)
    if matched == min(len(segments), len(levels)):
        if not matched:  # at the root of the container, which is above every route
            matched = -1
        apart = len(segments) - len(levels)
        where = f"folder {folder}" if folder else "the container itself"
        told = f"{_number(abs(apart))} {'deeper than' if apart > 0 else 'above'}"
        message = f"{where} is {told} {of}"
        miss = Miss(Reason.DEPTH, route.name, message, f"Write it to a folder that matches {route.folder}.")
        yield Near(1.5 + abs(apart) / 100 if matched > 0 else 3.5, miss)
        return
    segment, level = segments[matched], levels[matched]
    do = f"Write it to a folder that matches {route.folder}, or change landing.folder."
    message = f"folder {folder} does not match {of}: {segment!r} is not {level!r}"
    ratio = SequenceMatcher(None, folded(segment), folded(level)).ratio()
    if parts_in(folded(segment), folded(level)) is not None:
        distance = 1.2 + abs(len(segments) - len(levels)) / 10
        yield Near(distance, Miss(Reason.FOLDER, route.name, f"{message}; patterns mind case", do))
    elif matched or ratio >= ALIKE:
        yield Near(3 - matched / 100 - ratio / 1000, Miss(Reason.FOLDER, route.name, message, do))


def _levels_matched(route: Route, folder: str) -> int:
    """How many levels of the pattern the folder has, from the top on."""
    segments, levels = _segments(folder), route.folder.split("/")
    for number, (segment, level) in enumerate(zip(segments, levels, strict=False)):
        if parts_in(segment, level) is None:
            return number
    return min(len(segments), len(levels))


def _segments(folder: str) -> list[str]:
    return folder.split("/") if folder else []


def _number(levels: int) -> str:
    return "one level" if levels == 1 else f"{levels} levels"


def _of(account: str | None) -> str:
    return f" of account {account!r}" if account else ""


def _listed(names: Sequence[str]) -> str:
    different = list(dict.fromkeys(names))
    more = f" and {len(different) - MOST_TOLD} more" if len(different) > MOST_TOLD else ""
    return ", ".join(different[:MOST_TOLD]) + more
