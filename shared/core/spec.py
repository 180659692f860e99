"""The spec of a run: where its files are, how they are scored, and where its results go.

It is written when the run is claimed, and again before each later attempt as long as there is no job: a corrected
route is then used. From then on it is fixed, whatever becomes of the route.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shared.core.hints import ONCE_MORE, Objection
from shared.core.inputs import Input, fill_input
from shared.core.landing import Landing
from shared.core.location import Container, Location, fill, is_safe
from shared.core.nesting import stray_refusal
from shared.core.outputs import ATTEMPT, Output, fill_output
from shared.core.record import Record, change
from shared.core.route import Endpoint, JobSettings, Polling, Route
from shared.core.snapshot import MOST_LISTED, Snapshot
from shared.errors import InputRefused

LONGEST_SUFFIX = "/" + "x" * 100
"""Room for the outputs' names below a run folder."""


class JobRequest(Record, frozen=True, kw_only=True):
    """What one attempt asks the endpoint for. `input` is the landing, `inputs` what else is given. No two attempts
    share an `output`, so it tells whose a job is; None if every output goes to its default place. `outputs` are the
    further ones with a path."""

    endpoint: Endpoint
    settings: JobSettings
    input: Input
    output: Output | None = None
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()

    @property
    def all_inputs(self) -> tuple[Input, ...]:
        return (self.input, *self.inputs)

    @property
    def the_output(self) -> Output:
        """The output that tells whose the job is."""
        assert self.output is not None, "only a request that names an output has one"
        return self.output

    @property
    def placed(self) -> tuple[Output, ...]:
        """All outputs with a path."""
        return (*((self.output,) if self.output else ()), *self.outputs)


class RunSpec(Record, frozen=True, kw_only=True):
    """All that carrying out a run needs to know. Holds addresses and numbers, no secrets.

    `input`, `inputs`, `output` and `outputs` are those of a JobRequest, with `{attempt}` left open in the outputs.
    `unplaced`: names of outputs that the deployment writes to its default place, which is in one of `datastores`.
    `scores_copies`: the endpoint is given copies of the snapshot's files instead of the landing itself; `may_copy`:
    that can still be decided. `refusal`: why it must not be carried out; `do`: what to do about that, where more is
    known than the hint for refused runs says. `takes_slot`: each attempt needs a slot of the endpoint; specs of before
    there were slots do not say so, and their runs go on without.
    """

    landing: Location
    endpoint: Endpoint
    settings: JobSettings
    input: Input
    output: Output | None = None
    publish: Location
    polling: Polling
    scores_copies: bool
    may_copy: bool
    refusal: str | None = None
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    unplaced: tuple[str, ...] = ()
    datastores: dict[str, Container] = {}
    do: str | None = None
    takes_slot: bool = False

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
        return self._copies.place

    def output_of(self, attempt: int | str) -> Output:
        """The output that tells whose an attempt's job is. Only where there is one with a path."""
        assert self.output is not None, "a run whose outputs have no path is not known by them"
        return self.output.of(attempt)

    def placed(self, attempt: int) -> tuple[Output, ...]:
        """The outputs with a path that an attempt asks for."""
        return self.request(attempt).placed

    def request(self, attempt: int) -> JobRequest:
        """What that attempt asks the endpoint for."""
        return JobRequest(
            endpoint=self.endpoint,
            settings=self.settings,
            input=self._given(self.input),
            output=self.output and self.output.of(attempt),
            inputs=tuple(self._given(one) if one.is_landing else one for one in self.inputs),
            outputs=tuple(output.of(attempt) for output in self.outputs),
        )

    @property
    def _copies(self) -> Output:
        """Where copies are put, as if it were an output: beside the one that tells whose a job is."""
        beside = self.output_of("input")
        uri = beside.uri.rpartition("/")[0] if beside.type == "uri_file" else beside.uri
        return change(beside, uri=uri, place=beside.folder)

    def _given(self, one: Input) -> Input:
        """The landing as it is given: itself, or its copies."""
        if not self.scores_copies:
            return one
        copies = self._copies.uri
        return change(one, uri=f"{copies}/{self.landing.name}" if self.takes_file else copies)


SHADOW = "shadow"
"""The folder within the folder of publications that shadows are published in."""

INCOMPLETE = f"Upload what is missing, or change ready in the route. {ONCE_MORE}"
NO_SHADOW = Objection("The route has no shadow deployment any more.", "Nothing, if it was taken out on purpose.")


