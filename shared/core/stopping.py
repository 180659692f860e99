"""How a run ends before its time: because somebody wants it, or after its job was canceled."""

from __future__ import annotations

from datetime import datetime

from shared.core.acts import Cancel
from shared.core.course import failed, given_up
from shared.core.record import change
from shared.core.run import Error, Run, Status


def canceled(run: Run, accepted: bool, now: datetime) -> Run:
    """The service was asked to cancel the job; the run ends with the error that led to it."""
    error = run.error or Error("canceled", "The run was given up.")
    if accepted:
        return failed(run, error.and_said("The job was canceled."), now)
    left = change(error, do=f"Cancel the job in Studio, should it still run. {error.advice}")
    return failed(run, left.and_said("The job could not be canceled."), now)


def withdrawn(run: Run, cancel: Cancel, now: datetime) -> Run:
    """Somebody has asked for the run's end before the POST of its attempt was sent."""
    return failed(run, _withdrawn(cancel), now)


def stopped(run: Run, cancel: Cancel, now: datetime) -> Run:
    """Somebody has asked for the run's end, wherever it is. One that has ended, or is about to, goes on as it does."""
    if run.has_ended or run.status is Status.CANCELING:
        return run
    return given_up(run, _withdrawn(cancel), now)


def _withdrawn(cancel: Cancel) -> Error:
    return Error("canceled", cancel.told)
