"""The three ways to list the jobs of a batch endpoint, from the one that is documented to the one that nobody tried.

Sources: Microsoft.MachineLearningServices ARM specification (Jobs - List); azure-ai-ml 1.35 (the front end, which
always fails for one user: azure-sdk-for-python issue 45212). No document lists jobs at the scoring host.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from shared.adapters.credentials import AZURE_ML, MANAGEMENT, names_in
from shared.adapters.rest import Closed, ListCut, Rest
from shared.adapters.workspaces import Workspaces
from shared.core.finding import (
    CLOCKS_DIFFER,
    Candidate,
    is_left_out,
    read_candidate,
    seen_together,
    with_identities_known,
)
from shared.core.job import text_at
from shared.core.route import Endpoint
from shared.errors import Unavailable
from shared.ports import JobListing
from shared.telemetry import warn
from shared.threads import each

PAGES = 300
"""Pages of jobs that are read; a list that is longer was not seen to its end."""
LOOKS = 1000
"""Jobs of a list that are looked at one by one, some seconds' work; if there are more, not all of them were seen. With
200 a run failed as unclear on an endpoint that had made a job every second for ten minutes."""
LOOKS_AT_ONCE = 8
END_OF_TIME = datetime.max.replace(tzinfo=UTC)
ORDER_SHOWN = 50
"""Jobs, from a list's first on, that are in the order of time before the rest of it is taken to be older."""
CLOSED = frozenset({400, 404, 405, 501})
"""Answers of a service that does not list jobs in that way."""

Show = Callable[[Endpoint, Candidate], Candidate]


class JobLists:
    """The lists of one app. `show`: a job as the scoring host shows it, or as it was listed."""

    def __init__(self, rest: Rest, workspaces: Workspaces, show: Show) -> None:
        self._rest = rest
        self._workspaces = workspaces
        self._show = show

    def since(self, endpoint: Endpoint, since: datetime, *, whole: bool) -> JobListing:
        """The endpoint's jobs that were made since then, or may have been, by the first way that lists them all; else
        what all ways have shown. Raises Unavailable if none is complete, and one of them may be another time.

        Not `whole`: a list that turns out to begin with the newest is not read to its end. That is enough to find a
        job, and not to say that there is none: no order is documented.
        """
        trouble: list[Unavailable] = []
        partial: list[JobListing] = []
        for way in (self._in_workspace, self._at_front_end, self._at_scoring_host):
            try:
                listing = way(endpoint, since, whole)
            except Unavailable as error:
                trouble.append(error)
            except Closed as error:
                partial.append(JobListing((), complete=False, reason=str(error)))
            else:
                if listing.complete:
                    return listing
                partial.append(listing)
        jobs = {candidate.job.name: candidate for listing in partial for candidate in listing.jobs}
        if trouble and not jobs:
            raise trouble[0]  # the first way is the one that is documented
        reasons = [*(listing.reason for listing in partial), *map(str, trouble)]
        warn("endpoint.cannot_list", scoring_uri=endpoint.scoring_uri, reasons=reasons)
        return JobListing(tuple(jobs.values()), complete=False, reason="; ".join(reasons))

    def _in_workspace(self, endpoint: Endpoint, since: datetime, whole: bool) -> JobListing:
        """By Resource Manager, which lists all jobs of the workspace but not what they read and write: the scoring host
        does, of each."""
        workspace, name = self._workspaces.of(endpoint), self._workspaces.name_of(endpoint)
        jobs = self._rest.items(self._workspaces.jobs_url(workspace), MANAGEMENT, pages=PAGES)
        reading = self._read(jobs, since, whole, lambda resource: _is_of(resource, name))
        asked = [job for job in reading.jobs if not is_left_out(job, endpoint, since)]
        if len(asked) > LOOKS:
            reading.reasons.append(f"more than {LOOKS} jobs may be the one")
        shown = each(lambda job: self._show(endpoint, job), asked[:LOOKS], at_once=LOOKS_AT_ONCE)
        seen = {job.job.name: seen_together(job, told) for job, told in zip(asked, shown, strict=False)}
        return reading.listing([seen.get(job.job.name, job) for job in reading.jobs])

    def _at_front_end(self, endpoint: Endpoint, since: datetime, whole: bool) -> JobListing:
        return self._listed_at(self._workspaces.front_end_jobs_url(endpoint), endpoint, since, whole)

    def _at_scoring_host(self, endpoint: Endpoint, since: datetime, whole: bool) -> JobListing:
        """Its requests are led to a deployment, so that it may list the jobs of that one alone."""
        listing = self._listed_at(endpoint.scoring_uri, endpoint, since, whole)
        if endpoint.deployment is not None or not listing.complete:
            return listing
        return replace(listing, complete=False, reason="the scoring host may list one deployment's jobs alone")

    def _listed_at(self, url: str, endpoint: Endpoint, since: datetime, whole: bool) -> JobListing:
        headers = self._workspaces.towards(endpoint)
        jobs = self._rest.items(url, AZURE_ML, pages=PAGES, headers=headers, closed=CLOSED)
        reading = self._read(jobs, since, whole, lambda _: True)
        return reading.listing(reading.jobs)

    def _read(
        self, resources: Iterator[Any], since: datetime, whole: bool, takes: Callable[[object], bool]
    ) -> _Reading:
        reading = _Reading(names_in(self._rest.token(MANAGEMENT)), since, takes)
        try:
            for resource in resources:
                if reading.take(resource) and not whole:
                    reading.reasons.append("the list was read as far as it was in the order of time")
                    break
        except ListCut as cut_off:
            reading.reasons.append(str(cut_off))
        return reading


@dataclass
class _Reading:
    """What has been read of a list: the jobs since a moment, and why there may be others."""

    identity: Collection[str]
    earliest: datetime
    takes: Callable[[object], bool]
    jobs: list[Candidate] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    count: int = 0
    last: datetime | None = END_OF_TIME
    knows_us: bool = False

    def take(self, resource: object) -> bool:
        """Read one more; whether all that follow are older, as far as can be seen."""
        try:
            candidate = read_candidate(resource, self.identity)
        except ValueError:
            self.reasons.append("a listed job could not be read")
            return False
        created, self.count = candidate.created, self.count + 1
        self.last = created if self.last is not None and created is not None and created <= self.last else None
        self.knows_us = self.knows_us or candidate.is_own is True
        if created is None or created >= self.earliest - CLOCKS_DIFFER:
            if self.takes(resource):
                self.jobs.append(candidate)
            return False
        return self.last is not None and self.count > ORDER_SHOWN

    def listing(self, jobs: Iterable[Candidate]) -> JobListing:
        """As the port has it."""
        told = with_identities_known(jobs, is_known=self.knows_us)
        return JobListing(told, complete=not self.reasons, reason="; ".join(dict.fromkeys(self.reasons)))


def _is_of(resource: object, endpoint: str) -> bool:
    """Whether a job of the workspace may be of that endpoint: it runs under its name, or is described as its."""
    experiment = text_at(resource, "properties", "experimentName")
    description = text_at(resource, "properties", "description") or ""
    names = (experiment or endpoint).casefold(), f"endpoint: {endpoint},".casefold()
    return names[0] == endpoint.casefold() or names[1] in description.casefold()
