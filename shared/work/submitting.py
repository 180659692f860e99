"""Everything that is done with an endpoint and a run's own job."""

from __future__ import annotations

from collections.abc import Collection

from shared.core.finding import SearchAnswer, Sent, conclude
from shared.core.job import Stage
from shared.core.location import Location
from shared.core.record import dump
from shared.core.snapshot import Frozen
from shared.core.steps import (
    CancelAsked,
    Explained,
    JobOf,
    ObserveJob,
    SearchJob,
    Seen,
    Staged,
    StageInput,
    SubmitJob,
)
from shared.core.submission import Accepted, Deferred, Rejected, Submission, Unclear, invoke_body
from shared.errors import Unavailable
from shared.ports import BatchEndpoint, Blobs, Copied
from shared.telemetry import log, warn
from shared.threads import each
from shared.work.copying import COPIES_AT_ONCE, copy_frozen
from shared.work.ledger import Ledger


def stage_input(blobs: Blobs, ledger: Ledger, given: StageInput) -> Staged:
    """Copy files of the snapshot to the run's own folder.

    Two at once: a copy never changes an existing blob, and both copy the same content to the same names.
    """
    files = ledger.snapshot(given.names.run, given.drop).files[given.start : given.stop]

    def copy(file: Frozen) -> Copied:
        target = given.target.at(file.name)
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


def submit(endpoint: BatchEndpoint, ledger: Ledger, given: SubmitJob, *, nonce: str) -> Submission:
    """Send one attempt's POST, at most once however often this is called.

    Two at once: the ledger lets one of them send it, and the other answers Unclear. `nonce` is unique
    for each call, so that a call that was cut short is told from one that is only now made.
    """
    names, request = dump(given.names), given.request
    if not ledger.may_post(given.names.run, given.attempt, nonce):
        warn("job.unclear", **names, attempt=given.attempt, message="an earlier call may have sent the POST")
        return Unclear("The submission was interrupted.")
    answer = endpoint.submit(request.endpoint, invoke_body(request))
    match answer:
        case Accepted(job):
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


def search(endpoint: BatchEndpoint, blobs: Blobs, given: SearchJob) -> SearchAnswer:
    """Look for the job that the attempt made: among the endpoint's jobs, and at its output.

    Two at once: it only reads.
    """
    answer = find_job(endpoint, blobs, given.sent, own=given.own, whole=given.whole)
    log("job.searched", **dump(given.names), attempt=given.attempt, answer=dump(answer))
    return answer


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
        written=hidden and _is_written(blobs, sent.output.place.parent),
        own=own,
    )


def _is_written(blobs: Blobs, folder: Location) -> bool:
    """Whether anything lies in a folder."""
    return next(iter(blobs.names(folder.container, f"{folder.path}/")), None) is not None


def observe(endpoint: BatchEndpoint, given: ObserveJob) -> Seen:
    """The job as it is now.

    Two at once: it only reads.
    """
    job = endpoint.job(given.endpoint, given.job, has_run=given.has_run)
    log("job.seen", **dump(given.names), job=given.job.name, status=job.status if job else "missing")
    return Seen(job)


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
