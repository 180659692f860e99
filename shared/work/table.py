"""Which function carries out which step: one table, for the app and for tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from shared.core import steps
from shared.core.record import Done
from shared.core.steps import ReportDefect, Step
from shared.ports import Announcer, BatchEndpoint, Blobs
from shared.routes import Routes
from shared.telemetry import report_defect
from shared.work import admitting, claiming, locating, publishing, recording, submitting, twins
from shared.work.ledger import Ledger


class Means(Protocol):
    """What steps are carried out with. Asking for one may raise SettingsInvalid or RoutesInvalid."""

    @property
    def routes(self) -> Routes: ...
    @property
    def blobs(self) -> Blobs: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def endpoint(self) -> BatchEndpoint: ...
    @property
    def announcer(self) -> Announcer | None: ...
    @property
    def now(self) -> Callable[[], datetime]: ...
    @property
    def new_id(self) -> Callable[[], str]: ...


Work = Callable[[Means, Any], Any]

WORK: Mapping[Step[Any, Any], Work] = {
    steps.LOOK: lambda means, given: claiming.look(means.routes, means.blobs, means.ledger, given),
    steps.CLAIM_RUN: lambda means, given: claiming.claim(means.routes, means.blobs, means.ledger, given),
    steps.RENEW_SPEC: lambda means, given: claiming.renew(lambda: means.routes, means.blobs, means.ledger, given),
    steps.RECORD_RUN: lambda means, given: recording.record(means.ledger, given),
    steps.STAGE_INPUT: lambda means, given: submitting.stage_input(means.blobs, means.ledger, given),
    steps.TAKE_SLOT: lambda means, given: admitting.take_slot(
        lambda: means.routes, means.endpoint, means.ledger, given, means.now()
    ),
    steps.SUBMIT_JOB: lambda means, given: submitting.submit(means.endpoint, means.ledger, given, nonce=means.new_id()),
    steps.SEARCH_JOB: lambda means, given: submitting.search(means.endpoint, means.blobs, means.ledger, given),
    steps.OBSERVE_JOB: lambda means, given: submitting.observe(means.endpoint, means.ledger, given),
    steps.CANCEL_TWINS: lambda means, given: twins.cancel_twins(means.endpoint, means.ledger, given, means.now()),
    steps.CANCEL_JOB: lambda means, given: submitting.cancel(means.endpoint, given),
    steps.EXPLAIN_FAILURE: lambda means, given: submitting.explain(means.endpoint, given),
    steps.CHECK_LANDING: lambda means, given: claiming.check(means.blobs, means.ledger, given),
    steps.LOCATE_OUTPUTS: lambda means, given: locating.locate_outputs(means.endpoint, means.blobs, given),
    steps.LIST_OUTPUTS: lambda means, given: publishing.list_outputs(means.blobs, means.ledger, given),
    steps.COPY_OUTPUTS: lambda means, given: publishing.copy_outputs(means.blobs, means.ledger, given),
    steps.SEAL_PUBLICATION: lambda means, given: publishing.seal(means.blobs, means.ledger, given),
    steps.ANNOUNCE_RUN: lambda means, given: publishing.announce(means.announcer, given),
    steps.REPORT_DEFECT: lambda _, given: _report(given),
}


def _report(given: ReportDefect) -> Done:
    """Two at once: the defect is told of twice."""
    report_defect(given.names, given.where, given.traceback)
    return Done()
