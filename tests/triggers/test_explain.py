"""Why a file was not scored, as the API answers it."""

from __future__ import annotations

import asyncio

import pytest

from shared.core.acts import Repeats, Repetition
from shared.core.landing import Landing
from shared.core.location import Location
from shared.core.readiness import recent_watches
from shared.core.request import Asked, Granted, RunRequest
from shared.core.run import Status
from shared.errors import LandfallError
from shared.work.acting import repeat
from shared.work.requesting import grant
from tests.triggers.app import App, with_a_broken_route
from tests.triggers.landed import (
    FILE,
    FILES,
    MARKED,
    ended,
    explained,
    listed,
    look,
    put,
    run_of,
    use,
    watched,
)
from tests.unit.routes_files import REMOVED, edited, parsed


def test_a_file_that_no_route_takes_is_told_the_nearest_miss(app: App) -> None:
    put(app, "X.PNG")

    answer = explained(app, "landing/digits/tuesday/X.PNG")

    assert (answer["state"], answer["route"], answer["landing"]) == ("not_taken", None, None)
    assert (answer["miss"]["reason"], answer["miss"]["route"]) == ("case", "digits")
    assert answer["blob"]["bytes"] == 6
    assert answer["text"] == (
        "No route takes landing/digits/tuesday/X.PNG: 'X.PNG' does not match *.png of route 'digits'; patterns mind "
        "case. Rename it, or set landing.case: ignore. The blob is there: 6 bytes, written 2026-03-01 12:00:00 UTC."
    )


def test_nobody_elses_container_is_looked_into(app: App) -> None:
    answer = explained(app, "https://else.blob.core.windows.net/landing/digits/tuesday/0.png")

    assert (answer["state"], answer["miss"]["reason"]) == ("not_taken", "container")
    assert app.blobs.looked_up == []


def test_a_route_with_a_problem_may_be_the_one(app: App) -> None:
    app.own.routes = with_a_broken_route("inbox")

    answer = explained(app, "inbox/letters/a/0.png")

    assert (answer["miss"]["reason"], answer["miss"]["route"]) == ("broken_route", "letters")
    assert "route 'letters', ready.quiet: 'soon' is not valid" in answer["text"]


def test_a_file_that_is_not_there_is_told_what_would_become_of_it(app: App) -> None:
    answer = explained(app)

    assert (answer["state"], answer["route"], answer["role"]) == ("absent", "digits", "file")
    assert answer["text"] == (
        "Route 'digits' takes landing/digits/tuesday/0.png as a file of landing landing/digits/tuesday. There is no "
        "such blob now. No run has it yet, as far as is known: no look at its landing is noted. Once it is written, it "
        "is noticed by its event, or by the sweep."
    )


def test_a_file_of_which_no_event_told_is_found_by_the_sweep(app: App) -> None:
    put(app, "0.png")

    answer = explained(app)

    assert (answer["state"], answer["sweep"]) == ("unseen", "2026-03-01T12:15:00+00:00")
    assert "No watch is under way. If no event starts one, the sweep of 2026-03-01 12:15:00 UTC does." in answer["text"]


def test_the_sweep_leaves_what_is_younger_than_ten_seconds_to_its_events(app: App) -> None:
    app.clock.advance(minutes=14, seconds=55)
    put(app, "0.png")

    assert explained(app)["sweep"] == "2026-03-01T12:30:00+00:00"


def test_a_watch_that_has_not_looked_yet_is_told(app: App) -> None:
    put(app, "0.png")
    (settling, *_) = recent_watches(Landing(app.own.routes.usable[0], "digits/tuesday"), app.clock())
    asyncio.run(app.client.start_new("watch_landing_v1", settling, {}))

    answer = explained(app)

    assert (answer["state"], answer["waits"]["watch"]) == ("waiting", settling)
    assert "A watch is under way and looks at the landing within a minute." in answer["text"]


def test_a_landing_that_is_not_quiet_yet_says_until_when(app: App) -> None:
    put(app, "0.png", "1.png")
    app.clock.advance(seconds=2)
    look(app)
    watched(app)

    answer = explained(app)

    assert (answer["state"], answer["waits"]["for"], answer["waits"]["then"]) == ("waiting", "quiet", "score")
    assert (answer["seen"]["files"], answer["seen"]["bytes"]) == (2, 12)
    assert (
        "The last look, at 2026-03-01 12:00:02 UTC, saw 2 files to score, 12 bytes. It waits until nothing changes for "
        "5s: unchanged since 2026-03-01 12:00:02 UTC, it is scored at 2026-03-01 12:00:06 UTC if that stays so; after "
        "2026-03-01 14:00:02 UTC it is scored as it is in any case."
    ) in answer["text"]


