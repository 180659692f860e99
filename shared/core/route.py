"""What a route says, and how routes are checked: alone, and together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from typing import Any, Literal

from shared.core.inputs import THE_LANDING, Input, input_problems, read_inputs
from shared.core.location import (
    PLACEHOLDER,
    Container,
    Location,
    account_of,
    fixed_prefix,
    is_safe,
    locate,
    pattern_regex,
    patterns_can_both_match,
    placeholders,
    prefixes_overlap,
)
from shared.core.outputs import OutputTemplate, output_problems, read_outputs
from shared.core.record import Record
from shared.core.selection import Selection
from shared.errors import Problem

RESERVED = frozenset({"landing", "file", "run_id", "attempt", "route"})
"""Placeholders that Landfall fills in itself."""

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Ready(Record, frozen=True, kw_only=True):
    """When a landing is complete: nothing changed for `quiet`, or the file `marker` is there."""

    quiet: timedelta | None
    marker: str | None
    longest_wait: timedelta
    scores_after_longest_wait: bool


class Endpoint(Record, frozen=True, kw_only=True):
    """The batch endpoint that scores. `workspace`: its ARM id; None: it is looked up. `deployment`: None is the
    endpoint's default one."""

    scoring_uri: str
    workspace: str | None = None
    deployment: str | None = None


class RetrySettings(Record, frozen=True, kw_only=True):
    """How often a mini batch is tried, and how long one call of `run()` may take. None: as deployed."""

    max_retries: int | None = None
    timeout: timedelta | None = None


class JobSettings(Record, frozen=True, kw_only=True):
    """What a job does differently from its deployment, by the names of a deployment's own settings. None: as deployed.
    All but `experiment_name` are for model deployments, and that is for pipeline component deployments.

    Source of the names: `ModelBatchDeploymentSettings` of azure-ai-ml. These are the ones that an invocation takes.
    """

    mini_batch_size: int | None = None
    instance_count: int | None = None
    max_concurrency_per_instance: int | None = None
    error_threshold: int | None = None
    retry_settings: RetrySettings | None = None
    output_file_name: str | None = None
    logging_level: Literal["debug", "info", "warning"] | None = None
    experiment_name: str | None = None


