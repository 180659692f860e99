"""The identity of a run: what is scored once has one id, whoever claims it."""

from __future__ import annotations

import hashlib

from shared.core.acts import Repetition
from shared.core.location import Location
from shared.core.run import UNPUBLISHED, Run, Status


def run_id(route: str, landing: Location, fingerprint: str, number: int, *variant: str) -> str:
    """The identity of a run: the same content of the same landing gives the same id.

    `number` is 0, and one more each time content whose run has failed or was canceled is uploaded again. `variant`:
    what tells a run that somebody asked for from the one that the content gets by itself.
    """
    text = "\0".join((route, landing.url, fingerprint, str(number), *variant))
    return f"{route}-{hashlib.sha256(text.encode()).hexdigest()[:20]}"


REPEATABLE = {
    Repetition.REPLAY: UNPUBLISHED,
    Repetition.RESCORE: frozenset({Status.PUBLISHED}),
}
"""How a run has to have ended, so that its content can be scored once more."""


def repetition_id(run: Run, act: Repetition) -> str:
    """The identity of the run that scores a run's content once more: there is one for each act."""
    number, variant = repetition_of(run, act)
    return run_id(run.route, run.spec.landing, run.snapshot.fingerprint, number, *variant)


def repetition_of(run: Run, act: Repetition) -> tuple[int, tuple[str, ...]]:
    """The number and the variant of that run. A replay of what landed is its next run, whoever comes first: so content
    that is replayed and uploaded again at the same time is scored once."""
    is_of_what_landed = run.run_id == run_id(run.route, run.spec.landing, run.snapshot.fingerprint, run.number)
    if act is Repetition.REPLAY and is_of_what_landed:
        return run.number + 1, ()
    changes = (f"changes {run.changes.identity}",) if run.changes else ()
    return 0, (*changes, f"{act} {run.run_id}")


def shadow_id(route: str, run: str, deployment: str) -> str:
    """The identity of a run's shadow."""
    return f"{route}-{hashlib.sha256(chr(0).join((run, 'shadow', deployment)).encode()).hexdigest()[:20]}"
