"""How much trouble a run sits out: what becomes of it when a step was not done, and what comes first meanwhile."""

from __future__ import annotations

from datetime import datetime

from shared.core.course import given_up
from shared.core.record import change
from shared.core.run import Error, Run, Status
from shared.core.steps import RECORD_RUN
from shared.core.stopping import canceled
from shared.core.trouble import DENIED_PATIENCE, Kind, Trouble, rest_after

CANCEL_TRIES = 10
"""How often canceling a job is tried; after half an hour of trouble the job is left alone, and the run ends."""


def stumbled(run: Run, step: str, trouble: Trouble, now: datetime) -> Run:
    """A step was not done. It is tried again after a rest as long as the trouble may pass and its time is not over."""
    away = run.unrecorded_since or now if step == RECORD_RUN.name else run.unrecorded_since
    denied_since = run.denied_since or (now if trouble.kind is Kind.DENIED else None)
    again = change(run, unrecorded_since=away, denied_since=denied_since, renewed_for=run.outdated)
    rested = change(again, failures=run.failures + 1, wait_until=run.later(rest_after(run.failures), now))
    if run.status is Status.CANCELING and step == RECORD_RUN.name:
        return again  # the job is canceled all the same, see `must_be_recorded`
    if run.status is Status.CANCELING:
        # The run is over already, that is why the job is canceled.
        return rested if trouble.may_pass and rested.failures < CANCEL_TRIES else canceled(run, False, now)
    if run.has_ended:
        return rested
    if not trouble.may_pass:
        return given_up(again, Error(trouble.kind, f"{step}: {trouble.message}"), now)
    if trouble.kind is Kind.DENIED and denied_since is not None and now - denied_since >= DENIED_PATIENCE:
        text = f"{step} was denied for {DENIED_PATIENCE}: {trouble.message}"
        return given_up(again, Error("denied", text), now)
    if now - run.since >= run.spec.polling.deadline:
        return given_up(again, Error("trouble", f"Gave up on {step}: {trouble.message}"), now)
    if step == RECORD_RUN.name:
        return rested  # what the run waits for has not changed, and nobody could read that the ledger is away
    return again.waiting(f"{step}: {trouble.message}", rest_after(run.failures), now)


def must_be_recorded(run: Run) -> bool:
    """Whether the ledger comes first. A job that is to be canceled does not run on because the ledger is away."""
    if run.is_recorded:
        return False
    return run.status is not Status.CANCELING or run.unrecorded_since is None


def must_wait(run: Run) -> bool:
    """Whether the run's wait comes first: once the ledger knows what for, or while the ledger is what is waited for."""
    return run.wait_until is not None and (run.is_recorded or run.unrecorded_since is not None)


def is_left_to_the_sweep(run: Run, step: str, trouble: Trouble, now: datetime) -> bool:
    """Whether a run that has ended stops trying to enter its end in the ledger. The sweep takes it up from what the
    ledger has, if that can be read."""
    if not run.has_ended or step != RECORD_RUN.name:
        return False
    return not trouble.may_pass or now - (run.unrecorded_since or now) >= run.spec.polling.deadline
