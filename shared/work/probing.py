"""The probe job: sent once, followed over as many requests as it takes, and removed with all that belongs to it.

While it is under way, the ledger holds what is known of it. A client names it by its id alone, so nothing that is sent
to the app chooses what is read, canceled or removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from shared.core.checkup import Check, Following, Need, Request, Verdict, advice, advice_for, in_words, said
from shared.core.finding import Found, NotThere, SearchAnswer, Sent
from shared.core.job import Job, Stage, advice_on
from shared.core.location import Location
from shared.core.open_facts import Findings
from shared.core.probe import Look, Probe, copies, findings_of, foreign_outputs, plan
from shared.core.record import change, from_json, to_json
from shared.core.route import Route
from shared.core.submission import Accepted, Deferred, Rejected, Submission, Unclear, Unfit, invoke_body
from shared.errors import InputRefused, LandfallError, Unavailable
from shared.ports import Blobs, Copied, Questions
from shared.telemetry import log, warn
from shared.work import table
from shared.work.ledger import Ledger
from shared.work.sampling import Sample, sample
from shared.work.scratch import clean, missing_directories
from shared.work.submitting import find_job, fit

LARGEST_OUTPUT = 1024 * 1024
"""Bytes; a larger output is not read."""
POSTED_BY = timedelta(minutes=2)
"""How long after it began a POST may still make a job: it is given up after one minute, and another request than the
one that sends it may be asking for the job."""
NAME = "probe job"
PREFIX = "doctor/"
"""Of the records in the ledger."""


class Means(table.Means, Protocol):
    """What the doctor works with: more than steps are carried out with."""

    @property
    def questions(self) -> Questions: ...
    @property
    def pause(self) -> Callable[[timedelta], None]: ...


@dataclass(frozen=True, slots=True)
class Told:
    """What came of it so far."""

    checks: tuple[Check, ...]
    findings: Findings = field(default_factory=dict)
    following: Following | None = None


def send(means: Means, route: Route, asked: Request, *, until: datetime) -> Told:
    """Send the route's probe job and follow it for a while. Raises InputRefused for a folder that is no landing."""
    if route.staging == "never":
        return Told((_line(route.name, Verdict.SKIPPED, "Nothing is copied for a route with staging: never."),))
    if route.output is None:
        return Told((_line(route.name, Verdict.SKIPPED, "Nothing is copied for a route whose outputs have no path."),))
    need, where = Need.LANDING, in_words(route.landing)
    try:
        found = sample(means.blobs, route, asked.folder)
        if found is None:
            return Told((_line(route.name, Verdict.SKIPPED, NOTHING_TO_SCORE),))
        probe = plan(route, found.files, means.new_id().replace("-", ""), means.now(), by_url=asked.urls)
        need, where = Need.WORKSPACE, str(Need.WORKSPACE)
        fitted = fit(means.endpoint, probe.request)
        if isinstance(fitted, Unfit):
            return Told((_failed(route.name, f"Nothing was sent. {fitted.message}", "Correct the route."),))
        need, where = Need.OUTPUT, in_words(probe.folder.container)
        probe = change(probe, request=fitted, made=missing_directories(means.blobs, probe.folder))
        need, where = Need.LEDGER, in_words(means.ledger.container)
        notes = _Notes.begin(means, probe)
    except Unavailable as trouble:
        return Told((_failed(route.name, said(trouble), advice(trouble, need, where)),))
    try:
        _stage(means.blobs, probe, found)
        notes.keep(change(notes.probe, is_sent=True, begun=means.now()))
    except _Overtaken:
        line = _line(route.name, Verdict.SKIPPED, "Another request has ended it before its job was submitted.")
        return _over(means, notes, [line])
    except Unavailable as trouble:
        output = in_words(probe.folder.container)
        return _over(means, notes, [_failed(route.name, said(trouble), advice(trouble, Need.OUTPUT, output))])
    return _after(means, notes, means.endpoint.submit(route.endpoint, invoke_body(probe.request)), until)


NOTHING_TO_SCORE = (
    "There is no file of up to 8 MiB in any landing of the route. Put one there, or name a folder that holds one: "
    '{"submit": true, "route": NAME, "folder": FOLDER}.'
)


