"""The answer to "why was my file not scored?": a few sentences, and the same in members."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, assert_never

from shared.core.card import Card, overdue_at, quiet_at
from shared.core.explanation import (
    Facts,
    Role,
    Taken,
    Version,
    is_old,
    is_settled,
    run_in,
    seen_by,
    spoken,
    spoken_span,
    state_in,
    sweep_finds_at,
    version_of,
    waits_for,
)
from shared.core.miss import Miss
from shared.core.pause import told_of
from shared.core.record import builtins_of
from shared.core.route import Ready
from shared.core.run import Error, Run, Status


def explained(facts: Facts) -> dict[str, Any]:
    """What is told of a path: `text` for people, the rest for programs."""
    miss, taken = (facts.found, None) if isinstance(facts.found, Miss) else (None, facts.found)
    file = facts.file
    return {
        "path": facts.spot.shown,
        "state": str(state_in(facts)),
        "text": " ".join(_missed(facts, miss) if miss is not None else _sentences(facts)),
        "route": taken.landing.route.name if taken is not None else None,
        "landing": _landing(taken) if taken is not None else None,
        "role": str(taken.role) if taken is not None else None,
        "miss": None
        if miss is None
        else {"reason": str(miss.reason), "route": miss.route, "message": miss.message, "do": miss.do},
        "blob": None if file is None else {"bytes": file.size, "written": file.modified.isoformat(), "etag": file.etag},
        "seen": None if facts.card is None or facts.card.looked is None else seen_by(facts.card),
        "waits": _waits(facts),
        "paused": builtins_of(facts.pause),
        "run": _run(facts),
        "sweep": _swept(facts),
    }


def _waits(facts: Facts) -> dict[str, Any] | None:
    if not isinstance(facts.found, Taken) or facts.watching.instance_id is None or _is_running(facts):
        return None
    if is_settled(facts):
        return None
    told = waits_for(facts.found.landing.route.ready, facts.card) if facts.card is not None else {}
    return {**told, "watch": facts.watching.instance_id}


def _run(facts: Facts) -> dict[str, Any] | None:
    if facts.unreadable is not None and facts.card is not None:
        return {"run_id": facts.card.run, "status": "unreadable", "error": Error("version", facts.unreadable).shown}
    if facts.run is None:
        return None
    version = version_of(facts)
    return {**run_in(facts.run), "version": None if version is None else str(version)}


def _swept(facts: Facts) -> str | None:
    return (
        sweep_finds_at(facts.file.modified if facts.file else None, facts.now).isoformat() if _is_left(facts) else None
    )


def _missed(facts: Facts, miss: Miss) -> Iterator[str]:
    yield f"No route takes {facts.spot.shown}: {miss.message}. {miss.do}"
    if facts.spot.known is not None:
        yield from _blob(facts)


def _sentences(facts: Facts) -> Iterator[str]:
    assert isinstance(facts.found, Taken), "a miss is told otherwise"
    yield _taken(facts, facts.found)
    if facts.found.role is not Role.LANDING:
        yield from _blob(facts)
    yield from _of_run(facts)
    if _waits(facts) is not None:
        yield from _waiting(facts, facts.found.landing.route.ready)
    elif facts.card is not None and facts.card.trouble is not None:
        yield f"The last look at the landing, at {_looked(facts.card)}, failed: {facts.card.trouble}"
    yield from _next(facts)


def _taken(facts: Facts, taken: Taken) -> str:
    path, route, landing = facts.spot.shown, taken.landing.route, _landing(taken)
    match taken.role:
        case Role.FILE if landing == path:
            return f"Route {route.name!r} takes {path} as a landing of its own."
        case Role.FILE:
            return f"Route {route.name!r} takes {path} as a file of landing {landing}."
        case Role.MARKER:
            return f"{path} is the marker that says to route {route.name!r} that landing {landing} is complete."
        case Role.STRAY:
            return (
                f"{path} is in a sub-folder of landing {landing}, which a batch job does not see, so the whole landing "
                f"is refused. Set landing.nested of route {route.name!r} to flatten or split, or move the file."
            )
        case Role.LANDING if landing == path:
            return f"{path} is a landing of route {route.name!r}."
        case Role.LANDING:
            return f"{path} is a part of landing {landing} of route {route.name!r}."
        case unknown:
            assert_never(unknown)


def _blob(facts: Facts) -> Iterator[str]:
    if facts.file is None:
        yield "There is no such blob now."
        return
    yield f"The blob is there: {facts.file.size:,} bytes, written {spoken(facts.file.modified)}."
    if facts.file.size == 0 and isinstance(facts.found, Taken) and facts.found.role is not Role.MARKER:
        yield "It is empty, so its own event starts nothing: it is seen with the next look at its folder."


def _of_run(facts: Facts) -> Iterator[str]:
    run = facts.run
    if facts.unreadable is not None:
        yield facts.unreadable
    elif run is None:
        told = facts.card is not None and facts.card.look is not None
        yield (
            "No run has it yet." if told else "No run has it yet, as far as is known: no look at its landing is noted."
        )
    else:
        yield f"Run {run.run_id} {_version(version_of(facts))}: {_end(run)}"


def _version(version: Version | None) -> str:
    match version:
        case Version.EXACT:
            return "is of exactly this version"
        case Version.SAME_CONTENT:
            return "is of the same content, which was uploaded again since"
        case Version.OLDER:
            return "is the landing's latest and has an older version of it"
        case Version.ABSENT:
            return "is the landing's latest and does not have this file, which came later or was not to be seen"
        case None:
            return "is the landing's latest"
        case unknown:
            assert_never(unknown)


def _end(run: Run) -> str:
    match run.status:
        case Status.PUBLISHED if run.publication is not None:
            return f"published at {run.publication.url}."
        case Status.FAILED | Status.CANCELED if run.error is not None:
            ended = run.status if run.spec.refusal is None else "refused"
            return f"{ended}. {_closed(run.error.message)} {run.error.advice}"
        case Status.SUPERSEDED:
            return "superseded, because the landing got newer content, which gets a run of its own."
        case _:
            said = f" {_closed(run.error.message)}" if run.error is not None else ""
            return f"under way ({run.status} since {spoken(run.since)}).{said}"


def _waiting(facts: Facts, ready: Ready) -> Iterator[str]:
    card = facts.card
    if card is None or card.look is None or not card.waits:
        yield "A watch is under way and looks at the landing within a minute."
        return
    yield f"The last look, at {_looked(card)}, saw {_counted(card)}."
    if card.trouble is not None:
        yield f"Since then a look failed and is tried again: {_closed(card.trouble)}"
    end = "it is scored as it is" if ready.scores_after_longest_wait else "it fails"
    overdue = overdue_at(ready, card)
    at_the_latest = f"; after {spoken(overdue)} {end} in any case" if overdue is not None else ""
    if ready.marker is not None:
        verb = "is not there" if not card.look.marked else "has arrived"
        yield f"It waits for its marker {ready.marker}, which {verb}{at_the_latest}."
        return
    moment = quiet_at(ready, card)
    if moment is not None and card.same_since is not None and ready.quiet is not None:
        yield (
            f"It waits until nothing changes for {spoken_span(ready.quiet)}: unchanged since "
            f"{spoken(card.same_since)}, it is scored at {spoken(moment)} if that stays so{at_the_latest}."
        )


def _next(facts: Facts) -> Iterator[str]:
    assert isinstance(facts.found, Taken), "a miss is told otherwise"
    run = facts.run
    if run is not None and is_settled(facts):
        if run.status in (Status.FAILED, Status.CANCELED) and run.spec.refusal is None:
            yield f"To replay it, POST /api/runs/{run.run_id}/replay."
    elif not facts.found.landing.route.is_watched:
        yield (
            f"Route {facts.found.landing.route.name!r} is scored on request only: nothing happens until POST /api/runs "
            f"asks for {_landing(facts.found)}."
        )
    elif facts.file is None and facts.found.role is not Role.LANDING:
        yield "Once it is written, it is noticed by its event, or by the sweep."
    elif facts.pause is not None:
        yield f"{told_of(facts.found.landing.route.name, facts.pause)} Then it is looked at."
    elif _is_running(facts):
        yield "When that run has ended, the landing is looked at again."
    elif not facts.watching.is_known:
        yield "Whether a watch is under way could not be found out; ask again."
    elif _is_left(facts):
        yield from _left(facts)
    elif facts.card is None and facts.watching.instance_id is None:
        yield "Once files are written there, they are noticed by their events, or by the sweep."


def _left(facts: Facts) -> Iterator[str]:
    if is_old(facts) and facts.was_there_before:
        yield (
            "No watch is under way, and none will be: it was there before the sweep first saw this route, and such "
            "files are not scored by surprise. Upload it again, or ask for a run with POST /api/runs."
        )
        return
    moment = sweep_finds_at(facts.file.modified if facts.file is not None else None, facts.now)
    yield f"No watch is under way. If no event starts one, the sweep of {spoken(moment)} does."


def _is_left(facts: Facts) -> bool:
    """Whether it is up to an event or the sweep that something happens."""
    if not isinstance(facts.found, Taken) or facts.watching.instance_id is not None or not facts.watching.is_known:
        return False
    if is_settled(facts) or _is_running(facts) or facts.unreadable is not None or facts.pause is not None:
        return False
    if not facts.found.landing.route.is_watched:
        return False
    if facts.found.role is not Role.FILE:
        return facts.card is not None and facts.card.waits
    return facts.file is not None


def _is_running(facts: Facts) -> bool:
    return facts.run is not None and not facts.run.has_ended


def _landing(taken: Taken) -> str:
    return f"{taken.landing.route.landing.name}/{taken.landing.path}"


def _looked(card: Card) -> str:
    return spoken(card.looked) if card.looked is not None else "an unknown time"


def _counted(card: Card) -> str:
    count = card.look.files if card.look is not None else 0
    return f"{count:,} {'file' if count == 1 else 'files'} to score, {card.bytes:,} bytes"


def _closed(text: str) -> str:
    """A text as a sentence."""
    return text if text.rstrip().endswith((".", "!", "?")) else f"{text.rstrip()}."
