"""How jobs are shown and requests refused where Azure's behaviour is not known: as the chosen answers say.

`local/azure.py` has the facts. Jobs are recorded in one way, whatever is answered; only views of them differ.
"""

from __future__ import annotations

from datetime import datetime

from local.azure import Azure, FrontEndLists, OutputsShown, ScoringHostLists, UnknownJob, WaitingShown
from local.azureml.errors import Refusal
from local.azureml.workspace.jobs import Job, Status


def status_of(job: Job, azure: Azure) -> Status:
    """What the job itself is shown as. The run below it that waits for nodes is Queued in any case."""
    if not job.waits_for_nodes:
        return job.status
    return Status.RUNNING if azure.waiting_shown is WaitingShown.AS_RUNNING else Status.QUEUED


def began(job: Job, azure: Azure) -> datetime | None:
    """Since when the job is shown as Running, or None."""
    if job.waits_for_nodes and status_of(job, azure) is Status.RUNNING:
        return job.modified
    return job.began(Status.RUNNING)


def shows_outputs(job: Job, azure: Azure) -> bool:
    match azure.outputs_shown:
        case OutputsShown.AT_ONCE:
            return True
        case OutputsShown.WHEN_COMPLETED:
            return job.status is Status.COMPLETED
        case OutputsShown.NEVER:
            return False


def check_scoring_host_lists(azure: Azure) -> None:
    """Raises Refusal unless the scoring host lists jobs."""
    match azure.scoring_host_lists:
        case ScoringHostLists.LISTS:
            return
        case ScoringHostLists.NOT_FOUND:
            raise Refusal(404, "NotFound", "The requested resource does not exist.")
        case ScoringHostLists.NOT_ALLOWED:
            raise Refusal(405, "MethodNotAllowed", "The HTTP method GET is not supported for this resource.")


def check_front_end_lists(azure: Azure) -> None:
    """Raises Refusal unless the management front end lists jobs."""
    if azure.front_end_lists is FrontEndLists.REFUSED:
        raise Refusal(400, "UserError", "The request is invalid.")


def unknown_job(name: str, azure: Azure) -> Refusal:
    """What the scoring host says of a job that is not there."""
    match azure.unknown_job:
        case UnknownJob.NOT_FOUND:
            return no_such_job(name)
        case UnknownJob.BAD_REQUEST:
            return Refusal(400, "UserError", f"The job {name!r} is not a valid job of this endpoint.")
        case UnknownJob.SERVER_ERROR:
            return Refusal(500, "ServiceError", "InternalServerError")


def no_such_job(name: str) -> Refusal:
    return Refusal(404, "UserError", f"The job {name!r} does not exist on this endpoint.")