def test_a_landing_without_its_marker_says_so_and_when_it_fails(app: App) -> None:
    use(app, MARKED)
    put(app, "0.png")
    look(app)
    watched(app)

    answer = explained(app)

    assert (answer["waits"]["for"], answer["waits"]["marker"]) == ("marker", "_SUCCESS")
    assert (
        "It waits for its marker _SUCCESS, which is not there; after 2026-03-01 14:00:00 UTC it fails in any case."
    ) in answer["text"]


def test_the_marker_itself_is_explained(app: App) -> None:
    use(app, MARKED)

    answer = explained(app, "landing/digits/tuesday/_SUCCESS")

    assert (answer["role"], answer["state"]) == ("marker", "absent")
    assert answer["text"].startswith(
        "landing/digits/tuesday/_SUCCESS is the marker that says to route 'digits' that landing landing/digits/tuesday "
        "is complete."
    )


def test_looks_that_fail_say_why_and_are_told_to_be_tried_again(app: App) -> None:
    put(app, "0.png")
    look(app)
    listing, app.blobs.list_folder = app.blobs.list_folder, refusing  # type: ignore[method-assign, assignment]
    with pytest.raises(LandfallError):
        look(app)
    app.blobs.list_folder = listing  # type: ignore[method-assign]
    watched(app)

    assert "Since then a look failed and is tried again: Could not list: 403." in explained(app)["text"]


def refusing(folder: Location, *, most: int | None = None) -> None:
    raise LandfallError("Could not list: 403.")


@pytest.mark.parametrize(
    ("status", "state", "told_of"),
    [
        (None, "running", "is of exactly this version: under way (claimed since 2026-03-01 12:00:00 UTC)."),
        (Status.PUBLISHED, "scored", "is of exactly this version: published at https://lake/run."),
        (
            Status.FAILED,
            "failed",
            "is of exactly this version: failed. The script raised KeyError. ",
        ),
        (
            Status.SUPERSEDED,
            "superseded",
            "is of exactly this version: superseded, because the landing got newer content, which gets a run of its",
        ),
    ],
)
def test_the_run_of_exactly_this_version_is_told(app: App, status: Status | None, state: str, told_of: str) -> None:
    put(app, "0.png")
    run = run_of(app)
    if status is not None:
        ended(app, run, status)

    answer = explained(app)

    assert (answer["state"], answer["run"]["run_id"], answer["run"]["version"]) == (state, run.run_id, "exact")
    assert f"Run {run.run_id} {told_of}" in answer["text"]


def test_a_landing_that_was_refused_says_that_it_was(app: App) -> None:
    put(app, "0.png")
    run = run_of(app, refusal="Not complete.")
    ended(app, run, Status.FAILED)

    answer = explained(app)

    assert answer["state"] == "refused"
    assert "refused. The script raised KeyError." in answer["text"]


def test_an_older_version_a_later_file_and_the_same_content_again_are_told_apart(app: App) -> None:
    put(app, "0.png")
    ended(app, run_of(app), Status.PUBLISHED)

    put(app, "0.png", content=b"others")
    assert (explained(app)["run"]["version"], explained(app)["state"]) == ("older", "unseen")
    put(app, "0.png")
    assert (explained(app)["run"]["version"], explained(app)["state"]) == ("same_content", "scored")
    put(app, "1.png")
    later = explained(app, "landing/digits/tuesday/1.png")
    assert (later["run"]["version"], later["state"]) == ("absent", "unseen")
    assert "is the landing's latest and does not have this file" in later["text"]


def test_failed_content_that_was_uploaded_again_is_going_to_be_run_again(app: App) -> None:
    put(app, "0.png")
    ended(app, run_of(app), Status.FAILED)
    put(app, "0.png")

    answer = explained(app)

    assert (answer["run"]["version"], answer["state"]) == ("same_content", "unseen")
    assert "If no event starts one, the sweep of" in answer["text"]


