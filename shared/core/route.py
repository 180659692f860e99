"""What a route says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from shared.core.inputs import Input, read_inputs
from shared.core.location import (
    Container,
    account_of,
    is_safe,
    placeholders,
)
from shared.core.matching import parts_in
from shared.core.nesting import cut, is_hidden
from shared.core.outputs import OutputTemplate, read_outputs
from shared.core.record import Record
from shared.core.selection import Selection

RESERVED = frozenset({"landing", "file", "run_id", "attempt", "route"})
"""Placeholders that Landfall fills in itself."""

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Ready(Record, frozen=True, kw_only=True):
    """When a landing is complete: nothing changed for `quiet`, or the file `marker` is there. Neither: nobody waits for
    that, and it is scored when somebody asks."""

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


FILES = 250_000
"""How many files of a landing are scored at the most where the route says nothing: a thousand times as many as most
have, and with these a look takes seconds."""

LANDING_RUNS_PER_DAY = 100
"""How many runs a landing may have in a day where the route says nothing: one whose folder changes for ever costs a job
for every change."""


class Limits(Record, frozen=True, kw_only=True):
    """What one landing may have at the most, how many runs may have a job at the same time (`active_runs` of the route,
    `endpoint_runs` of all routes at its endpoint), and how many may be claimed in a day (UTC), of the route and of any
    one landing. None: any number, and as many at an endpoint as its cluster has room for."""

    files: int = FILES
    bytes: int | None = None
    active_runs: int | None = None
    endpoint_runs: int | None = None
    runs_per_day: int | None = None
    landing_runs_per_day: int = LANDING_RUNS_PER_DAY


UNLIMITED = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One entry of routes.yaml, checked. `inputs`, `outputs` and `publish_path` are templates. `takes_files`: every
    file is a landing of its own, as the inputs say. `nested`: what becomes of sub-folders of a landing; None where
    every file is a landing, unless the route says it all the same. `shadow`: the deployment that scores the same beside
    the one whose results count. `on_request`: who asks for a run may change its settings and inputs."""

    name: str
    landing: Container
    folder: str
    selection: Selection
    nested: Literal["refuse", "split", "flatten"] | None
    ready: Ready
    endpoint: Endpoint
    shadow: str | None
    settings: JobSettings
    inputs: tuple[Input, ...]
    takes_files: bool
    outputs: tuple[OutputTemplate, ...]
    datastores: Mapping[str, Container]
    staging: str
    polling: Polling
    publish: Container
    publish_path: str
    on_request: bool
    limits: Limits = UNLIMITED

    @property
    def is_watched(self) -> bool:
        """Whether what lands is scored without being asked for."""
        return self.ready.quiet is not None or self.ready.marker is not None

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

    @property
    def has_folders_alone(self) -> bool:
        """Whether its landings are the folders that the pattern matches, and nothing else."""
        return not self.takes_files and self.nested != "split"

    @property
    def reaches_below(self) -> bool:
        """Whether files below the folders that the pattern matches are scored, too."""
        return self.nested in ("split", "flatten")

    def parts(self, folder: str) -> dict[str, str] | None:
        """The named parts of the path of a landing's folder, else None. No part is `.` or `..`: it may become a whole
        segment of a path."""
        if self.nested == "split":
            folder, below = cut(folder, self.folder)
            if below and (not is_safe(below) or is_hidden(f"{folder}/{below}", self.folder)):
                return None
        return _named(folder, self.folder)

    def below_pattern(self, folder: str) -> str:
        """What the path of a landing's folder has below the levels of the pattern; mostly nothing."""
        return cut(folder, self.folder)[1]

    def landing_of(self, path: str) -> str | None:
        """The landing that a blob counts for: as a file to score, as the marker, or, where sub-folders are refused, as
        a reason to refuse it. None: it is none of these."""
        folder, _, name = path.rpartition("/")
        home = self.home_of(folder)
        return None if home is None else self.landing_at(home, folder, name)

    def landing_at(self, home: str, folder: str, name: str) -> str | None:
        """The same for a file of that name in that folder, which has that home."""
        if is_hidden(folder, self.folder) or not (self.wants(name) or (self.is_marker(name) and folder == home)):
            return None
        return f"{folder}/{name}" if self.takes_files else home

    def levels_below(self, folder: str) -> tuple[str, ...] | None:
        """What the folder pattern has below a folder, level by level: nothing, if that is a landing's folder or part of
        one. None for a folder that has nothing to do with a landing."""
        levels = self.folder.split("/")
        depth = folder.count("/") + 1
        if depth > len(levels):
            return None if self.home_of(folder) is None or is_hidden(folder, self.folder) else ()
        return tuple(levels[depth:]) if _named(folder, "/".join(levels[:depth])) is not None else None

    def home_of(self, folder: str) -> str | None:
        """The folder of the landing that a folder is, or is a part of; None if there is none."""
        # Of each event every route is asked, and mostly it is none of its.
        home, _ = cut(folder, self.folder)
        if _named(home, self.folder) is None:
            return None
        if self.takes_files or self.nested == "split":
            return folder if self.parts(folder) is not None else None
        return home


def _named(folder: str, pattern: str) -> dict[str, str] | None:
    """The parts of a folder that a pattern matches, none of which is `.` or `..`."""
    parts = parts_in(folder, pattern)
    return None if parts is None or not {".", ".."}.isdisjoint(parts.values()) else parts


def _takes_files(inputs: Sequence[Input]) -> bool:
    return any(
        (one.names_the_landing and one.type == "uri_file") or "file" in placeholders(one.template) for one in inputs
    )


def duration(text: str) -> timedelta:
    """`30s`, `5m`, `2h`, `1d` as a timedelta; the schema has already refused anything else."""
    return timedelta(**{UNITS[text[-1]]: int(text[:-1])})


def read_route(name: str, raw: Mapping[str, Any]) -> Route:
    """The route in a mapping that satisfies the schema, with the schema's defaults."""
    landing, ready, endpoint = raw["landing"], raw.get("ready", {}), raw["endpoint"]
    polling, inputs = raw.get("polling", {}), read_inputs(raw["inputs"])
    takes_files = _takes_files(inputs)
    return Route(
        name=name,
        landing=_container(landing),
        folder=landing["folder"],
        selection=Selection(
            files=tuple(landing.get("files", ["*"])),
            exclude=tuple(landing.get("exclude", [])),
            ignores_case=landing.get("case", "sensitive") == "ignore",
        ),
        nested=landing.get("nested", None if takes_files else "refuse"),
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
        settings=read_settings(raw.get("settings", {})),
        inputs=inputs,
        takes_files=takes_files,
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
        on_request=raw.get("on_request", False),
        limits=Limits(**{name: most for name, most in raw.get("limits", {}).items() if most is not None}),
    )


def read_settings(raw: Mapping[str, Any]) -> JobSettings:
    """The settings in a mapping that satisfies the schema."""
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
