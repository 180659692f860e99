"""Laying results in the run folder: all or nothing, and once, whoever comes late or twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from shared.core.location import Location
from shared.core.record import Done
from shared.core.run import Status
from shared.core.snapshot import Frozen
from shared.core.steps import (
    AnnounceRun,
    CopyAnswer,
    CopyOutputs,
    ListAnswer,
    Listed,
    Publish,
    Sealed,
    SealPublication,
    Streamed,
    Unpublishable,
)
from shared.errors import LedgerDamaged, Unavailable
from shared.work import publishing
from shared.work.ledger import Ledger
from testbed.examples import STATE
from testbed.fakes import NOON, FakeAnnouncer, FakeBlobs, FakeClock
from tests.unit.runs import AT, following

RUN = following()
SOURCE = RUN.spec.output_of(1).place.parent
TARGET = RUN.spec.publish
PUBLISH = Publish(names=RUN.names, attempt=1, source=SOURCE, target=TARGET)
SEAL = SealPublication(PUBLISH, NOON)
FILES = [Frozen(name="0.png", etag="0x1", size=1)]


@dataclass
class Site:
    """A run whose job has written two outputs."""

    blobs: FakeBlobs = field(default_factory=lambda: FakeBlobs(FakeClock()))

    def __post_init__(self) -> None:
        self.ledger.claim(RUN, FILES)
        self.blobs.put(SOURCE.at("p.csv"), b"0.png 7\n")
        self.blobs.put(SOURCE.at("part/q.csv"), b"q")

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.blobs, STATE)

    def listed(self) -> ListAnswer:
        return publishing.list_outputs(self.blobs, self.ledger, PUBLISH)

    def copy(self) -> CopyAnswer:
        return publishing.copy_outputs(self.blobs, self.ledger, CopyOutputs(publish=PUBLISH, start=0, stop=250))

    def seal(self) -> Sealed:
        return publishing.seal(self.blobs, self.ledger, SEAL)

    def published(self) -> Sealed:
        assert self.listed() == Listed(2)
        self.copy()
        return self.seal()

    def in_target(self) -> list[str]:
        return sorted(file.name for file in self.blobs.list_below(TARGET))

    def read(self, name: str) -> bytes:
        return self.blobs.contents[TARGET.at(name)][0]


def test_outputs_are_listed_copied_and_sealed() -> None:
    site = Site()

    publication = site.published().publication

    assert site.in_target() == ["_SUCCESS", "_run.json", "p.csv", "part/q.csv"]
    assert (publication.url, publication.outputs, publication.bytes) == (TARGET.url, 2, 9)
    told = json.loads(site.read("_run.json"))
    assert [output["name"] for output in told["outputs"]] == ["p.csv", "part/q.csv"]
    assert [file["name"] for file in told["files"]] == ["0.png"]


@pytest.mark.parametrize(
    ("names", "problem"),
    [([], "its output folder is empty"), (["_SUCCESS"], "The job wrote _SUCCESS")],
    ids=["nothing", "a name of Landfall's own"],
)
def test_outputs_that_cannot_be_published_are_told_with_their_place(names: Sequence[str], problem: str) -> None:
    site = Site()
    for name in ("p.csv", "part/q.csv"):
        site.blobs.delete(SOURCE.at(name))
    for name in names:
        site.blobs.put(SOURCE.at(name), b"x")

    answer = site.listed()

    assert isinstance(answer, Unpublishable)
    assert problem in answer.problem
    assert SOURCE.url in answer.problem


def test_what_is_published_is_what_the_first_one_listed() -> None:
    """A job may go on writing after it was completed, and two may list at the same time."""
    site = Site()
    site.listed()
    site.blobs.put(SOURCE.at("late.csv"), b"late")

    assert site.published().publication.outputs == 2
    assert "late.csv" not in site.in_target()


def test_what_is_no_copy_of_an_output_is_removed_and_copies_stay() -> None:
    site = Site()
    site.listed()
    site.copy()
    site.blobs.put(TARGET.at("old.csv"), b"old")
    etag = site.blobs.contents[TARGET.at("p.csv")][1].etag

    site.listed()

    assert site.in_target() == ["p.csv", "part/q.csv"]
    assert site.blobs.contents[TARGET.at("p.csv")][1].etag == etag


def test_an_output_that_changes_while_it_is_copied_is_tried_again() -> None:
    site = Site()
    site.listed()
    site.blobs.put(SOURCE.at("p.csv"), b"other")

    with pytest.raises(Unavailable, match=r"p\.csv changed after the outputs were listed"):
        site.copy()


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("p.csv", b"cut", "p.csv has 3 bytes after the copy; its source has 8"),
        ("old.csv", b"old", "old.csv is not one of the outputs"),
    ],
    ids=["a copy that was cut short", "a stranger"],
)
def test_a_folder_that_is_not_the_outputs_is_not_sealed(name: str, content: bytes, problem: str) -> None:
    site = Site()
    site.listed()
    site.copy()
    site.blobs.put(TARGET.at(name), content)

    with pytest.raises(Unavailable, match=problem):
        site.seal()

    assert "_SUCCESS" not in site.in_target()


def test_what_is_sealed_is_never_touched_again() -> None:
    site = Site()
    sealed = site.published()
    before = dict(site.blobs.contents)
    site.blobs.clock = FakeClock(NOON + timedelta(hours=1))

    assert (site.listed(), site.seal(), site.copy()) == (sealed, sealed, Done())
    assert site.blobs.contents == before


def test_who_finds_a_sealed_folder_is_told_how_many_outputs_went_through_the_app() -> None:
    site = Site()
    site.blobs.walled = frozenset({SOURCE.container.account_url})
    site.listed()
    assert site.copy() == Streamed(2)

    sealed = publishing.seal(site.blobs, site.ledger, SealPublication(PUBLISH, NOON, streamed=2))

    assert sealed.publication.streamed == 2
    assert (site.listed(), site.seal()) == (sealed, sealed)


def test_a_folder_that_was_sealed_by_an_earlier_version_is_adopted() -> None:
    """Its manifest does not tell what was streamed."""
    site = Site()
    sealed = site.published()
    manifest = json.loads(site.read("_run.json"))
    del manifest["streamed"]
    site.blobs.put(TARGET.at("_run.json"), json.dumps(manifest).encode())

    assert site.listed() == sealed


def test_a_manifest_without_success_is_completed_if_it_tells_of_the_same_outputs() -> None:
    """The process was stopped between the two."""
    site = Site()
    sealed = site.published()
    manifest = site.read("_run.json")
    site.blobs.delete(TARGET.at("_SUCCESS"))

    assert publishing.seal(site.blobs, site.ledger, SealPublication(PUBLISH, NOON + timedelta(hours=1))) == sealed
    assert site.read("_run.json") == manifest


@pytest.mark.parametrize(
    "manifest", [b'{"outputs": []}', b"{", b"[]"], ids=["other outputs", "cut short", "no manifest"]
)
def test_a_manifest_of_other_outputs_is_removed_and_written_by_the_next_try(manifest: bytes) -> None:
    site = Site()
    site.listed()
    site.copy()
    site.blobs.put(TARGET.at("_run.json"), manifest)

    with pytest.raises(Unavailable, match="does not list this run's outputs; it was removed"):
        site.seal()
    assert "_SUCCESS" not in site.in_target()

    assert site.seal().publication.outputs == 2


def test_a_run_whose_record_is_gone_is_not_sealed() -> None:
    site = Site()
    site.listed()
    site.copy()
    site.blobs.delete(Location(STATE, f"runs/{RUN.run_id}.json"))

    with pytest.raises(LedgerDamaged, match="has no record of run"):
        site.seal()


def announcing(status: Status) -> AnnounceRun:
    run = AT[status]
    return AnnounceRun(
        names=run.names,
        status=status,
        publication=run.publication,
        error=run.error,
        timings=run.timings,
        now=NOON,
    )


@pytest.mark.parametrize(
    ("status", "kind", "told"),
    [
        (Status.PUBLISHED, "Landfall.RunPublished", "publication"),
        (Status.FAILED, "Landfall.RunFailed", "error"),
    ],
    ids=["published", "failed"],
)
def test_the_end_of_a_run_is_announced_with_what_came_of_it(status: Status, kind: str, told: str) -> None:
    topic, run = FakeAnnouncer(), AT[status]

    publishing.announce(topic, announcing(status))

    ((sent, subject, data, event_id),) = topic.told
    assert (sent, subject) == (kind, f"/routes/digits/runs/{run.run_id}")
    assert event_id == f"{run.run_id}/{status}"
    assert (data["run_id"], data["route"], data["landing"]) == (run.run_id, "digits", "digits/tuesday")
    assert data["status"] == status
    others: dict[str, Any] = {name: data[name] for name in ("publication", "error") if name != told}
    assert data[told]
    assert others == dict.fromkeys(others)


def test_two_announcements_of_one_end_have_the_same_event_id() -> None:
    topic = FakeAnnouncer()

    for _ in range(2):
        publishing.announce(topic, announcing(Status.FAILED))

    assert len({event_id for _, _, _, event_id in topic.told}) == 1


def test_nobody_is_told_of_a_superseded_run_or_where_there_is_no_topic() -> None:
    topic = FakeAnnouncer()

    assert publishing.announce(topic, announcing(Status.SUPERSEDED)) == Done()
    assert publishing.announce(None, announcing(Status.PUBLISHED)) == Done()
    assert topic.told == []
