"""What is wrong with one route that its schema cannot see."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from shared.core.inputs import THE_LANDING, Input, input_problems
from shared.core.location import PLACEHOLDER, Location, is_safe, locate, placeholders
from shared.core.outputs import output_problems
from shared.core.route import RESERVED, Route
from shared.errors import Problem


def problems_of(route: Route) -> Iterator[Problem]:
    """What is wrong with one route that its schema cannot see."""
    parts = placeholders(route.folder)
    yield from _url_problems(route)
    yield from _placeholder_problems(route, parts)
    yield from _input_problems(route, parts)
    yield from _output_problems(route, parts)
    if route.selection.is_void:
        yield Problem(route.name, "landing.exclude", "leaves out everything that files matches; remove a glob from it")
    if route.ready.quiet is not None and route.ready.quiet > route.ready.longest_wait:
        yield Problem(route.name, "ready.longest_wait", "is shorter than ready.quiet; make it longer")
    if route.polling.start_deadline > route.polling.deadline:
        yield Problem(route.name, "polling.start_deadline", "is longer than polling.deadline; make it shorter")
    if not is_safe(route.publish_path):
        yield Problem(route.name, "publish.path", f"{route.publish_path!r} must not have an empty, . or .. segment")
    if route.shadow is not None:
        yield from _shadow_problems(route)
    if route.takes_files and route.ready.marker:
        yield Problem(route.name, "ready.marker", "a route with a uri_file input has no folder for a marker; use quiet")
    yield from _nested_problems(route)


def _url_problems(route: Route) -> Iterator[Problem]:
    urls = {
        "landing.account_url": route.landing.account_url,
        "endpoint.scoring_uri": route.endpoint.scoring_uri,
        "publish.account_url": route.publish.account_url,
        **{f"datastores.{name}.account_url": place.account_url for name, place in route.datastores.items()},
    }
    for field, url in urls.items():
        if not _can_be_asked(url):
            hint = "is no address that can be asked; write https://, the name of the host, and its path"
            yield Problem(route.name, field, f"{url!r} {hint}")


def _can_be_asked(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # `port` raises for one that there cannot be.
        return bool(parts.hostname) and parts.port != 0 and parts.username is None
    except ValueError:
        return False


def _shadow_problems(route: Route) -> Iterator[Problem]:
    if route.shadow == route.endpoint.deployment:
        yield Problem(route.name, "endpoint.shadow", "is the deployment itself; name another one, or leave it out")
    if route.output is None:
        hint = "their jobs are told apart by what they write; give an output a path"
        yield Problem(route.name, "endpoint.shadow", hint)


def _nested_problems(route: Route) -> Iterator[Problem]:
    if route.takes_files and route.nested is not None:
        told = "says what becomes of sub-folders of a landing, but with a uri_file input every file is a landing; leave"
        yield Problem(route.name, "landing.nested", f"{told} it out (null, if it is a default)")
    if route.nested == "flatten" and route.staging == "never":
        told = "must not be never with landing.nested: flatten, which scores copies of the files in sub-folders; use"
        yield Problem(route.name, "staging", f"{told} when_needed or always")
    if route.nested == "flatten" and route.output is None:
        told = "flatten scores copies, which are laid beside an output with a path; give an output a path, or use split"
        yield Problem(route.name, "landing.nested", told)


def _placeholder_problems(route: Route, parts: frozenset[str]) -> Iterator[Problem]:
    names = PLACEHOLDER.findall(route.folder)
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Problem(route.name, "landing.folder", f"{{{name}}} appears twice; give each placeholder its own name")
    for name in sorted(parts & RESERVED):
        yield Problem(route.name, "landing.folder", f"{{{name}}} is reserved for Landfall; rename the placeholder")
    if set("{}") & set(PLACEHOLDER.sub("", route.folder)):
        hint = "a placeholder is a name in braces: lower-case letters, digits and underscores, e.g. {batch}"
        yield Problem(route.name, "landing.folder", f"{route.folder!r} has a stray brace; {hint}")
    known = parts | {"route"}
    for name in sorted(placeholders(route.publish_path) - known):
        expected = ", ".join(f"{{{placeholder}}}" for placeholder in sorted(known))
        yield Problem(route.name, "publish.path", f"{{{name}}} cannot be used here; use {expected}")


def _input_problems(route: Route, parts: frozenset[str]) -> Iterator[Problem]:
    known = (parts | RESERVED) - {"attempt"} - (frozenset() if route.takes_files else {"file"})
    for one in route.inputs:
        for field, message in input_problems(one, known):
            yield Problem(route.name, field, message)
        if one.names_the_landing and not _is_the_landing(route, one):
            yield _not_the_landing(route, one)
        if one.names_the_landing and (one.type == "uri_file") is not route.takes_files:
            yield Problem(
                route.name,
                f"inputs.{one.name}.type",
                "must be uri_file: in this route every file is a landing of its own, as another input says",
            )
    if not any(one.names_the_landing for one in route.inputs):
        data = [one for one in route.inputs if one.is_data]
        if len(data) == 1:
            yield _not_the_landing(route, data[0])
        else:
            hint = f"none of them is the landing; give one the path {route.landing.url}/{{landing}}"
            yield Problem(route.name, "inputs", hint)


def _not_the_landing(route: Route, one: Input) -> Problem:
    return Problem(
        route.name,
        f"inputs.{one.name}.path",
        f"{one.template!r} does not point at the landing; use {route.landing.url}/{{landing}}, or "
        f"azureml://datastores/NAME/paths/{{landing}} with NAME in datastores pointing at {route.landing.url}",
    )


def _is_the_landing(route: Route, one: Input) -> bool:
    found = locate(one.template, route.datastores, (route.landing,))
    return found in [Location(route.landing, f"{{{name}}}") for name in THE_LANDING]


def _output_problems(route: Route, parts: frozenset[str]) -> Iterator[Problem]:
    for field, message in output_problems(route.outputs, route.datastores, (parts | RESERVED) - {"landing", "file"}):
        yield Problem(route.name, field, message)
    if route.output is None:
        if route.staging == "always":
            yield Problem(
                route.name, "staging", "copies are laid beside an output; give one a path, or set staging to never"
            )
        return
    name = (route.output.path or "").rpartition("/")[2]
    if route.settings.output_file_name not in (None, name):
        yield Problem(
            route.name,
            "settings.output_file_name",
            f"is not the file name {name!r} at the end of outputs.{route.output.name}.path; leave it out, or write "
            "the same name",
        )
