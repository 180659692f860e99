"""Everything that is done with an endpoint and its jobs."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from shared.core.job import Job
from shared.core.location import Location
from shared.core.request import invoke_body
from shared.core.run import Order
from shared.core.snapshot import compare
from shared.errors import Unavailable
from shared.ports import Accepted, BatchEndpoint, Blobs, Deferred, Rejected, Submission, Unclear
from shared.telemetry import log, warn
from shared.work.ledger import Ledger

COPIES_AT_ONCE = 16

ADVICE = {
    400: "Compare the route's inputs, outputs and endpoint settings with the deployment.",
    401: "Check that the app's identity belongs to the endpoint's tenant.",
    403: "Give the app's identity a role on the workspace that allows batchEndpoints/jobs/write.",
    404: "Check scoring_uri and deployment of the route; without deployment the endpoint needs a default one.",
}


def stage_input(blobs: Blobs, ledger: Ledger, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Copy files `start` to `stop` of the snapshot to the run's own folder; `changed` names one that is not what was
    frozen, or is None."""
    order = Order.from_payload(payload["order"])
    files = ledger.kept("snapshots", order.run_id)["files"][payload["start"] : payload["stop"]]
    source, target = order.landing_folder, order.staging_folder

    def copy(file: Mapping[str, Any]) -> str | None:
        name, size = file["name"], file["size"]
        original = Location(source.container, f"{source.path}/{name}".lstrip("/"))
        duplicate = Location(target.container, f"{target.path}/{name}")
        if blobs.copy(original, duplicate, etag=file["etag"], size=size, md5=file["md5"]):
            return None
        now = blobs.stat(original)
        if now is None or file["md5"] is None or now.md5 != file["md5"]:
            return str(name)
        # The same bytes have been dropped again.
        return None if blobs.copy(original, duplicate, etag=now.etag, size=size, md5=now.md5) else str(name)

    with ThreadPoolExecutor(COPIES_AT_ONCE) as pool:
        changed = next((name for name in list(pool.map(copy, files)) if name is not None), None)
    log("input.staged", **names_of(order), start=payload["start"], files=len(files), changed=changed)
    return {"changed": changed}


def submit(endpoint: BatchEndpoint, ledger: Ledger, payload: Mapping[str, Any], *, nonce: str) -> dict[str, Any]:
    """Send one attempt's POST, at most once however often this is called; the answer as `{"outcome", …}`.

    `nonce` is unique for each call, so that a call that was cut short is told from one that is only now made.
    """
    order, attempt = Order.from_payload(payload["order"]), payload["attempt"]
    facts = {**names_of(order), "attempt": attempt}
    if not ledger.may_post(order.run_id, attempt, nonce):
        warn("job.unclear", **facts, message="an earlier call may have sent the POST")
        return {"outcome": "unclear", "message": "The submission was interrupted."}
    body = invoke_body(order, attempt, staged=payload["staged"])
    answer: Submission = endpoint.submit(order.scoring_uri, order.deployment, body)
    match answer:
        case Accepted(job):
            log("job.submitted", **facts, job=job.name, deployment=job.deployment, studio_url=job.studio_url)
            return {"outcome": "accepted", "job": job.to_payload()}
        case Rejected(status, message):
            warn("job.rejected", **facts, status=status, message=message)
            advice = f"{ADVICE.get(status, '')} Then drop the files again.".strip()
            text = f"The endpoint answered {status}: {message} {advice}"
            return {"outcome": "rejected", "reason": f"rejected_{status}", "message": text}
        case Deferred(retry_after, message):
            warn("job.deferred", **facts, retry_after=retry_after, message=message)
            return {"outcome": "deferred", "retry_after": retry_after, "message": message}
        case Unclear(message):
            warn("job.unclear", **facts, message=message)
            return {"outcome": "unclear", "message": message}


def search(endpoint: BatchEndpoint, payload: Mapping[str, Any]) -> dict[str, Any]:
    """`job`: the one that writes the attempt's output, or None; `listed`: whether the endpoint showed all its jobs."""
    order, attempt = Order.from_payload(payload["order"]), payload["attempt"]
    output = order.output_uri_of(attempt)
    listing = endpoint.jobs_writing(order.scoring_uri, [output])
    job = listing.found.get(output)
    log("job.searched", **names_of(order), attempt=attempt, job=job.name if job else None)
    return {"job": job.to_payload() if job else None, "listed": listing.complete}


def observe(endpoint: BatchEndpoint, payload: Mapping[str, Any]) -> dict[str, Any]:
    """`job` as it is now, None if the endpoint does not know it; cancels late jobs of abandoned attempts."""
    order = Order.from_payload(payload["order"])
    job = endpoint.job(order.scoring_uri, payload["job"])
    log("job.seen", **names_of(order), job=payload["job"], status=job.status if job else "missing")
    if payload["abandoned"]:
        try:
            cancel_twins(endpoint, order, payload["abandoned"])
        except Unavailable as trouble:
            # What is known of the run's own job matters more; the next look tries again.
            warn("job.twins_unknown", **names_of(order), message=str(trouble))
    return {"job": job.to_payload() if job else None}


def cancel(endpoint: BatchEndpoint, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Ask for the run's job to be canceled; `accepted`: whether the service will."""
    job = Job.from_payload(payload["job"])
    asked = endpoint.cancel(job)
    warn("job.cancel_requested", **names_of(Order.from_payload(payload["order"])), job=job.name, accepted=asked)
    return {"accepted": asked}


def explain(endpoint: BatchEndpoint, payload: Mapping[str, Any]) -> dict[str, Any]:
    """`message`: the service's own words on the job's failure, or None."""
    return {"message": endpoint.explain(Job.from_payload(payload["job"]))}


def check(blobs: Blobs, ledger: Ledger, payload: Mapping[str, Any]) -> str:
    """What became of the landing since it was frozen: `intact`, `more` or `changed`."""
    order = Order.from_payload(payload["order"])
    frozen = {file["name"]: file["md5"] or file["etag"] for file in ledger.kept("snapshots", order.run_id)["files"]}
    single = order.landing.rpartition("/")[2] if order.input_type == "uri_file" else ""
    listed = blobs.list_folder(order.landing_folder, single).files
    verdict = compare(frozen, {file.name: file.content for file in listed if single in ("", file.name)})
    log("landing.checked", **names_of(order), verdict=verdict)
    return verdict


def cancel_twins(endpoint: BatchEndpoint, order: Order, abandoned: list[int]) -> None:
    """Cancel jobs that turned up for attempts that were given up."""
    outputs = [order.output_uri_of(attempt) for attempt in abandoned]
    for job in endpoint.jobs_writing(order.scoring_uri, outputs).found.values():
        if not job.is_final:
            warn("job.twin_canceled", **names_of(order), job=job.name, accepted=endpoint.cancel(job))


def names_of(order: Order) -> dict[str, Any]:
    # A run's orchestration has the run's id.
    return {"run_id": order.run_id, "instance_id": order.run_id, "route": order.route, "landing": order.landing}
