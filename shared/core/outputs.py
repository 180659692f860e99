"""What a job writes: outputs of a route, and of one attempt.

An output with a path of its own for every attempt tells whose a job is, and is the place beside which copies are laid.
One without is written to the deployment's default place, and found when the job has completed.

Source: Azure docs, how-to-access-data-batch-endpoints-jobs (outputs) and how-to-use-batch-model-deployments (default
place).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Literal

from shared.core.location import Container, Location, fill, is_safe, locate, placeholders
from shared.core.record import Record, change

OutputType = Literal["uri_file", "uri_folder"]
OutputMode = Literal["rw_mount", "upload"]

WIRE: Mapping[str, str] = {"uri_file": "UriFile", "uri_folder": "UriFolder"}
MODES: Mapping[str, str] = {"rw_mount": "ReadWriteMount", "upload": "Upload"}

MANIFEST = "_run.json"
SUCCESS = "_SUCCESS"
OWN_NAMES = frozenset({MANIFEST, SUCCESS})
"""What Landfall itself writes in a run folder, beside the outputs."""

ATTEMPT = "{attempt}"
"""Is left open in an output until the attempt is known."""


class OutputTemplate(Record, frozen=True, kw_only=True):
    """An output of a route. `path`: None where the deployment writes to its default place. `mode`: how it is written;
    None: as the service does it."""

    name: str
    type: OutputType
    path: str | None = None
    mode: OutputMode | None = None


class Output(Record, frozen=True, kw_only=True):
    """Where an attempt writes: `uri` in Azure ML's notation, `place` in storage. Both name the same file or folder."""

    name: str
    uri: str
    place: Location
    type: OutputType = "uri_file"
    mode: OutputMode | None = None

    @property
    def folder(self) -> Location:
        """The folder of which everything is published: around a file, since scripts write further files there."""
        return self.place.parent if self.type == "uri_file" else self.place

    def of(self, attempt: int | str) -> Output:
        """The output that an attempt asks for."""
        # Not `fill`: the other placeholders are filled in already, and a folder's own name may hold braces.
        path = self.place.path.replace(ATTEMPT, str(attempt))
        return change(self, uri=self.uri.replace(ATTEMPT, str(attempt)), place=Location(self.place.container, path))


def read_outputs(raw: Mapping[str, Any]) -> tuple[OutputTemplate, ...]:
    """The outputs of a route, from a mapping that satisfies the schema."""
    return tuple(
        OutputTemplate(name=name, type=given["type"], path=_without_scheme(given.get("path")), mode=given.get("mode"))
        for name, given in raw.items()
    )


def fill_output(
    template: OutputTemplate, values: Mapping[str, str], datastores: Mapping[str, Container]
) -> Output | None:
    """The output of one run; None where the deployment writes to its default place. Raises ValueError for a path that
    is in no known datastore."""
    if template.path is None:
        return None
    uri = fill(template.path, values)
    place = locate(uri, datastores)
    if place is None:
        raise ValueError(f"output {uri!r} is not in a known datastore")
    return Output(name=template.name, uri=uri, place=place, type=template.type, mode=template.mode)


def wire_of(output: Output) -> dict[str, Any]:
    """What is sent for an output."""
    mode = {"mode": MODES[output.mode]} if output.mode else {}
    return {"jobOutputType": WIRE[output.type], "uri": output.uri, **mode}


def output_problems(
    outputs: Sequence[OutputTemplate], datastores: Mapping[str, Container], known: frozenset[str]
) -> Iterator[tuple[str, str]]:
    """What is wrong with the outputs of a route: a field and a message each. `known`: the placeholders that can be
    used."""
    if not datastores and any(output.path is None for output in outputs):
        yield "datastores", "must name the datastore in which outputs without a path are, to be found there"
    if len(outputs) > 1:
        for name in sorted(OWN_NAMES & {output.name for output in outputs}):
            yield f"outputs.{name}", "is what Landfall itself writes in the run folder; give the output another name"
    folders: dict[str, Location] = {}
    for output in outputs:
        if output.path is None:
            continue
        field = f"outputs.{output.name}.path"
        for name in sorted(placeholders(output.path) - known):
            expected = ", ".join(f"{{{placeholder}}}" for placeholder in sorted(known))
            yield field, f"{{{name}}} cannot be used here; use {expected}"
        place = locate(output.path, datastores)
        if place is None:
            listed = ", ".join(sorted(datastores)) or "none"
            yield (
                field,
                f"{output.path!r} is not in a known datastore (known: {listed}); add the datastore under datastores",
            )
            continue
        folder = place.parent if output.type == "uri_file" else place
        folders[field] = folder
        if not {"run_id", "attempt"} <= placeholders(folder.path):
            where = "the file name" if output.type == "uri_file" else "its last segment, or as that"
            yield field, f"every attempt needs its own folder; put {{run_id}}/{{attempt}}/ before {where}"
        if not is_safe(place.path):
            yield field, f"{output.path!r} must not have a . or .. segment"
    for (one, ours), (other, theirs) in combinations(folders.items(), 2):
        if _is_within(ours, theirs) or _is_within(theirs, ours):
            yield other, f"is in the same folder as {one}; give every output a folder of its own"


def _is_within(inner: Location, outer: Location) -> bool:
    return inner.container.identity == outer.container.identity and f"{inner.path}/".startswith(f"{outer.path}/")


def _without_scheme(path: str | None) -> str | None:
    """The ARM id of a folder without the `azureml:` that may stand before it."""
    return path.removeprefix("azureml:") if path is not None and path.startswith("azureml:/subscriptions/") else path
