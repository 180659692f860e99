"""The event of a folder that was renamed: one for all the landings in it, which are found, and watched."""

from __future__ import annotations

import logging
from datetime import timedelta

import azure.functions as func
import pytest

from shared.core.landing import Landing
from shared.core.record import load
from shared.core.watch import Watch
from shared.errors import RoutesInvalid, Unavailable
from shared.routes import parse_routes
from shared.work import walking
from testbed.examples import SETTINGS, TOPIC, in_landing, replaced
from testbed.fakes import NOON
from tests.triggers.app import App, with_a_broken_route
from tests.triggers.log import told
from triggers import events

FILES = ("type: uri_folder", "type: uri_file")
MARKED = ("      quiet: 5s", "      marker: _SUCCESS")
DEEP = ("folder: digits/{batch}", "folder: in/{day}/digits/batch={batch}")


def rename(app: App, path: str, topic: str = TOPIC) -> None:
    """Deliver the event of a folder that is at that path now."""
    event = func.EventGridEvent(
        id="1",
        topic=topic,
        subject=f"/blobServices/default/containers/landing/blobs/{path}",
        event_type="Microsoft.Storage.DirectoryRenamed",
        event_time=NOON,
        data={"api": "RenameDirectory"},
        data_version="",
    )
    app.call(events.on_blob_event, event=event)


def watched(app: App) -> list[str]:
    return [load(Watch, app.given(instance_id)).landing for instance_id in app.client.started]


def take(app: App, *pairs: tuple[str, str]) -> None:
    """The demo's route, with pieces of its text replaced."""
    app.own.routes = parse_routes(replaced(*pairs), SETTINGS)
    app.own.routes.require_whole()


def put(app: App, *paths: str) -> None:
    for path in paths:
        app.blobs.put(in_landing(path), b"pixels")


def test_a_landing_that_was_renamed_is_watched_without_a_look_at_storage(app: App) -> None:
    rename(app, "digits/tuesday")

    assert watched(app) == ["digits/tuesday"]
    assert app.blobs.listings == 0


def test_every_landing_in_a_folder_that_was_renamed_is_watched_and_told_of(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "landfall")
    put(app, "digits/monday/0.png", "digits/tuesday/0.png", "digits/tuesday/deeper/1.png", "digits/0.png", "x/y/0.png")

    rename(app, "digits")

    assert watched(app) == ["digits/monday", "digits/tuesday"]
    assert [line["landing"] for line in told(caplog, "landing.watched")] == watched(app)


def test_only_the_levels_of_the_pattern_are_listed_and_no_files(app: App) -> None:
    take(app, DEEP)
    put(app, *(f"in/{day}/digits/batch={batch}/{n}.png" for day in "12" for batch in "ab" for n in range(5)))
    put(app, "in/1/letters/batch=a/0.png", "in/1/digitsx/batch=a/0.png", "in/1/digits/c/0.png", "in/3/0.png")

    rename(app, "in")

    assert watched(app) == [f"in/{day}/digits/batch={batch}" for day in "12" for batch in "ab"]
    assert app.blobs.listings == 1 + 3 + 2  # of `in`, of the days in it, of the `digits` in two of them


def test_where_files_are_landings_every_file_in_the_folder_is_watched(app: App) -> None:
    take(app, FILES)
    put(app, "digits/tuesday/0.png", "digits/tuesday/notes.txt", "digits/tuesday/deeper/1.png", "digits/monday/2.png")

    rename(app, "digits/tuesday")
    assert watched(app) == ["digits/tuesday/0.png"]

    rename(app, "digits")
    assert sorted(watched(app)) == ["digits/monday/2.png", "digits/tuesday/0.png"]


def test_the_folder_may_have_brought_the_marker_so_a_waiting_watcher_is_replaced(app: App) -> None:
    take(app, MARKED)

    rename(app, "digits/tuesday")

    (instance_id,) = app.client.started
    assert load(Watch, app.given(instance_id)).is_marker


@pytest.mark.parametrize("path", ["letters", "digit", "letters/tuesday"])
def test_a_folder_without_landings_costs_nothing(app: App, path: str) -> None:
    put(app, "digits/tuesday/0.png")

    rename(app, path)

    assert (app.client.calls, app.blobs.listings) == ([], 0)


