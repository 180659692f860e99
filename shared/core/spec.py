"""The spec of a run: where its files are, how they are scored, and where its results go.

It is written when the run is claimed, and again before each later attempt as long as there is no job: a corrected
route is then used. From then on it is fixed, whatever becomes of the route.
"""

from __future__ import annotations

from typing import Literal

from shared.core.landing import Landing
from shared.core.location import Location, fill, is_safe, locate
from shared.core.record import Record
from shared.core.route import Endpoint, JobSettings, Polling
from shared.core.snapshot import Snapshot

LONGEST_SUFFIX = "/" + "x" * 100
"""Room for the outputs' names below a run folder."""


class Input(Record, frozen=True, kw_only=True):
    """What the endpoint is given to score, in Azure ML's notation."""

    name: str
    type: Literal["uri_folder", "uri_file"]
    uri: str


class Output(Record, frozen=True, kw_only=True):
    """Where an attempt writes: `uri` in Azure ML's notation, `place` in storage. Both name the same file."""

    name: str
    uri: str
    place: Location


class JobRequest(Record, frozen=True, kw_only=True):
    """What one attempt asks the endpoint for. No two attempts share an output, so it tells whose a job is."""

    endpoint: Endpoint
    settings: JobSettings
    input: Input
    output: Output


class RunSpec(Record, frozen=True, kw_only=True):
    """All that carrying out a run needs to know. Holds addresses and numbers, no secrets.

    `output` is a template: `{attempt}` is left open in it. `scores_copies`: the endpoint is given copies of the
    snapshot's files instead of the landing itself; `may_copy`: that can still be decided. `refusal`: why it must not
    be carried out.
    """

    landing: Location
    endpoint: Endpoint
    settings: JobSettings
    input: Input
    output: Output
    publish: Location
    polling: Polling
    scores_copies: bool
    may_copy: bool
    refusal: str | None = None

    @property
    def takes_file(self) -> bool:
        """Whether the landing is a single file."""
        return self.input.type == "uri_file"

    @property
    def folder(self) -> Location:
        """The folder that the snapshot's files are in."""
        return self.landing.parent if self.takes_file else self.landing

    @property
    def copies(self) -> Location:
        """The folder where copies of the files are put when the landing itself cannot be handed to the endpoint."""
        return self.output_of("input").place.parent

    def output_of(self, attempt: int | str) -> Output:
        """The output that an attempt asks for."""
        # Not `fill`: the other placeholders are filled in already, and a folder's own name may hold braces.
        uri, place = self.output.uri, self.output.place
        path = place.path.replace("{attempt}", str(attempt))
        return Output(
            name=self.output.name, uri=uri.replace("{attempt}", str(attempt)), place=Location(place.container, path)
        )

    def request(self, attempt: int) -> JobRequest:
        """What that attempt asks the endpoint for."""
        return JobRequest(
            endpoint=self.endpoint, settings=self.settings, input=self._input(), output=self.output_of(attempt)
        )

    def _input(self) -> Input:
        if not self.scores_copies:
            return self.input
        folder = self.output_of("input").uri.rpartition("/")[0]
        uri = f"{folder}/{self.landing.name}" if self.takes_file else folder
        return Input(name=self.input.name, type=self.input.type, uri=uri)


def write_spec(
    landing: Landing, snapshot: Snapshot, run_id: str, *, refusal: str | None = None, copies: bool = False
) -> RunSpec:
    """The spec for scoring that snapshot of that landing, by its route as it is now. `copies`: score copies wherever
    the route allows it. Raises ValueError for a route that was not checked.

    A landing whose name a URL can only have percent-encoded is scored as copies, too: whether the endpoint decodes the
    URLs of its inputs or takes them literally is not documented, and the copies' path needs no encoding.
    """
    route = landing.route
    values = {**landing.parts, "run_id": run_id, "route": route.name, "landing": landing.path, "attempt": "{attempt}"}
    output_uri = fill(route.output_path, values)
    output = locate(output_uri, route.datastores)
    if output is None:
        raise ValueError(f"route {route.name!r}: output {output_uri!r} is not in a known datastore")
    mixed = snapshot.others > 0 and not route.takes_files
    publish = Location(route.publish, f"{fill(route.publish_path, values)}/run_id={run_id}")
    input_uri = fill(route.input_path, values)
    ambiguous = input_uri.startswith("https://") and landing.location.is_spelled_otherwise_in_urls
    return RunSpec(
        landing=landing.location,
        endpoint=route.endpoint,
        settings=route.settings,
        input=Input(
            name=route.input_name,
            type=route.input_type,
            uri=landing.location.url if input_uri.startswith("https://") else input_uri,
        ),
        output=Output(name=route.output_name, uri=output_uri, place=output),
        publish=publish,
        polling=route.polling,
        scores_copies=route.staging == "always" or (route.staging == "when_needed" and (mixed or copies or ambiguous)),
        may_copy=route.staging != "never",
        refusal=_path_refusal(publish, output) or refusal or _mixed_refusal(route.staging, snapshot, mixed=mixed),
    )


def _path_refusal(publish: Location, output: Location) -> str | None:
    if is_safe(publish.path + LONGEST_SUFFIX) and is_safe(output.path):
        return None
    return f"The landing's name is too long for the paths built from it: {publish.path!r}. Use a shorter name."


def _mixed_refusal(staging: str, snapshot: Snapshot, *, mixed: bool) -> str | None:
    if not mixed or staging != "never":
        return None
    return (
        f"The folder holds {snapshot.others} file(s) that the route does not score, and the endpoint would score "
        "them too. Remove them, or set staging to when_needed. Then upload the files again."
    )