def test_a_file_that_came_while_a_run_was_under_way_waits_for_its_end(app: App) -> None:
    put(app, "0.png")
    run_of(app)
    put(app, "1.png")
    watched(app)

    answer = explained(app, "landing/digits/tuesday/1.png")

    assert answer["state"] == "waiting"
    assert answer["text"].endswith("When that run has ended, the landing is looked at again.")


def test_a_file_in_a_sub_folder_has_its_landing_refused(app: App) -> None:
    put(app, "0.png", folder="digits/tuesday/part")

    answer = explained(app, "landing/digits/tuesday/part/0.png")

    assert (answer["role"], answer["landing"]) == ("stray", "landing/digits/tuesday")
    assert answer["text"].startswith(
        "landing/digits/tuesday/part/0.png is in a sub-folder of landing landing/digits/tuesday, which a batch job "
        "does not see, so the whole landing is refused. Set landing.nested of route 'digits' to flatten or split"
    )


def test_an_empty_blob_is_noticed_with_its_folder(app: App) -> None:
    put(app, "0.png", content=b"")

    assert "It is empty, so its own event starts nothing" in explained(app)["text"]


def test_a_landing_is_explained_by_its_own_path(app: App) -> None:
    put(app, "0.png")
    ended(app, run_of(app), Status.PUBLISHED)

    for path in ("landing/digits/tuesday", "landing/digits/tuesday/", "landing/digits/tuesday/part/"):
        answer = explained(app, path)
        assert (answer["role"], answer["state"], answer["landing"]) == ("landing", "scored", "landing/digits/tuesday")


def test_a_path_with_the_name_of_a_file_is_no_folder_where_a_landing_would_be(app: App) -> None:
    assert explained(app, "landing/digits/0.png")["miss"]["reason"] == "depth"
    assert explained(app, "landing/digits/0.png/")["role"] == "landing"
    assert explained(app, "landing/digits/friday")["text"].endswith(
        "Once files are written there, they are noticed by their events, or by the sweep."
    )


def test_where_every_file_is_a_landing_the_file_is_its_own(app: App) -> None:
    use(app, FILES)
    put(app, "0.png")
    ended(app, run_of(app, "digits/tuesday/0.png"), Status.PUBLISHED)

    answer = explained(app)

    assert (answer["landing"], answer["state"], answer["run"]["version"]) == (FILE, "scored", "exact")
    assert answer["text"].startswith(f"Route 'digits' takes {FILE} as a landing of its own.")


def test_a_route_that_is_scored_on_request_only_waits_for_nobody_but_who_asks(app: App) -> None:
    app.own.routes = parsed(edited(("ready", REMOVED), ("on_request", True)))
    put(app, "0.png")

    answer = explained(app)

    assert (answer["state"], answer["route"], answer["sweep"]) == ("on_request", "digits", None)
    assert answer["text"].endswith(
        "Route 'digits' is scored on request only: nothing happens until POST /api/runs asks for "
        "landing/digits/tuesday."
    )


def test_a_run_that_was_asked_for_is_the_landings_latest(app: App) -> None:
    put(app, "0.png")
    own = app.own
    asked_for = Asked(request=RunRequest(route="digits", landing="digits/tuesday"), key="k" * 64, is_repeatable=False)
    granted = grant(lambda: own.routes, app.blobs, own.ledger, asked_for, app.clock())
    assert isinstance(granted, Granted)

    assert (explained(app)["state"], explained(app)["run"]["run_id"]) == ("running", granted.run.run_id)
    (found,) = listed(app)["landings"]
    assert (found["state"], found["seen"], found["run"]["run_id"]) == ("running", None, granted.run.run_id)

    ended(app, granted.run, Status.PUBLISHED)
    run = own.ledger.run(granted.run.run_id)
    assert run is not None
    repeats = Repeats(run_id=run.run_id, act=Repetition.RESCORE)
    again = repeat(lambda: own.routes, app.blobs, own.ledger, run, repeats, by=None, now=app.clock())
    assert isinstance(again, Granted)
    assert explained(app)["run"]["run_id"] == again.run.run_id != run.run_id


def test_what_was_there_before_the_route_is_not_scored_by_surprise(app: App) -> None:
    put(app, "0.png")
    app.clock.advance(days=3)

    answer = explained(app)

    assert "it was there before the sweep first saw this route" in answer["text"]