@pytest.mark.parametrize("path", ["digits/..", "digits/../x", "", "/", "digits//a", "a/" * 10**6], ids=lambda p: p[:10])
def test_a_path_that_is_none_is_not_followed_and_told_of_in_few_words(
    app: App, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "landfall")

    rename(app, path)

    assert (app.client.calls, app.blobs.listings) == ([], 0)
    app.own.ignored.tell()
    (line,) = caplog.messages
    assert len(line) < 5000


def test_a_folder_of_an_account_that_is_not_the_routes_is_not_looked_into(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    put(app, "digits/tuesday/0.png")

    rename(app, "digits", TOPIC.replace("/landing", "/attacker"))

    assert (app.client.calls, app.blobs.listings) == ([], 0)
    app.own.ignored.tell()
    assert len(told(caplog, "events.ignored", logging.WARNING)) == 1


def test_a_folder_that_may_be_for_a_route_with_a_problem_is_delivered_again(app: App) -> None:
    app.own.routes = with_a_broken_route()

    with pytest.raises(RoutesInvalid, match="letters"):
        rename(app, "letters")


def test_storage_that_does_not_answer_has_the_event_delivered_again(app: App) -> None:
    put(app, "digits/tuesday/0.png")
    app.blobs.down = "503"

    with pytest.raises(Unavailable, match="503"):
        rename(app, "digits")

    app.blobs.down = None
    rename(app, "digits")
    assert watched(app) == ["digits/tuesday"]


def test_an_event_that_is_delivered_again_in_the_same_moment_starts_nothing_twice(app: App) -> None:
    put(app, "digits/monday/0.png", "digits/tuesday/0.png")

    rename(app, "digits")
    rename(app, "digits")

    assert len(app.client.started) == 2


def test_a_folder_with_too_many_landings_is_followed_as_far_as_it_goes_and_the_rest_is_told_of(
    app: App, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another delivery would begin with the same folders, so it is not asked for: the sweep finds the others."""
    monkeypatch.setattr(walking, "MOST_LANDINGS", 40)
    put(app, *(f"digits/{number:03}/0.png" for number in range(41)))

    rename(app, "digits")

    assert watched(app) == [f"digits/{number:03}" for number in range(40)]
    (cut,) = told(caplog, "event.cut_short", logging.WARNING)
    assert cut["landings"] == 40


def test_a_folder_with_just_as_many_landings_as_are_followed_is_not_cut_short(
    app: App, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walking, "MOST_LANDINGS", 3)
    put(app, *(f"digits/{number}/0.png" for number in range(3)))

    rename(app, "digits")

    assert len(app.client.started) == 3
    assert told(caplog, "event.cut_short") == []


def test_a_walk_ends_after_so_many_listings(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "MOST_LISTINGS", 10)
    take(app, ("folder: digits/{batch}", "folder: digits/{day}/{batch}"))
    put(app, *(f"digits/{number:03}/a/0.png" for number in range(50)))

    rename(app, "digits")

    assert app.blobs.listings <= 11
    assert 0 < len(app.client.started) <= 10


def test_a_walk_ends_before_event_grid_has_lost_its_patience(app: App, caplog: pytest.LogCaptureFixture) -> None:
    """It waits half a minute; here each listing takes four seconds."""
    take(app, ("folder: digits/{batch}", "folder: digits/{day}/{batch}"))
    put(app, *(f"digits/{number:03}/a/0.png" for number in range(50)))
    names = app.blobs.names

    def slowly(*given: object, **more: object) -> object:
        app.clock.advance(seconds=4)
        return names(*given, **more)  # type: ignore[arg-type]

    app.blobs.names = slowly  # type: ignore[method-assign, assignment]

    rename(app, "digits")

    assert app.clock() - NOON <= walking.LONGEST_WALK + timedelta(seconds=4)
    assert len(told(caplog, "event.cut_short", logging.WARNING)) == 1
    assert 0 < len(app.client.started) < 50


def test_what_is_found_below_has_to_be_a_landing_itself(app: App) -> None:
    """Storage has odd folders, too: one that is called `..` would lead its results elsewhere."""
    put(app, "digits/../0.png", "digits/./0.png", "digits/fine/0.png")

    rename(app, "digits")

    assert watched(app) == [Landing(app.own.routes.usable[0], "digits/fine").path]
