"""Bringing a run's record up to date, and telling of its end."""

from __future__ import annotations

from shared.core.record import dump
from shared.core.run import Run, Status
from shared.core.steps import Overtaken, Recorded, RecordRun
from shared.telemetry import error, log, warn
from shared.work import admitting
from shared.work.ledger import Ledger


def record(ledger: Ledger, given: RecordRun) -> Recorded:
    """Bring a run's record up to date and say so; of a run that has failed or was canceled, aloud.

    A slot that the run needs no more is given back.

    Two at once: the later revision stays. Both may tell of the end.
    """
    run = given.progress
    answer = ledger.record(given.names.run, run, given.spec)
    if isinstance(answer, Overtaken):
        warn("run.overtaken", **dump(given.names), status=answer.status, revision=run.revision)
        return answer
    log(
        "run.recorded",
        **dump(given.names),
        status=run.status,
        attempt=run.attempt,
        job=run.job.name if run.job else None,
        error=run.error.message if run.error else None,
    )
    if run.frees_slot:
        admitting.give_back(ledger, given.names.run, run)
    if run.status in (Status.FAILED, Status.CANCELED):
        ledger.tell_once(given.names.run, lambda: _tell_of_end(ledger.run(given.names.run)))
    return answer


def _tell_of_end(run: Run | None) -> None:
    if run is None or run.error is None:
        return  # deleted just now
    told = {**dump(run.names), **run.error.shown, "shadow_of": run.shadow_of}
    if run.status is Status.FAILED:
        error("run.failed", **told)
    else:
        warn("run.canceled", **told, by=run.cancel.by if run.cancel is not None else None)
