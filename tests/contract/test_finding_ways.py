"""The three ways to list an endpoint's jobs: which is asked, in which order, and what it means that one is closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import httpx
import pytest

from local.azureml.workspace.names import WORKSPACE_ID
from local.identity.credential import LocalCredential
from shared.adapters.batch_endpoint import AzureBatchEndpoint
from shared.adapters.job_lists import LOOKS, ORDER_SHOWN
from shared.core.record import change
from shared.core.route import Endpoint
from shared.core.submission import Accepted
from shared.errors import Denied, Unavailable
from testbed.fakes import NOON
from tests.contract.asking import asking, at, landed, output
from tests.local.azureml.cloud import Cloud

Break = Callable[..., None]

ARM = f"{WORKSPACE_ID}/jobs$"
FRONT_END = "/mferp/.*/jobs$"
SCORING_HOST = "^/endpoints/lengths/jobs$"
LONG_AGO = NOON - timedelta(days=9999)


@pytest.fixture
def break_with(cloud: Cloud) -> Iterator[Break]:
    url = f"{cloud.addresses.azureml}/_faults"

    def put(**actions: dict[str, Any]) -> None:
        """What each of these paths answers to a GET."""
        rules = [{"match": {"method": "GET", "path": path}, "action": action} for path, action in actions.items()]
        cloud.http.put(url, json=rules).raise_for_status()

    yield put
    cloud.http.delete(url).raise_for_status()


@pytest.fixture
def place(cloud: Cloud) -> Endpoint:
    return at(f"{cloud.addresses.azureml}/endpoints/lengths/jobs", "main")


def a_page(*jobs: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"status": 200, "body": {"value": list(jobs), **more}}


def a_job(name: str, created: str | None, **properties: Any) -> dict[str, Any]:
    return {"name": name, "properties": properties, "systemData": {"createdAt": created}}


def test_resource_manager_is_asked_and_nobody_else(
    endpoint: AzureBatchEndpoint, cloud: Cloud, place: Endpoint, break_with: Break
) -> None:
    answer = endpoint.submit(place, asking(landed(cloud), output()))
    assert isinstance(answer, Accepted)
    break_with(**{FRONT_END: {"status": 503}, SCORING_HOST: {"status": 503}})

    listing = endpoint.jobs_since(place, LONG_AGO)

    assert listing.complete
    assert answer.job.name in {candidate.job.name for candidate in listing.jobs}


@pytest.mark.parametrize("closed", [404, 403, 503], ids=["not there", "denied", "away"])
@pytest.mark.parametrize("open_way", [FRONT_END, SCORING_HOST], ids=["front end", "scoring host"])
def test_the_next_way_is_taken_where_one_is_closed(
    endpoint: AzureBatchEndpoint, place: Endpoint, break_with: Break, closed: int, open_way: str
) -> None:
    shut = {path: {"status": closed} for path in (ARM, FRONT_END, SCORING_HOST) if path != open_way}
    break_with(**shut, **{open_way: a_page(a_job("batchjob-1", None))})

    listing = endpoint.jobs_since(place, LONG_AGO)

    assert listing.complete
    assert [candidate.job.name for candidate in listing.jobs] == ["batchjob-1"]


@pytest.mark.parametrize("status", [400, 404, 405, 501])
def test_where_nobody_lists_jobs_nothing_is_concluded(
    endpoint: AzureBatchEndpoint, place: Endpoint, break_with: Break, status: int
) -> None:
    nowhere = a_page(nextLink="https://attacker.invalid/jobs")
    break_with(**{ARM: nowhere, FRONT_END: {"status": status}, SCORING_HOST: {"status": status}})

    listing = endpoint.jobs_since(place, LONG_AGO)

    assert (listing.jobs, listing.complete) == ((), False)
    assert "continues elsewhere, at https://attacker.invalid/jobs" in listing.reason
    assert f"answered {status}" in listing.reason


@pytest.mark.parametrize(("status", "kind"), [(403, Denied), (503, Unavailable)])
def test_where_a_way_is_only_denied_or_away_it_is_tried_again(
    endpoint: AzureBatchEndpoint, place: Endpoint, break_with: Break, status: int, kind: type[Unavailable]
) -> None:
    break_with(**{ARM: {"status": status}, FRONT_END: {"status": 400}, SCORING_HOST: {"status": 404}})

    with pytest.raises(kind, match=f"answered {status}"):
        endpoint.jobs_since(place, LONG_AGO)


def test_a_job_of_another_endpoint_is_not_looked_at(
    endpoint: AzureBatchEndpoint, place: Endpoint, break_with: Break
) -> None:
    jobs = [a_job("theirs", None, experimentName="digits"), a_job("mine", None, experimentName="lengths")]
    break_with(**{ARM: a_page(*jobs), "/endpoints/lengths/jobs/theirs": {"status": 503}})

    listing = endpoint.jobs_since(place, LONG_AGO)

    assert [candidate.job.name for candidate in listing.jobs] == ["mine"]


def test_a_list_in_any_order_is_read_to_its_end(
    endpoint: AzureBatchEndpoint, cloud: Cloud, place: Endpoint, break_with: Break
) -> None:
    """Oldest first, the one that is looked for would be on the last page."""
    old = [a_job(f"old-{n}", f"2025-01-01T00:{n:02}:00Z", experimentName="lengths") for n in range(ORDER_SHOWN + 5)]
    young = a_job("young", "2026-03-01T12:00:00Z", experimentName="lengths")
    break_with(**{ARM: a_page(*old, young)})

    assert [candidate.job.name for candidate in endpoint.jobs_since(place, NOON).jobs] == ["young"]


@pytest.mark.parametrize("whole", [True, False], ids=["to its end", "as far as is likely"])
def test_a_list_that_begins_with_the_newest_need_not_be_read_to_its_end_to_find_a_job(
    endpoint: AzureBatchEndpoint, place: Endpoint, break_with: Break, whole: bool
) -> None:
    """A workspace has a hundred thousand jobs after some years, most of them of other endpoints. But no order is
    documented: that there is no job can only be said at the end."""
    young = a_job("young", "2026-03-01T12:00:00Z", experimentName="lengths")
    old = [a_job(f"old-{n}", f"2025-01-01T00:{59 - n:02}:00Z", experimentName="digits") for n in range(ORDER_SHOWN + 5)]
    last = a_job("last", "2026-03-01T12:00:00Z", experimentName="lengths")
    break_with(**{ARM: a_page(young, *old, last), FRONT_END: {"status": 400}, SCORING_HOST: {"status": 404}})

    listing = endpoint.jobs_since(place, NOON, whole=whole)

    assert listing.complete is whole
    assert {candidate.job.name for candidate in listing.jobs} == ({"young", "last"} if whole else {"young"})


def test_what_a_list_shows_before_it_is_cut_is_not_forgotten(
    endpoint: AzureBatchEndpoint, place: Endpoint, break_with: Break
) -> None:
    cut_off = a_page(a_job("mine", None), nextLink="https://[attacker/jobs")
    break_with(**{ARM: cut_off, FRONT_END: {"status": 503}, SCORING_HOST: {"status": 404}})

    listing = endpoint.jobs_since(place, NOON)

    assert (listing.complete, [candidate.job.name for candidate in listing.jobs]) == (False, ["mine"])


@pytest.mark.parametrize("body", [{}, {"status": "ok"}, {"value": None}], ids=["nothing", "something else", "null"])
def test_an_answer_without_a_list_is_no_empty_list(
    endpoint: AzureBatchEndpoint, place: Endpoint, break_with: Break, body: dict[str, Any]
) -> None:
    break_with(**{way: {"status": 200, "body": body} for way in (ARM, FRONT_END, SCORING_HOST)})

    listing = endpoint.jobs_since(place, NOON)

    assert (listing.jobs, listing.complete) == ((), False)
    assert "did not answer with a list" in listing.reason


def test_the_list_of_the_scoring_host_may_be_that_of_one_deployment(
    endpoint: AzureBatchEndpoint, place: Endpoint, break_with: Break
) -> None:
    """Requests are led to a deployment: to today's default one, where the route names none."""
    break_with(**{ARM: {"status": 404}, FRONT_END: {"status": 400}, SCORING_HOST: a_page(a_job("mine", None))})

    assert endpoint.jobs_since(place, NOON).complete
    assert not endpoint.jobs_since(change(place, deployment=None), NOON).complete