def resume(means: Means, probe_id: str, *, stop: bool, until: datetime) -> Told:
    """Go on following a probe, or have it canceled. Raises InputRefused if there is none of that id."""
    notes = _Notes.read(means, probe_id)
    job = notes.probe.job
    if stop and job is not None and not job.is_final:
        accepted = means.endpoint.cancel(notes.probe.request.endpoint, job)
        warn("doctor.probe_stopped", probe=probe_id, route=notes.probe.route, job=job.name, accepted=accepted)
    return _follow(means, notes, until, stop=stop)


def under_way(ledger: Ledger) -> list[str]:
    """The ids of the probes that are under way, or that nobody has followed to their end. Raises Unavailable."""
    names = ledger.blobs.names(ledger.container, PREFIX)
    return [name.removeprefix(PREFIX).removesuffix(".json") for name in names if name.endswith(".json")]


@dataclass
class _Notes:
    """What is known of a probe, and what of it the ledger has, in which version."""

    blobs: Blobs
    blob: Location
    probe: Probe
    stored: Probe
    etag: str

    @classmethod
    def begin(cls, means: Means, probe: Probe) -> _Notes:
        """Enter a new probe. Raises Unavailable."""
        blob = Location(means.ledger.container, f"{PREFIX}{probe.id}.json")
        means.blobs.create(blob, to_json(probe))
        return cls.read(means, probe.id)

    @classmethod
    def read(cls, means: Means, probe_id: str) -> _Notes:
        blob = Location(means.ledger.container, f"{PREFIX}{probe_id}.json")
        stored = means.blobs.read(blob)
        if stored is None:
            raise InputRefused(f"There is no probe {probe_id}: it has ended, and what belonged to it was removed.")
        probe = from_json(Probe, stored.content)
        return cls(means.blobs, blob, probe, probe, stored.etag)

    def keep(self, probe: Probe) -> None:
        """Bring the record up to date. Raises Unavailable, and _Overtaken if another request was faster."""
        self.probe = probe
        if probe == self.stored:
            return
        if not self.blobs.replace(self.blob, to_json(probe), etag=self.etag):
            raise _Overtaken
        written = self.blobs.stat(self.blob)
        self.stored, self.etag = probe, written.etag if written is not None else ""

    def forget(self) -> None:
        """Remove the record, once nothing is left of what it tells of. Raises Unavailable."""
        self.blobs.delete(self.blob)
        if self.blobs.is_hierarchical(self.blob.container):
            self.blobs.remove_folder(self.blob.parent)


class _Overtaken(Exception):
    """Another request has changed the record, or has removed it at the end."""


def _stage(blobs: Blobs, probe: Probe, found: Sample) -> None:
    for file, target in copies(probe, found.files):
        copied = blobs.copy(found.folder.at(file.name), target, etag=file.etag, size=file.size, md5=file.md5)
        if copied is Copied.SOURCE_CHANGED:
            raise Unavailable(f"{found.folder.at(file.name).url} was changed while it was copied; ask again.")


def _after(means: Means, notes: _Notes, answer: Submission, until: datetime) -> Told:
    """What follows the one POST."""
    route, where = notes.probe.route, Need.WORKSPACE
    match answer:
        case Accepted(job):
            log("doctor.probe_sent", probe=notes.probe.id, route=route, job=job.name, studio_url=job.studio_url)
            notes.probe = change(notes.probe, job=job)  # the first look brings the ledger up to date
            return _follow(means, notes, until, stop=False)
        case Rejected(status, message):
            help_ = advice_for(f"{status}: {message}", where, where, is_denied=status in (401, 403))
            return _over(means, notes, [_failed(route, f"The endpoint answered {status}: {message}", help_)])
        case Deferred(_, message):
            help_ = advice_for(message, where, where, is_denied=False)
            return _over(means, notes, [_failed(route, f"No job was made: {message}", help_)])
        case Unclear() | Unfit():  # the latter was seen before anything was copied
            return _follow(means, notes, until, stop=False)


