"""What the `Announcer` port promises, kept by the fake that tests rely on and by the adapter on a custom topic."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from local import addresses, tls
from local.addresses import Addresses
from local.identity.credential import LocalCredential
from local.tokens import STORAGE, Issuer
from shared.adapters.announcer import EventGridAnnouncer
from shared.errors import Denied, Unavailable
from shared.ports import Announcer
from testbed.fakes import NOON, FakeAnnouncer
from tests.local.parts import running

KIND = "Landfall.RunPublished"
SUBJECT = "/routes/digits/runs/digits-1"
DATA = {"run_id": "digits-1", "publication": {"outputs": 1}, "error": None, "landing": "digits/ü"}

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of a local Event Grid."""

    state: Path
    where: Addresses

    def url(self, topic: str = "landfall") -> str:
        return f"{self.where.eventgrid_topics}/topics/{topic}/api/events"

    def announcer(self, credential: Any = None, topic: str = "landfall") -> EventGridAnnouncer:
        return EventGridAnnouncer(self.url(topic), credential or LocalCredential.of(self.state))

    def received(self) -> list[dict[str, Any]]:
        found = httpx.get(f"{self.where.eventgrid}/topics/landfall/events", trust_env=False).raise_for_status()
        return list(found.json())


@pytest.fixture(scope="session")
def topics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Topics]:
    state = tmp_path_factory.mktemp("announcing")
    where = addresses.settle(state)
    with running("eventgrid", state):
        yield Topics(state, where)


@pytest.fixture
def trusting(topics: Topics, monkeypatch: pytest.MonkeyPatch) -> Topics:
    """The topics, whose certificate the adapter takes for Azure's."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tls.authority(topics.state)))
    return topics


@dataclass(frozen=True, slots=True)
class Subscribed:
    """An announcer, and what whoever has subscribed is told with an event id: kind, subject, data and time."""

    announcer: Announcer
    told: Callable[[str], list[tuple[str, str, Any, datetime]]]


@pytest.fixture(params=["fake", "azure"])
def subscribed(request: pytest.FixtureRequest) -> Subscribed:
    if request.param == "fake":
        fake = FakeAnnouncer()

        def kept(event_id: str) -> list[tuple[str, str, Any, datetime]]:
            announced = zip(fake.told, fake.times, strict=True)
            return [(kind, subject, data, time) for (kind, subject, data, by), time in announced if by == event_id]

        return Subscribed(fake, kept)
    topics: Topics = request.getfixturevalue("trusting")

    def told(event_id: str) -> list[tuple[str, str, Any, datetime]]:
        return [
            (event["type"], event["subject"], event["data"], datetime.fromisoformat(event["time"]))
            for event in topics.received()
            if event["id"] == event_id
        ]

    return Subscribed(topics.announcer(), told)


def an_id() -> str:
    return f"digits-{next(_numbers)}/published"


def test_an_announcement_arrives_as_it_was_made(subscribed: Subscribed) -> None:
    event_id = an_id()

    subscribed.announcer.announce(KIND, SUBJECT, DATA, event_id=event_id, time=NOON)

    assert subscribed.told(event_id) == [(KIND, SUBJECT, DATA, NOON)]


def test_an_announcement_that_is_made_twice_arrives_twice_by_the_same_id(subscribed: Subscribed) -> None:
    """Whoever listens tells by the id that it is the same one."""
    event_id = an_id()

    for _ in range(2):
        subscribed.announcer.announce(KIND, SUBJECT, DATA, event_id=event_id, time=NOON)

    assert len(subscribed.told(event_id)) == 2


def test_what_is_done_to_the_data_afterwards_is_not_announced(subscribed: Subscribed) -> None:
    event_id, data = an_id(), dict(DATA)

    subscribed.announcer.announce(KIND, SUBJECT, data, event_id=event_id, time=NOON)
    data["run_id"] = "another"

    assert [told[2] for told in subscribed.told(event_id)] == [DATA]


def test_a_time_keeps_its_fraction_of_a_second(subscribed: Subscribed) -> None:
    event_id, moment = an_id(), datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)

    subscribed.announcer.announce(KIND, SUBJECT, {}, event_id=event_id, time=moment)

    assert [told[3] for told in subscribed.told(event_id)] == [moment]


def refusing_fake(_: pytest.FixtureRequest) -> Announcer:
    return FakeAnnouncer(failures=1)


def unknown_topic(request: pytest.FixtureRequest) -> Announcer:
    topics: Topics = request.getfixturevalue("trusting")
    return topics.announcer(topic="nothing")


@pytest.mark.parametrize("refusing", [refusing_fake, unknown_topic], ids=["fake", "azure"])
def test_an_announcement_that_was_not_taken_is_trouble(
    refusing: Callable[[pytest.FixtureRequest], Announcer], request: pytest.FixtureRequest
) -> None:
    with pytest.raises(Unavailable) as trouble:
        refusing(request).announce(KIND, SUBJECT, DATA, event_id=an_id(), time=NOON)

    assert not isinstance(trouble.value, Denied)


class Foreign(LocalCredential):
    """Shows everybody a token for storage."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return super().get_token(f"{STORAGE}/.default")


class Nobody(LocalCredential):
    """Has no identity to show."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        raise ClientAuthenticationError("no identity here")


class TestOnlyOverHttp:
    """What only the adapter meets."""

    def test_who_is_not_let_in_is_denied_and_not_only_told_of_trouble(self, trusting: Topics) -> None:
        foreign = trusting.announcer(Foreign(Issuer.of(trusting.state)))
        event_id = an_id()

        with pytest.raises(Denied, match="EventGrid Data Sender"):
            foreign.announce(KIND, SUBJECT, DATA, event_id=event_id, time=NOON)
        assert [event for event in trusting.received() if event["id"] == event_id] == []

    def test_of_a_long_answer_only_the_first_words_are_told(self, trusting: Topics) -> None:
        """An answer of 3 MB was in the history of every run whose end could not be announced."""
        rule = {"match": {"method": "POST"}, "action": {"status": 400, "body": {"error": "words and words " * 200_000}}}
        faults = f"{trusting.where.eventgrid}/_faults"
        httpx.put(faults, json=[rule], trust_env=False).raise_for_status()
        try:
            with pytest.raises(Unavailable, match="Could not announce") as trouble:
                trusting.announcer().announce(KIND, SUBJECT, DATA, event_id=an_id(), time=NOON)
        finally:
            httpx.delete(faults, trust_env=False).raise_for_status()

        assert len(str(trouble.value)) < 1000
        assert "\n" not in str(trouble.value)

    def test_without_an_identity_nothing_is_announced(self, trusting: Topics) -> None:
        nobody = trusting.announcer(Nobody(Issuer.of(trusting.state)))

        with pytest.raises(Unavailable, match="no identity here"):
            nobody.announce(KIND, SUBJECT, DATA, event_id=an_id(), time=NOON)
