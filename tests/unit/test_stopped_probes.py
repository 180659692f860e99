"""A probe that is stopped at a bad moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from shared.core.checkup import Report
from shared.core.submission import Submission, Unclear
from testbed.examples import STATE
from testbed.fakes import FakeEndpoint
from tests.unit.doctors import Patient
from tests.unit.test_probing import SLOW, line_of, patient, probe_of, send

__all__ = ["patient"]


def test_a_stop_that_comes_while_the_job_is_being_made_waits_for_it_and_cancels_it(patient: Patient) -> None:
    """Else its input would be gone, and a job would fail that nobody had canceled."""

    def slow(endpoint: FakeEndpoint, body: Mapping[str, Any]) -> Submission:
        (path,) = [path for path in patient.blobs.paths(STATE) if path.startswith("doctor/") and path.endswith(".json")]
        patient.to_come = [(timedelta(seconds=3), lambda: endpoint.make_job(body))]
        stopped.append(patient.ask(probe=path.removeprefix("doctor/").removesuffix(".json"), stop=True))
        return Unclear("The endpoint did not answer in time.")

    stopped: list[Report] = []
    patient.endpoint.answers, patient.endpoint.statuses = [slow], SLOW
    before = patient.everything()

    send(patient)

    assert probe_of(stopped[0]).ended
    assert "canceled" in line_of(stopped[0]).came_back
    assert patient.endpoint.canceled == ["batchjob-1"]
    assert patient.everything() == before