def _follow(means: Means, notes: _Notes, until: datetime, *, stop: bool) -> Told:
    """Look at the job, once at least, until it has ended or the time of this request is over."""
    for pause in _pauses():
        try:
            ended = _step(means, notes, stop=stop)
        except _Overtaken:
            ended, job = None, notes.probe.job
            try:
                notes = _Notes.read(means, notes.probe.id)
            except InputRefused:
                over = "Another request has followed it to its end, and has what came of it."
                return Told((_line(notes.probe.route, Verdict.SKIPPED, over),), {}, _following(notes.probe, ended=True))
            notes.probe = change(notes.probe, job=notes.probe.job or job)
        except LandfallError as trouble:
            help_ = advice(trouble, Need.WORKSPACE, Need.WORKSPACE)
            return _going_on(notes, _failed(notes.probe.route, said(trouble), help_))
        if ended is not None:
            return _over(means, notes, ended)
        if means.now() + pause >= until:
            break
        means.pause(pause)
    probe = notes.probe
    status = probe.job.status if probe.job is not None else "not found yet, nor is it certain that there is none"
    return _going_on(notes, _line(probe.route, Verdict.SKIPPED, f"It has not ended: {status}. {ASK_AGAIN}"))


ASK_AGAIN = 'Ask again with {"probe": ID}, or with "stop": true to cancel it.'


def _pauses() -> Iterator[timedelta]:
    """Short at first: what a young job shows is one of the questions."""
    yield from (timedelta(seconds=seconds) for seconds in (1, 1, 2, 3, 5))
    while True:
        yield timedelta(seconds=10)


def _step(means: Means, notes: _Notes, *, stop: bool) -> list[Check] | None:
    """One look; the lines about the end if this is the end."""
    probe = notes.probe
    if not probe.is_sent:
        return [_line(probe.route, Verdict.SKIPPED, "It was interrupted before its job was submitted.")]
    if probe.job is None:
        match _search(means, probe):
            case Found(job):
                notes.keep(change(probe, job=job))
                if stop:
                    means.endpoint.cancel(probe.request.endpoint, job)
            case NotThere() if means.now() - probe.begun >= POSTED_BY:
                help_ = "Ask for another one. Landfall submits a run again in such a case."
                return [_failed(probe.route, "The answer to the submission was lost, and it has made no job.", help_)]
            case _ if stop and means.now() - probe.begun >= POSTED_BY:  # until then the job may be made, and be found
                help_ = f"Look in Studio for a job of {probe.request.endpoint.scoring_uri}, and cancel it there."
                return [_failed(probe.route, "It cannot be told whether the submission has made a job.", help_)]
        return None
    seen, look = _looked(means, probe, probe.job)
    if seen is None:
        return [_failed(probe.route, f"There is no job {probe.job.name} any more.", "Was it deleted in Studio?")]
    notes.keep(probe.looked_at(seen, look))
    return _ended(means, notes.probe, seen) if seen.is_final else None


def _search(means: Means, probe: Probe) -> SearchAnswer:
    """For the job of a submission whose answer was lost, as runs do."""
    asked = probe.request
    since, until = probe.begun, means.now()
    sent = Sent(
        endpoint=asked.endpoint, input_uri=asked.input.uri, output=asked.output, since=since, until=max(since, until)
    )
    return find_job(means.endpoint, means.blobs, sent)


def _looked(means: Means, probe: Probe, job: Job) -> tuple[Job | None, Look | None]:
    """The job as the scoring host shows it, before its steps are asked; where it does not, as it is found elsewhere."""
    endpoint = probe.request.endpoint
    _, shown = means.questions.shown(endpoint, job)
    if shown is None:
        return means.endpoint.job(endpoint, job, has_run=True), None
    return shown.job, Look(
        at=means.now(),
        status=shown.job.status,
        steps=() if shown.job.is_final else tuple(_steps(means, probe, shown.job)),
        outputs=shown.outputs,
        is_own=shown.is_own,
    )


def _steps(means: Means, probe: Probe, job: Job) -> tuple[str, ...]:
    try:
        return tuple(means.questions.steps(probe.request.endpoint, job))
    except Unavailable:
        return ()  # the check of run history tells of it


