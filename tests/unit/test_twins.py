"""Jobs that turn up for abandoned submissions are canceled, and no others."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from shared.core.job import Job
from shared.core.location import Location
from shared.core.record import change
from shared.core.run import Run
from shared.core.snapshot import Frozen
from shared.core.steps import CancelTwins
from shared.core.submission import invoke_body
from shared.work.ledger import Ledger
from shared.work.twins import cancel_twins
from testbed.examples import STATE
from testbed.fakes import NOON, FakeBlobs, FakeClock, FakeEndpoint
from tests.unit.runs import RUN_ID, a_run

NONE: tuple[Frozen, ...] = ()
ANOTHER = RUN_ID.replace("1", "2")


@dataclass
class Site:
    """A run whose first attempt was abandoned, and which follows the job of its second one."""

    shows_outputs: str = "when_completed"
    blobs: FakeBlobs = field(default_factory=lambda: FakeBlobs(FakeClock()))
    run: Run = field(default_factory=a_run)

    def __post_init__(self) -> None:
        self.endpoint = FakeEndpoint(blobs=self.blobs, shows_outputs=self.shows_outputs, statuses=("Running",) * 9)
        self.ledger.claim(self.run, NONE)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.blobs, STATE)

    def make_job(self, attempt: int, run: Run | None = None) -> Job:
        request = (run or self.run).spec.request(attempt)
        return self.endpoint.make_job(invoke_body(request), request.endpoint)

    def cancel(self) -> list[str]:
        own = self.make_job(2)
        given = CancelTwins(names=self.run.names, abandoned=(self.run.sent,), own=(own.name,))
        cancel_twins(self.endpoint, self.ledger, given, NOON)
        return self.endpoint.canceled


@pytest.mark.parametrize("shown", ["at_once", "when_completed", "never"])
def test_a_job_of_an_abandoned_attempt_is_canceled_and_the_runs_own_is_not(shown: str) -> None:
    site = Site(shown)
    twin = site.make_job(1)

    assert site.cancel() == [twin.name]


def test_every_job_of_an_abandoned_attempt_is_canceled() -> None:
    site = Site()
    names = [site.make_job(1).name for _ in range(3)]

    assert site.cancel() == names


@pytest.mark.parametrize(("shown", "canceled"), [("at_once", ["batchjob-1"]), ("when_completed", []), ("never", [])])
def test_while_another_run_is_scored_from_the_same_folder_only_an_output_tells_whose_a_job_is(
    shown: str, canceled: list[str]
) -> None:
    """The sweep resumed one run, and a new watcher made the next one of the same landing beside it."""
    site = Site(shown)
    another = a_run(run_id=ANOTHER)
    site.ledger.claim(another, NONE)
    site.make_job(1)
    site.make_job(
        1,
        change(
            another, spec=change(another.spec, output=change(another.spec.output_of("{attempt}"), uri="azureml://x"))
        ),
    )

    assert site.cancel() == canceled


def test_while_there_is_a_run_that_cannot_be_read_only_an_output_tells_whose_a_job_is() -> None:
    site = Site()
    site.blobs.put(Location(STATE, f"runs/{ANOTHER}.json"), b'{"version": 99}')
    site.blobs.put(Location(STATE, f"open/{ANOTHER}"), b"")
    site.make_job(1)

    assert site.cancel() == []


def test_a_job_from_before_the_attempt_is_none_of_its() -> None:
    site = Site()
    job = site.make_job(1)
    site.endpoint.created[job.name] = NOON - timedelta(days=1)

    assert site.cancel() == []


def test_where_every_job_has_ended_the_ledger_is_not_read() -> None:
    site = Site()
    site.endpoint.statuses = ("Completed",)
    site.make_job(1)
    ledger, site.blobs.down = site.ledger, "nobody should ask"

    cancel_twins(site.endpoint, ledger, CancelTwins(names=site.run.names, abandoned=(site.run.sent,), own=()), NOON)

    assert site.endpoint.canceled == []
