"""What to do about a run that was not published, or waits: one sentence or two for every reason.

An error that knows more has advice of its own (`Error.do`). A reason like `rejected_404` is looked up without its
number if it is not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ONCE_MORE = "Then upload the files again, or replay the run."
"""How content gets another run."""

HINTS: Mapping[str, str] = {
    "waiting": "Nothing: it goes on by itself. If it should not, cancel the run.",
    "in_line": "Nothing: its turn comes. If the compute has room for more, raise the limit that the message names.",
    "refused": f"Change what the message names. {ONCE_MORE}",
    "route": f"Correct the route in routes.yaml and deploy it. {ONCE_MORE}",
    "rejected": f"Compare the route's endpoint, inputs, outputs and settings with the deployment. {ONCE_MORE}",
    "unfit": f"Change the route's inputs, outputs or settings, or the deployment. {ONCE_MORE}",
    "deferred": f"Check the endpoint and the quota of its compute. {ONCE_MORE}",
    "unclear": f"In Studio, look for a job of this run and cancel it. {ONCE_MORE}",
    "denied": f"Give the app's identity the role that the message asks for; it takes up to 30 minutes. {ONCE_MORE}",
    "trouble": f"Check the service that the message names. {ONCE_MORE}",
    "defect": f"Report it with the traceback in the log (landfall.step.defect). {ONCE_MORE}",
    "job_failed": f"Read the job's logs in Studio, and correct the script, the model or the files. {ONCE_MORE}",
    "job_canceled": "If that was not meant, replay the run or upload the files again.",
    "job_missing": f"Look for the job in Studio: somebody may have deleted it. {ONCE_MORE}",
    "start_deadline": f"Check the compute cluster's quota and state. {ONCE_MORE}",
    "deadline": f"If jobs of this size need longer, raise the route's polling.deadline. {ONCE_MORE}",
    "publication": f"Check what the job has written, and the deployment's output settings. {ONCE_MORE}",
    "canceled": "If that was not meant, replay the run or upload the files again.",
    "superseded": "Nothing: the new content gets its own run if the route is watched. Otherwise ask for one.",
    "version": "Deploy the version of Landfall that has written the record, or a newer one.",
}


def hint_for(reason: str) -> str:
    """What to do about that reason in general. Also about one that a later version knows of."""
    return HINTS.get(reason) or HINTS.get(reason.partition("_")[0]) or f"See what the message says. {ONCE_MORE}"


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a run must not be carried out, and what to do about it; None: what the hint says."""

    message: str
    do: str | None = None
