"""The status page, as the host calls the function."""

from __future__ import annotations

import re
from collections.abc import Mapping

import azure.functions as func
import pytest

from shared.core.location import Location
from shared.core.run import Error, Run, Status
from testbed.examples import STATE, in_landing
from tests.triggers import requests
from tests.triggers.app import FOLDER, App, plain, with_a_broken_route
from tests.triggers.landed import MARKED, PUBLISHED, ended, look, put, reads_of, run_of, use, watched
from tests.triggers.test_pausing import pause
from tests.unit.runs import publishing
from tests.unit.test_markup import Tags
from triggers import status

EVIL = "<img src=x onerror=alert(1)>\u202e"


def page(params: Mapping[str, str] | None = None) -> func.HttpResponse:
    request = func.HttpRequest(method="GET", url="https://app/api/status", params=params, body=b"")
    response: func.HttpResponse = plain(status.status_page)(request)
    return response


def text_of(app: App, part: str | None = None, **params: str) -> str:
    """What a reader sees of the page, or of one part of it."""
    html = page(params).get_body().decode()
    if part is not None:
        (html,) = re.findall(rf'<section id="{part}".*?</section>', html, re.DOTALL)
    return " ".join(Tags(html).text.split())


def a_run(app: App, folder: str, end: Status | None = None) -> Run:
    put(app, "0.png", folder=folder)
    run = run_of(app, folder)
    if end is not None:
        app.clock.advance(minutes=4)
        is_published = end is Status.PUBLISHED
        error = None if is_published else Error("job_failed", "The script raised KeyError")
        publication, job = (PUBLISHED, publishing().job) if is_published else (None, None)
        requests.end(app, run, end, error=error, publication=publication, job=job)
    return run


def test_where_nothing_has_been_the_page_says_so(app: App) -> None:
    told = text_of(app)

    assert "Nothing needs attention." in told
    assert "No landing waits." in told
    assert "No run is under way." in told
    assert "There has been no run yet." in told


def test_what_needs_attention_comes_first_with_what_to_do(app: App) -> None:
    a_run(app, "digits/failed", Status.FAILED)
    app.own.routes = with_a_broken_route()

    told = text_of(app, "attention")

    assert "route 'letters'" in told
    assert "landing/digits/failed is failed" in told
    assert "The script raised KeyError" in told
    assert "replay the run" in told
    sections = re.findall(r"<section id=.([\w-]+)", page().get_body().decode())
    assert sections == ["attention", "routes", "waiting", "under-way", "runs"]


def test_each_part_tells_what_it_is_for(app: App) -> None:
    for number in range(3):
        a_run(app, f"digits/{number}", Status.PUBLISHED)
    a_run(app, "digits/going")
    app.clock.advance(minutes=1)
    use(app, MARKED)
    put(app, "0.png", folder="digits/waits")
    look(app, "digits/waits")
    watched(app, "digits/waits")
    pause(app, reason="no budget")

    assert "paused" in text_of(app, "routes")
    assert "by somebody: no budget" in text_of(app, "routes")
    assert "usually 4 min 0 s" in text_of(app, "routes")
    assert "landing/digits/waitsdigits1 file, 6 bytes" in text_of(app, "waiting")
    assert "1 min 0 s of usually 4 min 0 s" in text_of(app, "under-way")
    assert text_of(app, "runs").count("published") == 3


def test_one_run_is_told_from_its_first_event_to_its_end(app: App) -> None:
    run = a_run(app, FOLDER, Status.PUBLISHED)

    told = text_of(app, run=run.run_id)

    assert "The landing was ready, and its snapshot claimed: 1 file, 6 bytes" in told
    assert "The run ended: published: _SUCCESS was written" in told
    links = dict(Tags(page({"run": run.run_id}).get_body().decode()).tags)
    assert links["a"]["href"] == "https://lake/run/_run.json"


def test_a_hostile_name_is_text(app: App) -> None:
    app.blobs.put(in_landing(f"digits/{EVIL}/0.png"), b"pixels")
    run = run_of(app, f"digits/{EVIL}")
    ended(app, run, Status.FAILED)

    for params in ({}, {"run": run.run_id}, {"code": f'"{EVIL}'}):
        seen = Tags(page(params).get_body().decode())
        assert "img" not in {tag for tag, _ in seen.tags}
        assert "<img src=x onerror=alert(1)>\\u202e" in seen.text
        assert not any(name.startswith("on") for _, attributes in seen.tags for name in attributes)


def test_the_page_loads_nothing_from_anywhere_and_gives_its_key_to_nobody(app: App) -> None:
    run = a_run(app, FOLDER, Status.PUBLISHED)

    response = page({"code": "the key"})

    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'nonce-nonce'")
    assert "unsafe" not in policy
    assert (response.headers["Referrer-Policy"], response.headers["Cache-Control"]) == ("no-referrer", "no-store")
    assert response.mimetype == "text/html"
    seen = Tags(response.get_body().decode())
    loaded = [attributes.get("src") for tag, attributes in seen.tags if tag in ("script", "img", "iframe")]
    assert loaded == [None], "the script is in the page"
    assert {tag for tag, attributes in seen.tags if "style" in attributes} == set()
    inner = [attributes["href"] for tag, attributes in seen.tags if tag == "a"]
    assert f"status?run={run.run_id}&code=the+key" in inner


def test_the_buttons_are_hidden_until_somebody_has_shown_an_admin_key(app: App) -> None:
    run = a_run(app, FOLDER)

    buttons = {
        str(attributes["data-path"]): attributes
        for tag, attributes in Tags(page().get_body().decode()).tags
        if tag == "button" and "data-path" in attributes
    }

    assert set(buttons) == {f"runs/{run.run_id}/cancel", "routes/digits/pause"}
    assert all("hidden" in attributes for attributes in buttons.values())
    request = func.HttpRequest(method="GET", url="https://app/api/operator", body=b"")
    assert plain(status.operator)(request).status_code == 204


@pytest.mark.parametrize(
    ("params", "code"), [({"run": f"digits-{1:020x}"}, 404), ({"run": "../x"}, 400), ({"ruin": "x"}, 400)]
)
def test_what_is_not_there_or_not_understood_is_said(app: App, params: dict[str, str], code: int) -> None:
    assert page(params).status_code == code


def test_a_record_that_cannot_be_read_hides_nothing_else(app: App) -> None:
    a_run(app, "digits/good", Status.PUBLISHED)
    run = a_run(app, "digits/bad", Status.PUBLISHED)
    app.blobs.put(Location(STATE, f"runs/{run.run_id}.json"), b'{"version": 9}')

    assert "landing/digits/bad is unreadable" in text_of(app, "attention")
    assert "digits/good" in text_of(app, "runs")


def test_a_ledger_of_hundreds_of_runs_costs_no_more_than_a_small_one(app: App) -> None:
    for number in range(300):
        a_run(app, f"digits/{number:03}", Status.PUBLISHED)
    reads = reads_of(app)

    page()

    assert len(reads) <= 110
