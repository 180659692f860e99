"""Everything that is done with an endpoint and a run's own job."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta

from shared.core.acts import Withdrawn
from shared.core.deployment import Asked, misfits
from shared.core.finding import SearchAnswer, Sent, conclude
from shared.core.inputs import Input
from shared.core.job import Stage
from shared.core.location import Location
from shared.core.record import change, dump
from shared.core.references import asset_in
from shared.core.run import Run
from shared.core.snapshot import Frozen
from shared.core.spec import JobRequest
from shared.core.steps import (
    CancelAsked,
    Explained,
    JobOf,
    ObserveJob,
    SearchJob,
    Seen,
    Staged,
    StageInput,
    SubmitAnswer,
    SubmitJob,
)
from shared.core.submission import Accepted, Deferred, Rejected, Unclear, Unfit, invoke_body
from shared.core.trouble import LONGEST_MESSAGE
from shared.errors import InputRefused, Unavailable
from shared.ports import BatchEndpoint, Blobs, Copied
from shared.telemetry import log, warn
from shared.threads import each
from shared.work.copying import COPIES_AT_ONCE, copy_frozen
from shared.work.ledger import Ledger

LONGEST_RUN = timedelta(days=2)
"""How long before a submission a run may have been claimed whose job could be taken for the one that it made."""


def stage_input(blobs: Blobs, ledger: Ledger, given: StageInput) -> Staged:
    """Copy files of the snapshot to the run's own folder.

    Two at once: a copy never changes an existing blob, and both copy the same content to the same names.
    """
    files = ledger.snapshot(given.names.run, given.drop)[given.start : given.stop]

    def copy(file: Frozen) -> Copied:
        target = given.target.at(file.copy_name)
        copied = copy_frozen(blobs, given.source.at(file.name), target, file)
        if copied is Copied.THERE:
            there = blobs.stat(target)
            if there is None or there.size != file.size or (there.md5 and file.md5 and there.md5 != file.md5):
                raise Unavailable(f"{target.url} is not a copy of the file in the snapshot; remove it.")
        return copied

    copies = each(copy, files, at_once=COPIES_AT_ONCE)
    changed = next((f.name for f, copied in zip(files, copies, strict=True) if copied is Copied.SOURCE_CHANGED), None)
    streamed = copies.count(Copied.STREAMED)
    log("input.staged", **dump(given.names), start=given.start, files=len(files), streamed=streamed, changed=changed)
    return Staged(changed, streamed)


def submit(endpoint: BatchEndpoint, ledger: Ledger, given: SubmitJob, *, nonce: str) -> SubmitAnswer:
    """Send one attempt's POST, at most once however often this is called, unless somebody has asked for the run's end.

    Two at once: the ledger lets one of them send it, and the other answers Unclear. `nonce` is unique
    for each call, so that a call that was cut short is told from one that is only now made.
    """
    names, request = dump(given.names), given.request
    fitted = fit(endpoint, request, given.unplaced)
    if isinstance(fitted, Unfit):
        warn("job.unfit", **names, attempt=given.attempt, message=fitted.message)
        return fitted
    known = ledger.run(given.names.run)
    if known is not None and known.cancel is not None:
        return Withdrawn(known.cancel)
    if not ledger.may_post(given.names.run, given.attempt, nonce):
        warn("job.unclear", **names, attempt=given.attempt, message="an earlier call may have sent the POST")
        return Unclear("The submission was interrupted.")
    answer = endpoint.submit(request.endpoint, invoke_body(fitted))
    match answer:
        case Accepted(job):
            answer = change(answer, assets=_assets(request, fitted))
            log(
                "job.submitted",
                **names,
                attempt=given.attempt,
                job=job.name,
                deployment=job.deployment,
                studio_url=job.studio_url,
            )
        case Rejected(status, message):
            warn("job.rejected", **names, attempt=given.attempt, status=status, message=message)
        case Deferred(retry_after, message):
            warn("job.deferred", **names, attempt=given.attempt, retry_after=retry_after, message=message)
        case Unclear(message):
            warn("job.unclear", **names, attempt=given.attempt, message=message)
    return answer


def fit(endpoint: BatchEndpoint, request: JobRequest, unplaced: Sequence[str] = ()) -> JobRequest | Unfit:
    """The request as it is sent: data assets by their ids, as long as the deployment takes it. Raises Unavailable."""
    deployment = endpoint.deployment(request.endpoint)
    if deployment is not None and (wrong := misfits(Asked.by(request, unplaced), deployment)):
        return Unfit(" ".join(wrong)[:LONGEST_MESSAGE])
    try:
        landing, *others = (_with_asset(endpoint, request, one) for one in request.all_inputs)
    except InputRefused as refused:
        return Unfit(str(refused))
    return change(request, input=landing, inputs=tuple(others))


def _with_asset(endpoint: BatchEndpoint, request: JobRequest, one: Input) -> Input:
    asset = asset_in(one.uri)
    return one if asset is None else change(one, uri=endpoint.data_asset(request.endpoint, asset))


def _assets(request: JobRequest, fitted: JobRequest) -> dict[str, str]:
    given = zip(request.all_inputs, fitted.all_inputs, strict=True)
    return {sent.name: sent.uri for written, sent in given if written.uri != sent.uri}


def search(endpoint: BatchEndpoint, blobs: Blobs, ledger: Ledger, given: SearchJob) -> SearchAnswer:
    """Look for the job that the attempt made: among the endpoint's jobs, and at its output.

    Without an output of its own a job is known by its input, so the jobs of other runs are left out of account: an
    earlier one may have scored what was in the same folder then.

    Two at once: it only reads.
    """
    own = {*given.own, *(_jobs_of_others(ledger, given) if given.sent.output is None else ())}
    answer = find_job(endpoint, blobs, given.sent, own=own, whole=given.whole)
    log("job.searched", **dump(given.names), attempt=given.attempt, answer=dump(answer))
    return answer


def _jobs_of_others(ledger: Ledger, given: SearchJob) -> Iterator[str]:
    for run in ledger.newest(since=given.sent.since - LONGEST_RUN):
        if not isinstance(run, Run):
            raise Unavailable(
                f"The record of run {run.run_id} cannot be read, so its job cannot be told from this one's."
            )
        if run.run_id != given.names.run:
            yield from run.own_jobs


def find_job(
    endpoint: BatchEndpoint, blobs: Blobs, sent: Sent, *, own: Collection[str] = (), whole: bool = True
) -> SearchAnswer:
    """What the endpoint's jobs, and what lies at its output, say about a submission. Raises Unavailable."""
    listing = endpoint.jobs_since(sent.endpoint, sent.since, whole=whole)
    hidden = any(candidate.job.stage is Stage.COMPLETED and not candidate.outputs for candidate in listing.jobs)
    return conclude(
        listing.jobs,
        sent,
        complete=listing.complete,
        reason=listing.reason,
        written=hidden and sent.output is not None and _is_written(blobs, sent.output.folder),
        own=own,
    )