def _ended(means: Means, probe: Probe, job: Job) -> list[Check]:
    """How the job has ended, and whether it was shown as the app relies on."""
    output, took = probe.request.the_output.place, f"after {_seconds(means.now() - probe.begun)} s"
    if job.stage is Stage.CANCELED:
        lines = [_line(probe.route, Verdict.SKIPPED, f"It was canceled {took}.")]
    elif job.stage is Stage.FAILED:
        reason = _reason(means, probe, job)
        came_back = f"It failed {took}: {reason or f'the service does not say why; see {job.studio_url}'}"
        lines = [_failed(probe.route, came_back, COMPUTE if advice_on(reason or "") else IN_STUDIO)]
    elif not _is_written(means.blobs, probe):
        lines = [_failed(probe.route, f"It completed {took}, but there is no {output.url}.", CHECK_OUTPUT)]
    else:
        lines = [_line(probe.route, Verdict.OK, f"It completed {took} and wrote its output.")]
    if foreign := foreign_outputs(probe):
        came_back = f"It was asked for {probe.request.the_output.uri} and is shown to write {', '.join(foreign)}."
        lines.append(_failed(probe.route, came_back, REPORT_IT))
    if any(look.is_own is False for look in probe.looks):
        lines.append(
            _failed(probe.route, "It is shown to have been made by another identity than the app's.", REPORT_IT)
        )
    return lines


def _reason(means: Means, probe: Probe, job: Job) -> str | None:
    try:
        return means.endpoint.explain(probe.request.endpoint, job)
    except Unavailable as trouble:
        return str(trouble)


REPORT_IT = "Report this: Landfall would take its own jobs for somebody else's."
IN_STUDIO = "Look at the job in Studio: its step has the logs."
COMPUTE = (
    "Give the compute cluster's identity Storage Blob Data Contributor on the output datastore's container, and "
    "Storage Blob Data Reader on the landing container."
)
CHECK_OUTPUT = "Check outputs and datastores of the route: the datastore has to be the container that it says."


def _going_on(notes: _Notes, line: Check) -> Told:
    return Told((line,), findings_of(notes.probe, None), _following(notes.probe, ended=False))


def _over(means: Means, notes: _Notes, lines: list[Check]) -> Told:
    """Read what is left to learn, then remove everything. What cannot be removed can be asked for again."""
    probe = notes.probe
    try:
        findings = findings_of(probe, _written(means.blobs, probe))
        clean(means.blobs, probe.folder, probe.made)
        notes.forget()
    except LandfallError as trouble:
        help_ = f"{advice(trouble, Need.OUTPUT, Need.OUTPUT)} Then ask again with the probe's id, or remove it by hand."
        lines.append(_failed(probe.route, f"Not all of it could be removed: {said(trouble)}", help_))
        return Told(tuple(lines), findings_of(probe, None), _following(probe, ended=False))
    status = probe.job.status if probe.job is not None else None
    log("doctor.probe_ended", probe=probe.id, route=probe.route, job=probe.job and probe.job.name, status=status)
    return Told(tuple(lines), findings, _following(probe, ended=True))


def _is_written(blobs: Blobs, probe: Probe) -> bool:
    output = probe.request.the_output
    if output.type == "uri_folder":
        return next(iter(blobs.names(output.place.container, f"{output.place.path}/")), None) is not None
    return blobs.stat(output.place) is not None


def _written(blobs: Blobs, probe: Probe) -> str | None:
    """What the job wrote, if that is a file that is not large."""
    written = blobs.stat(probe.request.the_output.place)
    if written is None or written.size > LARGEST_OUTPUT:
        return None
    stored = blobs.read(probe.request.the_output.place)
    return None if stored is None else stored.content.decode(errors="replace")


def _following(probe: Probe, *, ended: bool) -> Following:
    job = probe.job
    return Following(
        id=probe.id,
        route=probe.route,
        ended=ended,
        job=job.name if job is not None else None,
        status=job.status if job is not None else None,
        studio_url=job.studio_url if job is not None else None,
    )


def _seconds(span: timedelta) -> int:
    return round(span.total_seconds())


def _line(route: str, verdict: Verdict, came_back: str) -> Check:
    tried = "Submit a job on copies of a few small files, and follow it."
    return Check(name=NAME, route=route, verdict=verdict, tried=tried, came_back=came_back)


def _failed(route: str, came_back: str, help_: str) -> Check:
    return change(_line(route, Verdict.FAILED, came_back), advice=help_)
