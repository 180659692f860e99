"""Whoever may write to a landing, or runs as the job, chooses names: none of them reaches another place."""

from __future__ import annotations

import logging

import pytest

from shared.core.event import BLOB_CREATED, Ignored, read_event
from shared.core.location import Location
from tests.workflow.nested import LANDING, missed, nested
from tests.workflow.world import World, make_world

ODD = ["..", ".", "a\\b.png", "a\nb.png", "a\x7f.png", "a\x85.png", "\ufffe.png", "\ud800.png"]


def odd(*, ending: str) -> list[str]:
    return [name for name in ODD if name.endswith(ending)]


@pytest.mark.parametrize("name", odd(ending=".png"))
@pytest.mark.parametrize("how", ["refuse", "split", "flatten"])
def test_a_landing_with_a_file_to_score_under_an_odd_name_is_refused_and_says_so(how: str, name: str) -> None:
    world = make_world(nested(how))
    world.land("0.png", name)

    world.watch()

    run = world.only_run()
    assert (run["status"], run["error"]["reason"]) == ("failed", "refused")
    assert "names cannot be used" in run["error"]["message"]
    assert "Rename or remove" in run["error"]["do"]
    assert world.endpoint.posts == []
    assert missed(world) == []


@pytest.mark.parametrize("name", ["..", "."])
def test_nor_is_a_dot_segment_a_file_that_everything_matches(name: str) -> None:
    world = make_world(('files: ["*.png"]', 'files: ["*"]'))
    world.land("0.png", name)

    world.watch()

    assert world.only_run()["error"]["reason"] == "refused"


def test_once_the_odd_file_is_gone_the_landing_is_found_and_scored() -> None:
    world = make_world()
    world.land("0.png", "a\\b.png")
    world.watch()
    del world.blobs.contents[world.place(f"{LANDING}/a\\b.png")]

    assert missed(world) == [LANDING]
    world.watch()

    assert world.runs()[0]["status"] == "published"


@pytest.mark.parametrize("name", ["a\\b.txt", "..", "\x01"])
def test_an_odd_name_of_what_is_not_scored_does_no_harm(name: str) -> None:
    world = make_world()
    world.land("0.png", name)

    world.watch()

    assert world.only_run()["status"] == "published"


@pytest.mark.parametrize("folder", ["a\\b", "a\nb", "a\x7f", "\ud800", "\ufffe"])
def test_a_folder_with_an_odd_name_is_no_landing_and_the_sweep_says_so(
    folder: str, caplog: pytest.LogCaptureFixture
) -> None:
    world = make_world()
    world.land("0.png")
    world.land("0.png", folder=f"digits/{folder}")

    with caplog.at_level(logging.WARNING):
        assert missed(world) == [LANDING]

    assert "landfall.landings.unusable" in caplog.text
    subject = f"/blobServices/default/containers/landing/blobs/digits/{folder}/0.png"
    topic = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/landing"
    assert read_event(BLOB_CREATED, topic, subject, {}) == Ignored("the path is not valid", suspicious=True)


def publication(world: World) -> dict[str, bytes]:
    return {
        place.path: content
        for place, (content, _) in world.blobs.contents.items()
        if place.container == world.route.publish
    }


@pytest.mark.parametrize("name", ["1/../../../{sealed}/predictions.csv", "../x.csv", "a//b.csv", "a\\b.csv", "a\n.csv"])
def test_a_job_that_writes_an_odd_name_publishes_nothing_and_touches_no_other_publication(name: str) -> None:
    world = make_world()
    world.land("0.png")
    world.watch()
    before, written = publication(world), world.endpoint.output
    assert before
    assert written is not None
    sealed = next(iter(before)).rpartition("/")[0]

    def writing(uri: str) -> Location:
        place = written(uri)
        world.blobs.put(place.parent.at(name.format(sealed=sealed)), b"forged")
        return place

    world.endpoint.output = writing
    world.land("0.png", folder="digits/wednesday")
    world.watch("digits/wednesday")

    run = world.runs()[0]
    assert (run["status"], run["error"]["reason"]) == ("failed", "publication")
    assert "names cannot be used" in run["error"]["message"]
    assert publication(world) == before
