"""The landings that there are, as the API lists them."""

from __future__ import annotations

from functools import partial

import pytest

from shared.core.card import Card, blank
from shared.core.landing import key_of
from shared.core.run import Status
from shared.work.overview import MOST_READ
from testbed.examples import STATE, in_landing
from tests.triggers.app import App
from tests.triggers.landed import MARKED, asked, ended, listed, look, put, reads_of, run_of, use, watched
from triggers import landings


def test_landings_are_listed_with_their_state_what_they_wait_for_and_their_run(app: App) -> None:
    use(app, MARKED)
    put(app, "0.png")
    look(app)
    watched(app)
    app.clock.advance(seconds=5)
    put(app, "0.png", "_SUCCESS", folder="digits/monday")
    run = run_of(app, "digits/monday")
    ended(app, run, Status.PUBLISHED)

    monday, tuesday = listed(app)["landings"]

    assert (monday["landing"], monday["state"], monday["waits"]) == ("landing/digits/monday", "scored", None)
    assert (monday["run"]["run_id"], monday["run"]["publication"]) == (run.run_id, "https://lake/run")
    assert (tuesday["landing"], tuesday["state"], tuesday["watched"]) == ("landing/digits/tuesday", "waiting", True)
    assert (tuesday["waits"]["marker"], tuesday["waits"]["until"]) == ("_SUCCESS", "2026-03-01T14:00:00+00:00")
    assert (tuesday["seen"]["files"], tuesday["seen"]["newest"]) == (1, "2026-03-01T12:00:00+00:00")


def test_a_landing_whose_watch_is_gone_waits_and_is_not_watched(app: App) -> None:
    put(app, "0.png")
    look(app)

    (found,) = listed(app)["landings"]

    assert (found["state"], found["watched"]) == ("waiting", False)


def test_a_landing_that_holds_nothing_to_score_is_empty(app: App) -> None:
    put(app, "notes.txt")
    look(app)

    assert [one["state"] for one in listed(app)["landings"]] == ["empty"]


def test_a_folder_in_which_there_is_nothing_at_all_leaves_no_landing_behind(app: App) -> None:
    """Seen before: each of many forged events, of folders that did not exist, left a document that stayed for ever."""
    look(app, "digits/nowhere")

    assert listed(app)["landings"] == []
    assert app.blobs.paths(STATE, "landings/") == []


def test_a_landing_that_was_emptied_is_seen_to_be_empty(app: App) -> None:
    put(app, "0.png")
    look(app)
    app.blobs.delete(in_landing("digits/tuesday/0.png"))
    look(app)

    assert [one["state"] for one in listed(app)["landings"]] == ["empty"]


def test_pages_go_through_all_landings_once_and_cost_what_they_show(app: App) -> None:
    for number in range(25):
        put(app, "0.png", folder=f"digits/{number:02}")
        look(app, f"digits/{number:02}")
        if number % 3 == 0:
            app.clock.advance(seconds=1)
    reads = reads_of(app)
    found, page = list[str](), listed(app, limit="10")
    assert len(reads) == 10

    while True:
        found += [one["landing"] for one in page["landings"]]
        if page["continuation"] is None:
            break
        page = listed(app, limit="10", continuation=page["continuation"])

    assert sorted(found) == [f"landing/digits/{number:02}" for number in range(25)]
    assert found[0] == "landing/digits/24"


def test_landings_are_chosen_by_route_and_state(app: App) -> None:
    put(app, "0.png")
    ended(app, run_of(app), Status.FAILED)
    put(app, "0.png", folder="digits/monday")
    look(app, "digits/monday")

    assert [one["landing"] for one in listed(app, state="failed")["landings"]] == ["landing/digits/tuesday"]
    assert [one["landing"] for one in listed(app, state="waiting")["landings"]] == ["landing/digits/monday"]
    assert len(listed(app, route="digits")["landings"]) == 2
    assert listed(app, route="digit")["landings"] == []


def itself(card: Card, known: Card | None) -> Card:
    return card


def test_one_request_for_a_rare_state_reads_so_many_cards_and_the_next_goes_on(app: App) -> None:
    for number in range(MOST_READ + 10):
        landing = in_landing(f"digits/{number}")
        app.own.ledger.update_card(key_of("digits", landing), partial(itself, blank("digits", landing)))
    reads = reads_of(app)

    first = listed(app, state="failed")
    assert (first["landings"], first["continuation"] is not None, len(reads)) == ([], True, MOST_READ)
    last = listed(app, state="failed", continuation=first["continuation"])
    assert (last, len(reads)) == ({"landings": [], "continuation": None}, MOST_READ + 10)


@pytest.mark.parametrize(
    ("params", "hint"),
    [
        ({"state": "done"}, "it must be one of waiting, paused, running, scored"),
        ({"route": "../runs"}, "it must be the name of a route"),
        ({"limit": "0"}, "it must be a whole number from 1 to 200"),
        ({"continuation": "20260301T250000.digits-0123456789abcdef"}, "it must be the one that came with the page"),
        ({"continuation": "x" * 3000}, "it must be the one that came with the page"),
        ({"stat": "failed"}, "'stat' is no query parameter here; there are route, state, limit, continuation"),
    ],
    ids=str,
)
def test_a_page_that_is_not_understood_is_answered_by_what_would_be(
    app: App, params: dict[str, str], hint: str
) -> None:
    status, answer = asked(app, landings.list_landings, **params)

    assert (status, hint in answer["error"]) == (400, True)
    assert len(answer["error"]) < 500


def test_the_order_of_a_run_and_a_later_look_by_another_watch_is_kept(app: App) -> None:
    """A look after the run saw the same: the landing is scored, not waiting."""
    put(app, "0.png")
    ended(app, run_of(app), Status.PUBLISHED)
    app.clock.advance(minutes=1)
    look(app, watch="watch-later")

    assert [one["state"] for one in listed(app)["landings"]] == ["scored"]
    app.clock.advance(minutes=1)
    put(app, "1.png")
    look(app, watch="watch-later")
    (found,) = listed(app)["landings"]
    assert (found["state"], found["seen"]["at"]) == ("waiting", app.clock().isoformat())
