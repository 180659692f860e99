"""The probe job: one real job that the doctor sends and follows, and what can be learned from it.

All of it lies in one folder beside the route's outputs, so that roles and policies which count for them count for it,
and so that removing the folder removes everything. No route lands there: results are never written where a route reads
(`problems_between` in together.py), and the folder begins with what the outputs begin with.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from shared.core.checkup import FOLDER
from shared.core.finding import is_same_place
from shared.core.inputs import fill_input
from shared.core.job import Job, Stage, stage_of
from shared.core.location import PLACEHOLDER, Location, fixed_prefix, locate, placeholders
from shared.core.open_facts import Fact, Finding, Findings, not_seen
from shared.core.outputs import Output, OutputTemplate
from shared.core.record import Record, change
from shared.core.route import RESERVED, Route
from shared.core.snapshot import File
from shared.core.spec import JobRequest
from shared.errors import InputRefused

MOST_FILES = 3
LARGEST_FILE = 8 * 1024 * 1024
"""Bytes; what is larger is not copied for a probe."""

READ, LITERAL = "decoded", "literal"
"""The answers to whether escapes in an input's URL are read. Also what the copies' names begin with in the folder that
is meant if they are, and in the one that is meant if they are not."""
SPACED, ESCAPED = "in put", "in%20put"
"""Two folders of one probe: the URL of the first is, taken literally, the name of the second."""


class Look(Record, frozen=True, kw_only=True):
    """What was seen of the job at one moment: its own status, those of its steps, the outputs that it shows, and
    whether the app's identity is shown to have made it."""

    at: datetime
    status: str
    steps: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    is_own: bool | None = None

    @property
    def what(self) -> tuple[object, ...]:
        """All but the time."""
        return self.status, self.steps, self.outputs, self.is_own


class Probe(Record, frozen=True, kw_only=True):
    """A probe while it is under way, as the ledger keeps it. `folder`: holds all that belongs to it. `made`: the
    directories that were not there before, from the innermost on. `by_url`: its input was given as a URL with escapes.
    `is_sent`: its POST may have been sent, at `begun` or later."""

    id: str
    route: str
    folder: Location
    request: JobRequest
    begun: datetime
    made: tuple[Location, ...] = ()
    by_url: bool = False
    is_sent: bool = False
    job: Job | None = None
    looks: tuple[Look, ...] = ()

    def looked_at(self, job: Job, look: Look | None) -> Probe:
        """After one more look; one that has shown nothing new is not kept."""
        seen = job if self.job is None else self.job.seen_again(job)
        is_new = look is not None and (not self.looks or self.looks[-1].what != look.what)
        return change(self, job=seen, looks=(*self.looks, look) if is_new else self.looks)


def written_below(template: str, probe_id: str) -> str:
    """Where the doctor writes beside what a route writes by that template."""
    return f"{fixed_prefix(template)}{FOLDER}/{probe_id}"


def output_folder(route: Route, probe_id: str) -> tuple[str, Location]:
    """The doctor's folder in the route's output datastore, as Azure ML and as storage name it."""
    if route.output is None:
        raise InputRefused(f"{route.name} has no output with a path, beside which anything of the doctor's could lie.")
    uri = written_below(route.output.path or "", probe_id)
    place = locate(uri, route.datastores)
    if place is None:
        raise ValueError(f"route {route.name!r}: output {route.output.path!r} is not in a known datastore")
    return uri, place


def publish_folder(route: Route, probe_id: str) -> Location:
    """The doctor's folder in the lakehouse."""
    return Location(route.publish, written_below(f"{route.publish_path}/", probe_id))


