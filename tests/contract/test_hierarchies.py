"""Whether an account has a hierarchy: what it is asked, what it may answer, and what holds when it does not.

The answers are the documented ones of Filesystem - Get Properties, given by rule.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from local.addresses import WORKSPACE_ACCOUNT
from local.identity.credential import LocalCredential
from local.tokens import Issuer
from shared.adapters.hierarchy import ASK_AGAIN, Hierarchies
from shared.core.location import Container
from tests.local.azureml.cloud import Cloud


class Nobody(LocalCredential):
    """Has no identity to show."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        raise ClientAuthenticationError("no identity here")


@dataclass
class Moment:
    """A clock that stands still until it is set."""

    seconds: float = 0.0


@dataclass
class Asked:
    """What asks, at what time, and how often the account was asked."""

    cloud: Cloud
    moment: Moment
    hierarchies: Hierarchies

    @property
    def container(self) -> Container:
        return Container(self.cloud.addresses.account_url(WORKSPACE_ACCOUNT), "azureml-blobstore-local")

    def answer(self, **action: Any) -> None:
        """How the account answers from now on."""
        path = f"/{WORKSPACE_ACCOUNT}/azureml-blobstore-local\\?resource=filesystem$"
        rule = {"match": {"method": "HEAD", "path": path}, "action": action}
        self.cloud.http.put(f"{self.cloud.addresses.storage}/_faults", json=[rule]).raise_for_status()

    @property
    def times(self) -> int:
        (rule,) = self.cloud.http.get(f"{self.cloud.addresses.storage}/_faults").json()
        return int(rule["fired"])

    def has(self) -> bool:
        return self.hierarchies.has(self.container)


Make = Callable[..., Asked]


@pytest.fixture
def make(cloud: Cloud) -> Iterator[Make]:
    with requests.Session() as session:

        def made(credential: LocalCredential | None = None) -> Asked:
            who = credential or LocalCredential.of(cloud.state)
            moment = Moment()
            return Asked(cloud, moment, Hierarchies(session, who, clock=lambda: moment.seconds, patience=(1.0, 0.3)))

        yield made
    cloud.http.delete(f"{cloud.addresses.storage}/_faults").raise_for_status()


@pytest.fixture
def asked(make: Make) -> Asked:
    return make()


@pytest.mark.parametrize(("said", "expected"), [("true", True), ("True", True), ("false", False), ("False", False)])
def test_an_account_says_whether_it_has_a_hierarchy_and_is_asked_once(
    asked: Asked, said: str, expected: bool, caplog: pytest.LogCaptureFixture
) -> None:
    asked.answer(status=200, headers={"x-ms-namespace-enabled": said})

    assert [asked.has() for _ in range(3)] == [expected] * 3
    asked.moment.seconds = 10 * ASK_AGAIN

    assert asked.has() is expected
    assert asked.times == 1
    assert caplog.messages == []


@pytest.mark.parametrize(
    "action",
    [
        {"status": 403, "headers": {"x-ms-error-code": "AuthorizationFailure"}},
        {"status": 400},
        {"status": 404},
        {"status": 503},
        {"status": 307, "headers": {"Location": "https://attacker.invalid/"}},
        {"status": 200},
        {"status": 200, "headers": {"x-ms-namespace-enabled": "perhaps"}},
        {"status": 403, "headers": {"x-ms-namespace-enabled": "false"}},
        {"reset": True},
        {"delay_ms": 2000},
    ],
    ids=[
        "denied",
        "bad request",
        "not found",
        "busy",
        "sent elsewhere",
        "silent",
        "unclear",
        "no success",
        "reset",
        "slow",
    ],
)
def test_an_account_that_does_not_say_counts_as_one_with_a_hierarchy_and_is_told_of_once(
    asked: Asked, action: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "landfall")
    asked.answer(**action)

    assert [asked.has() for _ in range(3)] == [True] * 3

    assert asked.times == 1
    (line,) = caplog.messages
    assert line.startswith("landfall.storage.hierarchy_unknown")
    assert asked.container.account_url in line


def test_an_account_that_did_not_say_is_asked_again_later(asked: Asked, caplog: pytest.LogCaptureFixture) -> None:
    """A role of the app may have taken effect meanwhile."""
    asked.answer(status=403)
    assert asked.has()
    asked.moment.seconds = ASK_AGAIN
    assert asked.has()
    assert len(caplog.messages) == 1

    asked.answer(status=200, headers={"x-ms-namespace-enabled": "false"})
    asked.moment.seconds = 2 * ASK_AGAIN - 1
    assert asked.has()
    asked.moment.seconds = 2 * ASK_AGAIN

    assert not asked.has()


def test_without_an_identity_nothing_is_known_and_nothing_is_raised(make: Make) -> None:
    nobody = make(Nobody(Issuer.of(make().cloud.state)))
    nobody.answer(status=200, headers={"x-ms-namespace-enabled": "false"})

    assert nobody.has()
    assert nobody.times == 0


def test_accounts_are_asked_one_by_one(asked: Asked) -> None:
    asked.answer(status=200, headers={"x-ms-namespace-enabled": "false"})
    assert not asked.has()

    other = Container("https://127.0.0.1:1/another", "landing")

    assert asked.hierarchies.has(other)
    assert not asked.has()
