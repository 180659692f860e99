"""The doctor on services that answer in each way that is possible: it says which, and the fake says the same."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
from azure.storage.queue import QueueClient

from local.addresses import ACCOUNT, CONTAINERS, LAKEHOUSE_ACCOUNT, STATE_ACCOUNT, WORKSPACE_ACCOUNT
from local.azure import PROFILES
from local.identity.credential import LocalCredential
from shared.adapters.questions import AzureQuestions
from shared.core.checkup import Report, Request
from shared.core.location import Container, Location
from shared.core.open_facts import UNKNOWN, Fact, Way, deployment_header, lists_jobs, queue_encoding
from shared.core.probe import Look, waiting_shown
from shared.core.route import Route
from shared.errors import Unavailable
from shared.ports import Announcer, BatchEndpoint, Blobs, Questions
from shared.routes import Routes
from shared.work.doctor import examine
from shared.work.ledger import Ledger
from testbed.eventually import eventually
from testbed.examples import digits_route
from tests.contract.asking import at
from tests.contract.profiles import Service, as_profile, serving
from tests.unit.doctors import a_patient

QUEUE = "seen-by-the-doctor"
EVENT = json.dumps({"topic": "/subscriptions/s", "subject": "x", "eventType": "Microsoft.Storage.BlobCreated"})


@pytest.fixture(scope="module", params=[as_profile(profile) for profile in PROFILES])
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(request.param, tmp_path_factory.mktemp(request.param)) as started:
        yield started


@pytest.fixture
def questions(service: Service) -> Iterator[AzureQuestions]:
    where = service.cloud.addresses
    url = f"{where.queue_url(ACCOUNT)}/{QUEUE}"
    with closing(AzureQuestions(LocalCredential.of(service.cloud.state), where.azureml, url)) as asked:
        yield asked


@dataclass
class Means:
    """What the doctor works with: the adapters."""

    routes: Routes
    blobs: Blobs
    ledger: Ledger
    endpoint: BatchEndpoint
    questions: Questions
    now: Callable[[], datetime]
    announcer: Announcer | None = None

    def new_id(self) -> str:
        return str(uuid4())

    def pause(self, span: timedelta) -> None:
        """Wait less than the doctor would: the jobs here are quick."""
        Event().wait(min(span.total_seconds(), 0.1))


def places(service: Service) -> dict[str, Container]:
    where = service.cloud.addresses
    accounts = (ACCOUNT, STATE_ACCOUNT, WORKSPACE_ACCOUNT, LAKEHOUSE_ACCOUNT)
    return {account: Container(where.account_url(account), CONTAINERS[account]) for account in accounts}


def a_route(service: Service) -> Route:
    """To an endpoint without a default deployment, with all four accounts in it."""
    where, url = service.cloud.addresses, service.cloud.addresses.account_url
    return digits_route(
        ("${LANDING_ACCOUNT_URL}\n", f"{url(ACCOUNT)}\n"),
        ("${LANDING_ACCOUNT_URL}/", f"{url(ACCOUNT)}/"),
        ("${WORKSPACE_ACCOUNT_URL}", url(WORKSPACE_ACCOUNT)),
        ("${WORKSPACE_CONTAINER}", CONTAINERS[WORKSPACE_ACCOUNT]),
        ("${LAKEHOUSE_ACCOUNT_URL}", url(LAKEHOUSE_ACCOUNT)),
        ("${DIGITS_SCORING_URI}", f"{where.azureml}/endpoints/headless/jobs\n      deployment: main"),
    )


def everything(service: Service) -> list[str]:
    return [
        f"{container.url}/{name}"
        for container in places(service).values()
        for name in (*service.blobs.names(container, ""), *service.blobs.names(container, "", folders=True))
    ]


def examined(service: Service, questions: Questions, **asked: Any) -> Report:
    means = Means(
        Routes((a_route(service),)),
        service.blobs,
        Ledger(service.blobs, places(service)[STATE_ACCOUNT]),
        service.endpoint,
        questions,
        service.cloud.addresses.clock.now,
    )
    return examine(means, Request(**asked))


def expected(profile: str) -> dict[str, str]:
    """What the profile answers; how waiting is shown is tried on its own."""
    return {name: answer for name, answer in PROFILES[profile].answers().items() if name != Fact.WAITING_SHOWN}


def test_the_doctor_finds_what_the_service_answers_and_leaves_nothing_behind(
    service: Service, questions: AzureQuestions
) -> None:
    service.cloud.put(f"{ACCOUNT}/landing/digits/one/0.png", b"12345")
    message = (
        EVENT if PROFILES[service.profile].queue_encoding == "plain" else base64.b64encode(EVENT.encode()).decode()
    )
    with QueueClient.from_connection_string(service.cloud.addresses.connection_string(ACCOUNT), QUEUE) as queue:
        queue.create_queue()
        queue.send_message(message)
        before = everything(service)

        report = examined(service, questions, submit=True, route="digits", urls=True)

        assert queue.get_queue_properties().approximate_message_count == 1, "it was only peeked at"
    assert [check for check in report.checks if check.verdict != "ok"] == []
    found = {fact.value: finding.answer for fact, finding in report.findings.items()}
    assert {name: found[name] for name in expected(service.profile)} == expected(service.profile)
    assert everything(service) == before


@pytest.mark.parametrize("profile", PROFILES)
def test_the_fake_says_the_same(profile: str) -> None:
    """All but how URLs are read: its jobs read nothing."""
    patient = a_patient()
    patient.land("0.png")
    answers = PROFILES[profile].answers()
    patient.questions.answers = {fact: answers[fact] for fact in patient.questions.answers}
    patient.questions.default, patient.questions.waiting = None, True
    patient.questions.message = (
        EVENT if answers[Fact.QUEUE_ENCODING] == "plain" else base64.b64encode(EVENT.encode()).decode()
    )

    found = {fact.value: finding.answer for fact, finding in patient.ask(submit=True, route="digits").findings.items()}

    assert found == {**answers, Fact.INPUT_URLS: UNKNOWN}


def test_a_job_that_waits_for_nodes_is_shown_as_the_service_shows_it(
    service: Service, questions: AzureQuestions
) -> None:
    first, second = service.sent("patient", content=b"60"), service.sent("patient", content=b"60")
    running = service.submit(first)
    service.seen(first, running, "Running")
    waiting = service.submit(second)

    def look() -> str | None:
        _, shown = questions.shown(second.endpoint, waiting)
        assert shown is not None
        steps = tuple(questions.steps(second.endpoint, waiting))
        found = waiting_shown([Look(at=second.since, status=shown.job.status, steps=steps)])
        return found.answer if found.is_known else None

    assert eventually(look, "a step that is queued") == PROFILES[service.profile].waiting_shown
    for sent, job in ((second, waiting), (first, running)):
        assert service.endpoint.cancel(sent.endpoint, job)
        assert service.seen(sent, job, "Canceled")


def test_with_a_default_deployment_nobody_can_tell_whether_one_has_to_be_named(
    service: Service, questions: AzureQuestions
) -> None:
    endpoint = service.sent("lengths", None).endpoint
    default = questions.default_deployment(endpoint)

    named, bare = (questions.unknown_job(endpoint, names_deployment=names) for names in (True, False))

    assert default == "main"
    assert deployment_header(default, named, bare).answer == UNKNOWN


def test_a_service_that_cannot_be_reached_is_a_reply_and_tells_nothing(service: Service) -> None:
    nowhere, url = at("https://127.0.0.1:1/endpoints/digits/jobs", "main"), "https://127.0.0.1:1/account/queue"
    own = LocalCredential.of(service.cloud.state)
    with closing(AzureQuestions(own, "https://127.0.0.1:1", url)) as asked:
        replies = [*(asked.listed(nowhere, way) for way in Way), asked.run_history(nowhere)]
        queue = asked.queue()
        with pytest.raises(Unavailable):
            asked.default_deployment(nowhere)

    assert queue is not None
    assert [reply.status for reply in (*replies, queue[0])] == [None] * 5
    assert all("did not answer" in reply.words for reply in (*replies, queue[0]))
    assert {lists_jobs(reply).answer for reply in replies} == {UNKNOWN}


def test_a_queue_that_is_not_there_is_told_of_by_the_services_own_code(service: Service) -> None:
    where = service.cloud.addresses
    url = f"{where.queue_url(ACCOUNT)}/not-there"
    with closing(AzureQuestions(LocalCredential.of(service.cloud.state), where.azureml, url)) as asked:
        found = asked.queue()

    assert found is not None
    reply, message = found
    assert (reply.status, reply.words, message) == (404, "QueueNotFound", None)
    assert queue_encoding(message).answer == UNKNOWN


def test_a_directory_is_removed_only_when_it_is_empty_and_a_blob_never(service: Service) -> None:
    lake, flat = places(service)[LAKEHOUSE_ACCOUNT], places(service)[WORKSPACE_ACCOUNT]
    blob, twin = Location(lake, "removing/deep/a"), Location(flat, "removing")
    service.blobs.create(blob, b"1")
    service.blobs.create(twin, b"a blob with the name of a folder")
    service.blobs.create(twin.at("a"), b"1")

    assert service.blobs.remove_folder(blob.parent) is False
    assert service.blobs.remove_folder(blob) is True
    assert service.blobs.remove_folder(twin) is True
    assert service.blobs.stat(blob) is not None
    assert service.blobs.stat(twin) is not None
    service.blobs.delete(blob)
    assert service.blobs.remove_folder(blob.parent) is True
    assert service.blobs.remove_folder(blob.parent) is True
    assert list(service.blobs.names(lake, "removing/", folders=True)) == []