def plan(route: Route, files: Sequence[File], probe_id: str, now: datetime, *, by_url: bool) -> Probe:
    """The probe of a route, to be given copies of these files. Placeholders of other inputs are filled with a figure,
    which is a value of most types. Raises InputRefused for a value that it is none of, and for a URL of a single file:
    its name is in the URL, so what was read would have the same name in either folder."""
    if by_url and route.takes_files:
        raise InputRefused(f"urls is for routes with a uri_folder input; {route.name} has a uri_file.")
    uri, folder = output_folder(route, probe_id)
    given = f"{uri}/input/{files[0].name}" if route.takes_files else f"{uri}/input"
    landing = change(route.input, uri=folder.at(SPACED).url if by_url else given)
    values = dict.fromkeys((*placeholders(route.folder), *RESERVED), "1")
    others = [one for one in route.inputs if one is not route.input]
    own, *further = [
        _output(one, uri, folder, number) for number, one in enumerate(route.outputs) if one.path is not None
    ]
    return Probe(
        id=probe_id,
        route=route.name,
        folder=folder,
        request=JobRequest(
            endpoint=route.endpoint,
            settings=route.settings,
            input=landing,
            output=own,
            inputs=tuple(
                change(one, uri=landing.uri) if one.names_the_landing else fill_input(one, values) for one in others
            ),
            outputs=tuple(further),
        ),
        begun=now,
        by_url=by_url,
    )


def _output(template: OutputTemplate, uri: str, folder: Location, number: int) -> Output:
    """Each in a folder of its own."""
    name, below = PLACEHOLDER.sub("probe", (template.path or "").rpartition("/")[2]), f"output{number or ''}"
    place = folder.at(below).at(name)
    return Output(name=template.name, type=template.type, uri=f"{uri}/{below}/{name}", place=place)


def copies(probe: Probe, files: Sequence[File]) -> list[tuple[File, Location]]:
    """Which file is copied where. By URL every file is in both folders, under names that tell which one was read: what
    a job writes commonly names them."""
    if not probe.by_url:
        return [(file, probe.folder.at("input").at(file.name)) for file in files]
    return [
        (file, probe.folder.at(folder).at(f"{kind}-{file.name}"))
        for folder, kind in ((SPACED, READ), (ESCAPED, LITERAL))
        for file in files
    ]


def findings_of(probe: Probe, written: str | None) -> Findings:
    """What the probe has shown of the open facts. `written`: what its job wrote, if that could be read."""
    return {
        Fact.OUTPUTS_SHOWN: outputs_shown(probe.looks),
        Fact.WAITING_SHOWN: waiting_shown(probe.looks),
        Fact.INPUT_URLS: input_urls(written) if probe.by_url else not_seen("its input was not given as a URL"),
    }


def outputs_shown(looks: Sequence[Look]) -> Finding:
    """When a job shows what it writes."""
    young = [look for look in looks if stage_of(look.status) in (Stage.WAITING, Stage.RUNNING)]
    completed = [look for look in looks if stage_of(look.status) is Stage.COMPLETED]
    if any(look.outputs for look in young):
        status = next(look.status for look in young if look.outputs)
        return Finding("at_once", f"they were shown while the job was {status}")
    if not completed:
        return not_seen("the job was not seen to complete")
    if not completed[-1].outputs:
        return Finding("never", "they were not shown when the job had completed")
    if not young:
        return not_seen("they were shown when the job had completed; it was not seen before")
    seen = ", ".join(dict.fromkeys(look.status for look in young))
    return Finding(
        "when_completed", f"they were not shown while the job was {seen}, and when it had completed they were"
    )


def foreign_outputs(probe: Probe) -> tuple[str, ...]:
    """Outputs that the job shows though it was asked for another one: the service writes URIs in a form that the app
    does not know, and would take the job for somebody else's."""
    shown = dict.fromkeys(uri for look in probe.looks for uri in look.outputs)
    return () if any(is_same_place(uri, probe.request.the_output.uri) for uri in shown) else tuple(shown)


def waiting_shown(looks: Sequence[Look]) -> Finding:
    """What a job is shown as while all its steps are queued. The job was looked at before its steps were."""
    waiting = [look for look in looks if look.steps and all(step == "Queued" for step in look.steps)]
    for look in waiting:
        if look.status in ("Running", "Queued"):
            answer = "as_running" if look.status == "Running" else "as_queued"
            return Finding(answer, f"the job was {look.status} while its step was Queued")
    return not_seen("its step was not seen to wait for nodes")


def input_urls(written: str | None) -> Finding:
    """Which of the two folders was read, by the names of files in what the job wrote."""
    named = [kind for kind in (READ, LITERAL) if written is not None and f"{kind}-" in written]
    if len(named) != 1:
        return not_seen("what the job wrote does not name the files that it read")
    folder = SPACED if named == [READ] else ESCAPED
    return Finding(named[0], f"of a URL with %20 in it, the folder {folder!r} was read")