@pytest.mark.parametrize("experiment", ["LENGTHS", None, "somebody's own"])
def test_a_job_is_of_the_endpoint_whatever_its_experiment_is_called_if_it_is_described_so(
    endpoint: AzureBatchEndpoint, place: Endpoint, break_with: Break, experiment: str | None
) -> None:
    told = "Pipeline submission for endpoint: lengths, deployment: main."
    break_with(**{ARM: a_page(a_job("mine", None, experimentName=experiment, description=told))})

    assert [candidate.job.name for candidate in endpoint.jobs_since(place, NOON).jobs] == ["mine"]


def test_jobs_that_the_list_tells_to_be_others_are_not_looked_at_and_of_the_rest_only_so_many(
    endpoint: AzureBatchEndpoint, place: Endpoint, break_with: Break
) -> None:
    others = [a_job(f"other-{n}", None, tags={"azureml.deploymentname": "better"}) for n in range(LOOKS + 1)]
    many = [a_job(f"any-{n}", None) for n in range(LOOKS + 1)]
    away = {FRONT_END: {"status": 400}, SCORING_HOST: {"status": 404}}

    break_with(**{ARM: a_page(*others), "/endpoints/lengths/jobs/other-": {"status": 429}}, **away)
    assert endpoint.jobs_since(place, NOON).complete

    break_with(**{ARM: a_page(*many), "/endpoints/lengths/jobs/any-": {"status": 404}}, **away)
    listing = endpoint.jobs_since(place, NOON)
    assert (len(listing.jobs), listing.complete) == (LOOKS + 1, False)
    assert f"more than {LOOKS} jobs may be the one" in listing.reason


@pytest.mark.parametrize("workspace", [None, WORKSPACE_ID], ids=["looked up", "named by the route"])
def test_the_workspace_is_found_once(cloud: Cloud, place: Endpoint, workspace: str | None) -> None:
    asked: list[str] = []

    def noted(request: httpx.Request) -> None:
        asked.append(request.url.path)

    own = LocalCredential.of(cloud.state)
    with closing(AzureBatchEndpoint(own, cloud.addresses.azureml, on_request=noted)) as endpoint:
        for _ in range(3):
            endpoint.jobs_since(change(place, workspace=workspace), LONG_AGO + timedelta(days=99999))

    assert asked.count("/subscriptions") == (1 if workspace is None else 0)
    assert asked.count(f"{WORKSPACE_ID}/batchEndpoints") == (0 if workspace is None else 1)


def test_an_endpoint_that_nobody_knows_is_told_with_what_to_do(endpoint: AzureBatchEndpoint, cloud: Cloud) -> None:
    unknown = f"{cloud.addresses.azureml}/endpoints/nobody/jobs"

    with pytest.raises(Denied, match=r"sees no batch endpoint with the scoring URI .* AzureML Data Scientist"):
        endpoint.check(at(unknown))
    with pytest.raises(Unavailable, match=r"has no batch endpoint with the scoring URI .* endpoint\.workspace"):
        endpoint.check(change(at(unknown), workspace=WORKSPACE_ID))