def write_spec(
    landing: Landing,
    snapshot: Snapshot,
    run_id: str,
    *,
    refusal: str | None = None,
    objection: Objection | None = None,
    copies: bool = False,
    shadow_of: str | None = None,
) -> RunSpec:
    """The spec for scoring that snapshot of that landing, by its route as it is now. `copies`: score copies wherever
    the route allows it. `refusal`: why the landing is not complete, `objection`: what else is against it. `shadow_of`:
    by the route's shadow, beside that run. Raises ValueError for a route that was not checked.

    A landing whose name a URL can only have percent-encoded is scored as copies, too: whether the endpoint decodes the
    URLs of its inputs or takes them literally is not documented, and the copies' path needs no encoding. So is one with
    files in sub-folders, which a batch job ignores.
    """
    route = landing.route
    values = {
        **landing.parts,
        "run_id": run_id,
        "route": route.name,
        "landing": landing.path,
        "file": landing.path,
        "attempt": ATTEMPT,
    }
    try:
        outputs = [fill_output(one, values, route.datastores) for one in route.outputs]
    except ValueError as error:
        raise ValueError(f"route {route.name!r}: {error}") from error
    own = next((output for output in outputs if output is not None), None)
    given, unfit = _filled(route, values)
    mixed = snapshot.others > 0 and not route.takes_files
    below = route.below_pattern(landing.folder.path)
    published, endpoint = f"{fill(route.publish_path, values)}/{below}".removesuffix("/"), route.endpoint
    incomplete = Objection(refusal, INCOMPLETE) if refusal is not None else None
    if shadow_of is not None:
        published, endpoint = f"{published}/{SHADOW}", change(endpoint, deployment=route.shadow)
        incomplete = incomplete or (None if route.shadow else NO_SHADOW)
    publish = Location(route.publish, f"{published}/run_id={shadow_of or run_id}")
    by_url = any(one.uri.startswith("https://") for one in given if one.is_landing)
    ambiguous = by_url and landing.location.is_spelled_otherwise_in_urls
    may_copy = route.staging != "never" and own is not None
    needs_copies = mixed or copies or ambiguous or snapshot.is_nested
    objection = (
        objection
        or _path_refusal(publish, [output for output in outputs if output])
        or _name_refusal(below)
        or incomplete
        or _limit_refusal(route, snapshot)
        or stray_refusal(route.name, (file.name for file in snapshot.strays))
        or unfit
        or (None if may_copy or not mixed else _mixed_refusal(snapshot, own))
    )
    return RunSpec(
        landing=landing.location,
        endpoint=endpoint,
        settings=route.settings,
        input=change(given[0], is_landing=False),
        inputs=given[1:],
        output=own,
        outputs=tuple(output for output in outputs if output is not None and output is not own),
        unplaced=tuple(one.name for one in route.outputs if one.path is None),
        datastores=dict(route.datastores) if None in outputs else {},
        publish=publish,
        polling=route.polling,
        scores_copies=may_copy and (route.staging == "always" or needs_copies),
        may_copy=may_copy,
        refusal=objection.message if objection else None,
        do=objection.do if objection else None,
        takes_slot=True,
    )


def _filled(route: Route, values: Mapping[str, str]) -> tuple[tuple[Input, ...], Objection | None]:
    """The inputs, the landing first; and why one of them cannot be given. It is left out then."""
    first = route.input
    filled, unfit = [], None
    for one in (first, *(one for one in route.inputs if one is not first)):
        try:
            filled.append(fill_input(one, values))
        except InputRefused as refused:
            unfit = unfit or Objection(str(refused))
    return tuple(filled), unfit


def _path_refusal(publish: Location, outputs: Sequence[Output]) -> Objection | None:
    if is_safe(publish.path + LONGEST_SUFFIX) and all(is_safe(output.place.path) for output in outputs):
        return None
    return Objection(
        f"The landing's name is too long for the paths built from it: {publish.path!r}.",
        "Upload the files under a shorter name.",
    )


def _name_refusal(below: str) -> Objection | None:
    """Why a sub-folder must not be published under its own path: others' results are published there."""
    if not any(segment == SHADOW or segment.startswith("run_id=") for segment in below.split("/")):
        return None
    return Objection(
        f"The sub-folder {below!r} is named like the folder of a run or of shadows, and its results would be published "
        "among those of another one.",
        "Rename it, then upload the files again.",
    )


def _limit_refusal(route: Route, snapshot: Snapshot) -> Objection | None:
    """Why a landing must not be scored that is larger than its route allows."""
    if snapshot.is_cut:
        return Objection(
            f"The landing holds more than {MOST_LISTED:,} files, scored or not, which is more than are looked through. "
            "Nothing was scored.",
            f"Upload fewer files at a time, or files of many rows. {ONCE_MORE}",
        )
    has = {"files": len(snapshot.files), "bytes": snapshot.size}
    allowed = {"files": route.limits.files, "bytes": route.limits.bytes}
    over = [(name, most) for name, most in allowed.items() if most is not None and has[name] > most]
    if not over:
        return None
    told = " and ".join(f"{has[name]:,} {name} (limits.{name} is {most:,})" for name, most in over)
    return Objection(
        f"The landing has {told}, more than route {route.name!r} allows. Nothing was scored.",
        f"Upload fewer files at a time, or raise the limit. {ONCE_MORE}",
    )


def daily_refusal(route: Route, of_route: int, of_landing: int) -> Objection | None:
    """Why no more of a landing is scored today, if the route and the landing have had so many runs today."""
    limits = route.limits
    if of_landing >= limits.landing_runs_per_day:
        return Objection(
            f"The landing has had {of_landing:,} runs today (limits.landing_runs_per_day is "
            f"{limits.landing_runs_per_day:,}). Nothing was scored.",
            "Find out what changes it again and again. What it holds is scored when it changes tomorrow (UTC), or when "
            "you replay the run; or raise the limit.",
        )
    if limits.runs_per_day is not None and of_route >= limits.runs_per_day:
        return Objection(
            f"Route {route.name!r} has had {of_route:,} runs today (limits.runs_per_day is {limits.runs_per_day:,}). "
            "Nothing was scored.",
            "Replay the run tomorrow (UTC), or raise the limit and replay it now.",
        )
    return None


def _mixed_refusal(snapshot: Snapshot, own: Output | None) -> Objection:
    hint = "set staging to when_needed" if own is not None else "give an output a path, beside which copies can be laid"
    return Objection(
        f"The folder holds {snapshot.others} file(s) that the route does not score, and the endpoint would score them "
        "too.",
        f"Remove them, or {hint}. {ONCE_MORE}",
    )