class Polling(Record, frozen=True, kw_only=True):
    """How a job is followed."""

    first: timedelta
    longest: timedelta
    start_deadline: timedelta
    deadline: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One entry of routes.yaml, checked. `inputs`, `outputs` and `publish_path` are templates. `shadow`: the deployment
    that scores the same beside the one whose results count."""

    name: str
    landing: Container
    folder: str
    selection: Selection
    ready: Ready
    endpoint: Endpoint
    shadow: str | None
    settings: JobSettings
    inputs: tuple[Input, ...]
    outputs: tuple[OutputTemplate, ...]
    datastores: Mapping[str, Container]
    staging: str
    polling: Polling
    publish: Container
    publish_path: str

    @property
    def takes_files(self) -> bool:
        """Whether every file is a landing of its own."""
        return any(
            (one.names_the_landing and one.type == "uri_file") or "file" in placeholders(one.template)
            for one in self.inputs
        )

    @property
    def input(self) -> Input:
        """The input that is the landing; where several are, the first of them."""
        return next(one for one in self.inputs if one.names_the_landing)

    @property
    def output(self) -> OutputTemplate | None:
        """The first output with a path of its own: it tells whose a job is. None: all go to their default places."""
        return next((one for one in self.outputs if one.path is not None), None)

    @property
    def account(self) -> str:
        return account_of(self.landing.account_url)

    def containers(self) -> Iterator[tuple[str, Container]]:
        """Every container that the route reads or writes, with the field that says so."""
        yield "landing.container", self.landing
        yield "publish.container", self.publish
        for name, container in self.datastores.items():
            yield f"datastores.{name}.container", container

    def wants(self, name: str) -> bool:
        """Whether a file of that name (no folder) is to be scored."""
        return self.selection.has(name) and not self.is_marker(name)

    def is_marker(self, name: str) -> bool:
        """Whether a file of that name (no folder) marks its folder as complete."""
        return self.ready.marker is not None and self.selection.is_same(name, self.ready.marker)

    def parts(self, folder: str) -> dict[str, str] | None:
        """The named parts of a folder that the pattern matches, else None. No part is `.` or `..`: it may become a
        whole segment of a path."""
        match = pattern_regex(self.folder).fullmatch(folder)
        if match is None or {".", ".."} & set(match.groups()):
            return None
        return match.groupdict()

    def levels_below(self, folder: str) -> tuple[str, ...] | None:
        """What the folder pattern has below a folder, level by level: nothing, if it matches that folder. None for a
        folder in which there is no landing."""
        levels = self.folder.split("/")
        depth = folder.count("/") + 1
        match = pattern_regex("/".join(levels[:depth])).fullmatch(folder)
        if match is None or {".", ".."} & set(match.groups()):
            return None
        return tuple(levels[depth:])


def duration(text: str) -> timedelta:
    """`30s`, `5m`, `2h`, `1d` as a timedelta; the schema has already refused anything else."""
    return timedelta(**{UNITS[text[-1]]: int(text[:-1])})


def read_route(name: str, raw: Mapping[str, Any]) -> Route:
    """The route in a mapping that satisfies the schema, with the schema's defaults."""
    landing, ready, endpoint = raw["landing"], raw["ready"], raw["endpoint"]
    polling = raw.get("polling", {})
    return Route(
        name=name,
        landing=_container(landing),
        folder=landing["folder"],
        selection=Selection(
            files=tuple(landing.get("files", ["*"])),
            exclude=tuple(landing.get("exclude", [])),
            ignores_case=landing.get("case", "sensitive") == "ignore",
        ),
        ready=Ready(
            quiet=duration(ready["quiet"]) if "quiet" in ready else None,
            marker=ready.get("marker"),
            longest_wait=duration(ready.get("longest_wait", "1d")),
            scores_after_longest_wait=ready.get("then", "score" if "quiet" in ready else "fail") == "score",
        ),
        endpoint=Endpoint(
            scoring_uri=endpoint["scoring_uri"],
            workspace=endpoint.get("workspace"),
            deployment=endpoint.get("deployment"),
        ),
        shadow=endpoint.get("shadow"),
        settings=_settings(raw.get("settings", {})),
        inputs=read_inputs(raw["inputs"]),
        outputs=read_outputs(raw.get("outputs", {})),
        datastores={store: _container(place) for store, place in raw.get("datastores", {}).items()},
        staging=raw.get("staging", "when_needed"),
        polling=Polling(
            first=duration(polling.get("first", "15s")),
            longest=duration(polling.get("longest", "5m")),
            start_deadline=duration(polling.get("start_deadline", "2h")),
            deadline=duration(polling.get("deadline", "1d")),
        ),
        publish=_container(raw["publish"]),
        publish_path=raw["publish"]["path"],
    )


def problems_of(route: Route) -> Iterator[Problem]:
    """What is wrong with one route that its schema cannot see."""
    parts = placeholders(route.folder)
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


def _shadow_problems(route: Route) -> Iterator[Problem]:
    if route.shadow == route.endpoint.deployment:
        yield Problem(route.name, "endpoint.shadow", "is the deployment itself; name another one, or leave it out")
    if route.output is None:
        hint = "their jobs are told apart by what they write; give an output a path"
        yield Problem(route.name, "endpoint.shadow", hint)


def problems_between(routes: Sequence[Route]) -> Iterator[Problem]:
    """What is wrong with routes together: two that claim the same file, and results that would land again."""
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


def _overlap(one: Route, other: Route) -> bool:
    return (
        one.landing.identity == other.landing.identity
        and patterns_can_both_match(one.folder, other.folder)
        and any(ours.may_share_a_file_with(theirs) for ours in _taken(one) for theirs in _taken(other))
    )


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


def _settings(raw: Mapping[str, Any]) -> JobSettings:
    return JobSettings(
        mini_batch_size=raw.get("mini_batch_size"),
        instance_count=raw.get("instance_count"),
        max_concurrency_per_instance=raw.get("max_concurrency_per_instance"),
        error_threshold=raw.get("error_threshold"),
        retry_settings=_retry_settings(raw.get("retry_settings", {})),
        output_file_name=raw.get("output_file_name"),
        logging_level=raw.get("logging_level"),
        experiment_name=raw.get("experiment_name"),
    )


def _retry_settings(raw: Mapping[str, Any]) -> RetrySettings | None:
    if not raw:
        return None
    # Azure writes this one duration as a number of seconds.
    timeout = timedelta(seconds=raw["timeout"]) if "timeout" in raw else None
    return RetrySettings(max_retries=raw.get("max_retries"), timeout=timeout)


def _container(raw: Mapping[str, Any]) -> Container:
    return Container(raw["account_url"], raw["container"])
