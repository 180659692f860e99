"""How everything stands, for people: what needs attention, routes, what waits, what is under way, what has been."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from shared.core.acts import Said
from shared.core.card import Card, State, overdue_at
from shared.core.route import Route
from shared.core.run import Run, Status

UNDER_ATTENTION = (State.FAILED, State.REFUSED, State.UNREADABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A landing with its latest run. `unreadable`: why the record of that cannot be read."""

    card: Card
    state: State
    run: Run | None = None
    unreadable: str | None = None

    @property
    def path(self) -> str:
        return f"{self.card.container}/{self.card.landing}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standings:
    """All that the page tells. `runs`: the last ones, the newest first; `under_way`: all that have not ended, and
    `places`: the landings that something happened to last."""

    now: datetime
    routes: Sequence[Route]
    problems: Sequence[str]
    pauses: Mapping[str, Said | None]
    under_way: Sequence[Run]
    runs: Sequence[Run]
    places: Sequence[Place]


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """Something that somebody should look at, and what to do. `run_id`: the run that it is about."""

    what: str
    why: str
    do: str | None = None
    run_id: str | None = None


def concerns(found: Standings) -> Iterator[Concern]:
    """What needs attention, what keeps most from being scored first."""
    for problem in found.problems:
        yield Concern(what="A route cannot be used", why=problem, do="Correct routes.yaml and deploy it.")
    for place in found.places:
        if place.state in UNDER_ATTENTION:
            error = place.run.error if place.run is not None else None
            yield Concern(
                what=f"{place.path} is {place.state}",
                why=error.message if error is not None else place.unreadable or "",
                do=error.advice if error is not None else None,
                run_id=place.run.run_id if place.run is not None else place.card.run,
            )
        elif place.state is State.WAITING:
            yield from _waits_too_long(found, place)
    for run in found.under_way:
        if run.error is not None and run.error.reason != "in_line":
            yield Concern(
                what=f"{run.landing} is held up", why=run.error.message, do=run.error.advice, run_id=run.run_id
            )


def _waits_too_long(found: Standings, place: Place) -> Iterator[Concern]:
    if place.card.trouble is not None:
        yield Concern(what=f"{place.path} cannot be looked at", why=place.card.trouble)
    route = next((one for one in found.routes if one.name == place.card.route), None)
    overdue = overdue_at(route.ready, place.card) if route is not None else None
    if overdue is not None and overdue < found.now:
        yield Concern(
            what=f"{place.path} waits although its longest wait is over",
            why=f"That was at {overdue:%Y-%m-%d %H:%M:%S} UTC.",
            do="POST /api/landings/refresh has it looked at now.",
        )


def seconds_of(run: Run, now: datetime) -> float:
    """How long a run has taken, or has been taking."""
    return max(0.0, ((run.timings.ended or now) - run.timings.claimed).total_seconds())


def usual_seconds(runs: Sequence[Run], route: str, now: datetime) -> float | None:
    """How long runs of a route take: the median of those that were published; None if there are none."""
    taken = [seconds_of(run, now) for run in runs if run.route == route and run.status is Status.PUBLISHED]
    return median(taken) if taken else None


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to a run. `at`: None where that is not known."""

    at: datetime | None
    what: str
    detail: str | None = None


def timeline(run: Run) -> list[Step]:
    """What has happened to a run, from the first to the last."""
    times = run.timings
    first = "asked for" if run.request is not None else "ready"
    steps = [
        Step(
            times.claimed,
            f"The landing was {first}, and its snapshot claimed",
            counted(run.snapshot.files, run.snapshot.bytes),
        )
    ]
    if run.request is not None and run.request.repeats is not None:
        steps.append(Step(times.claimed, f"It is a {run.request.repeats.act} of {run.request.repeats.run_id}"))
    steps += [Step(one.at, f"Attempt {one.attempt}: {one.outcome}", one.message or one.job) for one in run.attempts]
    if run.cancel is not None:
        steps.append(Step(run.cancel.at, "Its end was asked for", run.cancel.by_whom))
    job = run.job
    found = [
        (times.submitted, "The job was submitted", job.name if job else None),
        (times.running, "The job began to run", None),
        (times.completed, "The job ended", job.status if job else None),
        (times.published, "The results were copied and checked", None),
    ]
    steps += [Step(at, what, detail) for at, what, detail in found if at is not None]
    for step in job.steps if job is not None else ():
        steps.append(Step(None, f"Step {step.name}: {step.status}"))
    if times.ended is not None:
        sealed = "_SUCCESS was written" if run.status is Status.PUBLISHED else None
        steps.append(Step(times.ended, f"The run ended: {run.status}", sealed))
    known = sorted((step for step in steps if step.at is not None), key=lambda step: step.at or times.claimed)
    return [*known, *(step for step in steps if step.at is None)]


def counted(files: int, size: int) -> str:
    """So many files, of so many bytes."""
    return f"{files} {'file' if files == 1 else 'files'}, {size:,} bytes"
