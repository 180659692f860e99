"""Whose is a job? How the job of a submission is found again whose answer was lost.

Azure ML has no client-given name and no tag for a job, so it is known by the output that the attempt asked for. A young
job may not show its outputs yet: both recorded answers to a submission have none. So a job is told apart by all that is
shown of it, and what is not shown tells nothing. Only a job that certainly is somebody else's is left out of account.

Source: recordings of the Azure SDK's own tests (batch_services/e2etests); azure-sdk-for-python issues 31166 (several
jobs for one submission), 32763 and 42156 (no name, no tags).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never
from urllib.parse import unquote, urlsplit

from shared.core.job import Job, Stage, read_job, read_moment, text_at, value_at
from shared.core.outputs import Output
from shared.core.record import Message, Record
from shared.core.route import Endpoint

CLOCKS_DIFFER = timedelta(minutes=5)
"""How far the service's clock and ours may be apart: a job that seems to be that much older may be the one."""

LATEST = timedelta(hours=1)
"""How long after a submission was given up a job of it may still be made. An execution that is that late has been ended
by the host (`functionTimeout`)."""

_IN_DATASTORE = re.compile(r"(?:^|/)datastores/(?P<name>[^/]+)/paths/(?P<path>.*)$", re.IGNORECASE)


class Sent(Record, frozen=True, kw_only=True):
    """The POST of an attempt, as far as it tells which jobs it made. It was not sent before `since`; at `until`, nobody
    waited for its answer any more. `output`: None if it named none, so that the input has to tell."""

    endpoint: Endpoint
    input_uri: str
    output: Output | None = None
    since: datetime
    until: datetime

    @property
    def the_output(self) -> Output:
        """The output that it named."""
        assert self.output is not None, "only a submission that names an output has one"
        return self.output

    @property
    def told_by(self) -> str:
        """What people can tell its jobs by."""
        return f"writes {self.output.uri}" if self.output is not None else f"scores {self.input_uri}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A job, and what is shown of it. None, or nothing at all, where something is not shown. `is_own`: this app's
    identity made it; None: that cannot be told."""

    job: Job
    created: datetime | None = None
    is_own: bool | None = None
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


class Owner(StrEnum):
    """Whose a job is, from the point of view of one submission."""

    OURS = "ours"
    OTHERS = "others"
    UNKNOWN = "unknown"


class Found(Message, frozen=True):
    """The job that the submission made. `more`: it made others, too, which write the same output."""

    job: Job
    more: bool = False


class NotThere(Message, frozen=True):
    """The submission made no job: all jobs that there are were seen, and none can be its."""


class MayBeThere(Message, frozen=True):
    """One of these jobs, by name, may be its: they do not show yet what they write."""

    jobs: tuple[str, ...]


class CannotTell(Message, frozen=True):
    """Not all jobs were seen, or more than one could be it; the reason is for people."""

    reason: str


SearchAnswer = Found | NotThere | MayBeThere | CannotTell


def some(jobs: Sequence[str], most: int = 3) -> str:
    """The first of the jobs, by name, and how many more there are."""
    return ", ".join(jobs[:most]) + (f" and {len(jobs) - most} more" if len(jobs) > most else "")


def owner(candidate: Candidate, sent: Sent) -> Owner:
    """Whose a job is. Outputs decide, where they are shown; else anything that certainly differs. A submission that
    named no output has made every job on its input that does not differ otherwise: it scores the same."""
    outputs = {is_same_place(uri, sent.output.uri) for uri in candidate.outputs} if sent.output is not None else set()
    if True in outputs:
        return Owner.OURS
    inputs = {is_same_place(uri, sent.input_uri) for uri in candidate.inputs}
    is_late = candidate.created is not None and candidate.created > sent.until + LATEST + CLOCKS_DIFFER
    differs = outputs == {False} or inputs == {False} or is_late or is_left_out(candidate, sent.endpoint, sent.since)
    if differs:
        return Owner.OTHERS
    return Owner.OURS if sent.output is None and True in inputs else Owner.UNKNOWN


def is_left_out(candidate: Candidate, endpoint: Endpoint, since: datetime) -> bool:
    """Whether a job cannot be one that was submitted to that endpoint since then, by what a list tells of it: it is
    older, another identity made it, or it is of another deployment than the one that the route names."""
    return (
        (candidate.created is not None and candidate.created < since - CLOCKS_DIFFER)
        or candidate.is_own is False
        or (endpoint.deployment is not None and candidate.job.deployment not in (None, endpoint.deployment))
    )


def with_identities_known(candidates: Iterable[Candidate], *, is_known: bool) -> tuple[Candidate, ...]:
    """The jobs of a list. That another identity made one is believed only if the list shows this app's identity at
    some job: else it may go by another kind of id there."""
    return tuple(replace(one, is_own=None) if one.is_own is False and not is_known else one for one in candidates)


def is_surely_of(candidate: Candidate, sent: Sent) -> bool:
    """Whether a job that does not show its outputs was made by this app, on that input, after that POST. It is then a
    job of `sent`, or of another run of the same input."""
    return (
        owner(candidate, sent) is not Owner.OTHERS
        and candidate.is_own is True
        and candidate.created is not None
        and _has_input(candidate, sent)
    )


def _is_proven(candidate: Candidate, sent: Sent) -> bool:
    """Whether a job writes what was asked for."""
    return sent.output is not None and owner(candidate, sent) is Owner.OURS


def _has_input(candidate: Candidate, sent: Sent) -> bool:
    """Whether a job certainly scores what was sent."""
    return any(is_same_place(uri, sent.input_uri) for uri in candidate.inputs)


def conclude(
    candidates: Sequence[Candidate],
    sent: Sent,
    *,
    complete: bool,
    reason: str,
    written: bool,
    own: Collection[str] = (),
) -> SearchAnswer:
    """What the jobs that are there say about a submission.

    `complete`: all jobs since then were seen; else `reason` says why not. `written`: something lies at the attempt's
    output, where nothing else writes. `own`: names of jobs that other attempts of the run are known to have made.

    A job that has ended and shows no outputs is taken for the one only if the output was written and no other job could
    be it, whatever became of that. One that has ended without writing anything can do no harm: it is left out.
    """
    others = [candidate for candidate in candidates if candidate.job.name not in own]
    ours = [candidate for candidate in others if owner(candidate, sent) is Owner.OURS]
    unknown = [candidate for candidate in others if owner(candidate, sent) is Owner.UNKNOWN]
    live = sorted(candidate.job.name for candidate in unknown if not candidate.job.is_final)
    if ours:
        return Found(min(ours, key=_precedence).job, more=len(ours) > 1 or bool(live))
    if live:
        return MayBeThere(tuple(live))
    # The service shows an input in the form in which it was sent, so one that is the same says more than one that
    # cannot be compared.
    likely = [candidate for candidate in unknown if _has_input(candidate, sent)] or unknown
    if written and any(candidate.job.stage is Stage.COMPLETED for candidate in likely):
        if len(likely) == 1:
            return Found(likely[0].job)
        names = ", ".join(sorted(candidate.job.name for candidate in likely))
        return CannotTell(f"its output was written by one of {names}, which do not show their outputs")
    return NotThere() if complete else CannotTell(reason)


def _precedence(candidate: Candidate) -> tuple[int, float, str]:
    """Of several jobs on one output, the one that is furthest, then the oldest: the first to end writes it."""
    match candidate.job.stage:
        case Stage.COMPLETED:
            rank = 0
        case Stage.RUNNING:
            rank = 1
        case Stage.WAITING:
            rank = 2
        case Stage.FAILED | Stage.CANCELED:
            rank = 3
        case unknown:
            assert_never(unknown)
    return rank, _age(candidate), candidate.job.name


def _age(candidate: Candidate) -> float:
    return candidate.created.timestamp() if candidate.created else 0.0


def twins(candidates: Iterable[Candidate], sent: Sent, *, own: Collection[str], in_use: Collection[str]) -> list[Job]:
    """The live jobs that an abandoned submission certainly made. `own`: names of jobs that are followed. `in_use`: the
    inputs that other runs under way are scored from; where one has the same, an output has to prove whose a job is."""
    is_shared = any(is_same_place(uri, sent.input_uri) is not False for uri in in_use)
    return [
        candidate.job
        for candidate in candidates
        if candidate.job.name not in own
        and not candidate.job.is_final
        and (_is_proven(candidate, sent) or (not is_shared and is_surely_of(candidate, sent)))
    ]


def read_candidate(resource: object, identity: Collection[str] = ()) -> Candidate:
    """The job in a resource of the scoring host or of Resource Manager. `identity`: what this app's identity is called
    (object and client id); a creator that is called by another kind of name cannot be told from it. Raises ValueError
    if it has no name."""
    creator = text_at(resource, "systemData", "createdBy")
    return Candidate(
        job=read_job(resource),
        created=read_moment(text_at(resource, "systemData", "createdAt")),
        is_own=_is_own(creator, identity),
        inputs=_uris(value_at(resource, "properties", "inputData")),
        outputs=_uris(value_at(resource, "properties", "outputData")),
    )


def seen_together(listed: Candidate, shown: Candidate) -> Candidate:
    """One job as a list and as it was shown alone: what either tells."""
    return Candidate(
        job=listed.job.seen_again(shown.job),
        created=shown.created or listed.created,
        is_own=listed.is_own if shown.is_own is None else shown.is_own,
        inputs=shown.inputs or listed.inputs,
        outputs=shown.outputs or listed.outputs,
    )


def is_same_place(uri: str, wanted: str) -> bool | None:
    """Whether two URIs name the same file or folder; None if they are of forms that cannot be compared. The service
    answers with another form than it was sent: `azureml://datastores/d/paths/p` comes back as
    `/subscriptions/…/datastores/d/paths/p`."""
    one, other = _comparable(uri), _comparable(wanted)
    return one[1] == other[1] if one is not None and other is not None and one[0] == other[0] else None


def _comparable(uri: str) -> tuple[str, str] | None:
    """The form of a URI, and what it names in that form; None for forms that may name anything."""
    if found := _IN_DATASTORE.search(uri):
        return "datastore", _tidy(f"{found['name'].casefold()}/{unquote(found['path'])}")
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme == "https":
        return "https", _tidy(f"{parts.netloc.casefold()}/{unquote(parts.path)}")
    return None


def _tidy(path: str) -> str:
    return "/".join(part for part in path.split("/") if part)


def _uris(named: object) -> tuple[str, ...]:
    entries = named.values() if isinstance(named, dict) else ()
    return tuple(uri for uri in (text_at(entry, "uri") for entry in entries) if uri)


def _is_own(creator: str | None, identity: Collection[str]) -> bool | None:
    if creator is None or not identity:
        return None
    if creator.lower() in {name.lower() for name in identity}:
        return True
    return False if _looks_like_an_id(creator) and all(map(_looks_like_an_id, identity)) else None


def _looks_like_an_id(name: str) -> bool:
    return re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", name) is not None
