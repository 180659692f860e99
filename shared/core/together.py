"""What is wrong with routes together: two that claim the same file, and results that would land again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from shared.core.location import Location, fixed_prefix, locate, prefixes_overlap
from shared.core.matching import patterns_can_both_match
from shared.core.route import Route
from shared.core.selection import Selection
from shared.errors import Problem


def problems_between(routes: Sequence[Route]) -> Iterator[Problem]:
    """All that is wrong with these routes together."""
    for one, other in combinations(routes, 2):
        if _overlap(one, other):
            message = "matches the same files or marker as route {!r}; use a different folder, file globs or marker"
            yield Problem(one.name, "landing.folder", message.format(other.name))
            yield Problem(other.name, "landing.folder", message.format(one.name))
    for writer in routes:
        for field, place in _written(writer):
            for reader in routes:
                if _lands_in(place, reader):
                    yield Problem(
                        writer.name,
                        field,
                        f"would write where route {reader.name!r} reads ({reader.landing.url}/"
                        f"{fixed_prefix(reader.folder)}…), so the results would be scored again; "
                        "use another container or folder",
                    )


def _overlap(one: Route, other: Route) -> bool:
    return (
        one.landing.identity == other.landing.identity
        and (_can_meet(one, other) or _can_meet(other, one))
        and any(ours.may_share_a_file_with(theirs) for ours in _taken(one) for theirs in _taken(other))
    )


def _can_meet(one: Route, other: Route) -> bool:
    """Whether a folder of the other route may be one of this route, or below one that it reaches below."""
    depth, theirs = one.folder.count("/") + 1, other.folder.split("/")
    return patterns_can_both_match(one.folder, "/".join(theirs[:depth] if one.reaches_below else theirs))


def _taken(route: Route) -> Iterator[Selection]:
    """What a route looks at: the files to score, and its marker."""
    yield route.selection
    if route.ready.marker is not None:
        yield Selection(files=(route.ready.marker,), ignores_case=route.selection.ignores_case)


def _written(route: Route) -> Iterator[tuple[str, Location]]:
    for output in route.outputs:
        place = locate(output.path or "", route.datastores)
        if place is not None:
            yield f"outputs.{output.name}.path", place
    yield "publish.path", Location(route.publish, route.publish_path + "/")


def _lands_in(place: Location, reader: Route) -> bool:
    return place.container.identity == reader.landing.identity and prefixes_overlap(
        fixed_prefix(place.path), fixed_prefix(reader.folder + "/")
    )
