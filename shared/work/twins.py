"""Jobs that turn up for submissions that were abandoned: nobody follows them, and they are canceled."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from shared.core.finding import Owner, Sent, owner, twins
from shared.core.record import Done, Names, dump
from shared.core.route import Endpoint
from shared.core.run import Run
from shared.core.steps import CancelTwins
from shared.ports import BatchEndpoint
from shared.telemetry import warn
from shared.work.ledger import Ledger


def cancel_twins(endpoint: BatchEndpoint, ledger: Ledger, given: CancelTwins, now: datetime) -> Done:
    """Cancel jobs that have turned up for attempts that were given up.

    Two at once: a job that is canceled already stays so, and no job of an abandoned attempt is ever the run's own.
    """
    abandoned = dict.fromkeys(given.abandoned, given.names)
    for place in by_endpoint(abandoned).values():
        cancel_those_of(endpoint, ledger, place, now, own=given.own)
    return Done()


def by_endpoint(abandoned: Mapping[Sent, Names]) -> dict[str, dict[Sent, Names]]:
    """The abandoned submissions by the scoring URI that they were sent to."""
    found: dict[str, dict[Sent, Names]] = {}
    for sent, names in abandoned.items():
        found.setdefault(sent.endpoint.scoring_uri, {})[sent] = names
    return found


def cancel_those_of(
    endpoint: BatchEndpoint, ledger: Ledger, abandoned: Mapping[Sent, Names], now: datetime, *, own: Collection[str]
) -> None:
    """Cancel the live jobs that submissions to one endpoint made. `own`: names of jobs that are not to be touched."""
    where: Endpoint = next(iter(abandoned)).endpoint
    listing = endpoint.jobs_since(where, min(sent.since for sent in abandoned), whole=False)
    live = [job for job in listing.jobs if not job.job.is_final and job.job.name not in own]
    if not any(owner(job, sent) is not Owner.OTHERS for job in live for sent in abandoned):
        return
    # Read after the jobs were listed: a run whose job is among them was claimed before, and is open or has ended.
    others = [run for run in ledger.unfinished(now) if not isinstance(run, Run) or not run.has_ended]
    followed = {*own, *(name for run in others if isinstance(run, Run) for name in run.own_jobs)}
    for sent, names in abandoned.items():
        in_use = _inputs_of(others, names.run)
        for job in twins(live, sent, own=followed, in_use=in_use):
            followed.add(job.name)
            warn("job.twin_canceled", **dump(names), job=job.name, accepted=endpoint.cancel(where, job))


def _inputs_of(runs: Sequence[object], but: str) -> list[str]:
    """What the other runs that are under way are scored from; of one that cannot be read it may be anything."""
    found = []
    for run in runs:
        if not isinstance(run, Run):
            found.append("unknown")
        elif run.run_id != but:
            found.append(run.sent.input_uri)
    return found
