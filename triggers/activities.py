"""The activities: payload in, one call of shared.work, payload out. Each may be carried out more than once."""

from collections.abc import Callable
from typing import Any

import azure.durable_functions as df

from shared.services import services
from shared.telemetry import error
from shared.work import job, landing, ledger, publication
from triggers.names import Activity

bp = df.Blueprint()


def _activity(name: Activity) -> Callable[[Callable[..., Any]], Any]:
    def register(function: Callable[..., Any]) -> Any:
        return bp.function_name(name.value)(bp.activity_trigger(input_name="payload")(function))

    return register


@_activity(Activity.LOOK)
def look(payload: dict) -> dict:
    """List a landing."""
    return landing.look(services().routes, services().blobs, payload)


@_activity(Activity.CLAIM_RUN)
def claim_run(payload: dict) -> dict:
    """Freeze a landing's snapshot and claim its run."""
    return landing.claim(services().routes, services().blobs, services().ledger, payload)


@_activity(Activity.RECORD_RUN)
def record_run(payload: dict) -> None:
    """Bring a run's document in the ledger up to date."""
    ledger.record(services().ledger, payload)


@_activity(Activity.STAGE_INPUT)
def stage_input(payload: dict) -> dict:
    """Copy files of a snapshot to the run's own folder; `changed`: the name of one that changed, or None."""
    return job.stage_input(services().blobs, services().ledger, payload)


@_activity(Activity.SUBMIT_JOB)
def submit_job(payload: dict) -> dict:
    """Send the POST of one attempt, at most once."""
    return job.submit(services().endpoint, services().ledger, payload, nonce=services().new_id())


@_activity(Activity.SEARCH_JOB)
def search_job(payload: dict) -> dict:
    """Look for the job of an attempt that got no clear answer."""
    return job.search(services().endpoint, payload)


@_activity(Activity.OBSERVE_JOB)
def observe_job(payload: dict) -> dict:
    """Read a job's status."""
    return job.observe(services().endpoint, payload)


@_activity(Activity.CANCEL_JOB)
def cancel_job(payload: dict) -> dict:
    """Ask for a job to be canceled."""
    return job.cancel(services().endpoint, payload)


@_activity(Activity.EXPLAIN_FAILURE)
def explain_failure(payload: dict) -> dict:
    """Ask the service why a job failed."""
    return job.explain(services().endpoint, payload)


@_activity(Activity.CHECK_LANDING)
def check_landing(payload: dict) -> str:
    """Compare a landing with its snapshot."""
    return job.check(services().blobs, services().ledger, payload)


@_activity(Activity.LIST_OUTPUTS)
def list_outputs(payload: dict) -> dict:
    """Note what an attempt has written."""
    return publication.list_outputs(services().blobs, services().ledger, payload)


@_activity(Activity.COPY_OUTPUTS)
def copy_outputs(payload: dict) -> None:
    """Copy outputs into the run folder."""
    publication.copy_outputs(services().blobs, services().ledger, payload)


@_activity(Activity.SEAL_PUBLICATION)
def seal_publication(payload: dict) -> dict:
    """Compare the copies with their sources and write the manifest and `_SUCCESS`."""
    return publication.seal(services().blobs, services().ledger, payload)


@_activity(Activity.ANNOUNCE_RUN)
def announce_run(payload: dict) -> dict:
    """Announce how a run ended."""
    return publication.announce(services().announcer, payload)


@_activity(Activity.REPORT_TROUBLE)
def report_trouble(payload: dict) -> None:
    """Log a step that failed and will be tried again."""
    error("step.failed", **payload)