def _is_written(blobs: Blobs, folder: Location) -> bool:
    """Whether anything lies in a folder."""
    return next(iter(blobs.names(folder.container, f"{folder.path}/")), None) is not None


def observe(endpoint: BatchEndpoint, ledger: Ledger, given: ObserveJob) -> Seen:
    """The job as it is now, and who has asked for its end.

    Two at once: it only reads.
    """
    job = endpoint.job(given.endpoint, given.job, has_run=given.has_run)
    told = {"steps": {step.name: step.status for step in job.steps}} if job is not None and job.steps else {}
    log("job.seen", **dump(given.names), job=given.job.name, status=job.status if job else "missing", **told)
    if job is None or job.stage is not Stage.CANCELED:
        return Seen(job)
    run = ledger.run(given.names.run)
    return Seen(job, run.cancel if run is not None else None)


def cancel(endpoint: BatchEndpoint, given: JobOf) -> CancelAsked:
    """Ask for the run's job to be canceled.

    Two at once: a job that is canceled already stays so.
    """
    asked = endpoint.cancel(given.endpoint, given.job)
    warn("job.cancel_requested", **dump(given.names), job=given.job.name, accepted=asked)
    return CancelAsked(asked)


def explain(endpoint: BatchEndpoint, given: JobOf) -> Explained:
    """The service's own words on the job's failure.

    Two at once: it only reads.
    """
    return Explained(endpoint.explain(given.endpoint, given.job))
