"""The status page in a real browser, served by the unmodified app on the local cloud."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from testbed.browser import chromium
from testbed.eventually import eventually
from testbed.stack import Stack, running
from tests.e2e.test_landings import texts

EVIL = "patient/<img src=x onerror=alert(1)>'\"&\u202e"
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """With a run that was published, one that has failed, and one of a hostile name that goes on and on."""
    with running(tmp_path_factory.mktemp("page")) as started:
        started.drop("lengths/good", texts(3))
        started.drop("failing/bad", texts(1))
        started.drop(EVIL, {"a.txt": b"600"})
        started.ended("lengths/good")
        started.ended("failing/bad")
        eventually(lambda: started.jobs_of("patient"), "the job that goes on")
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@dataclass
class Seen:
    """A page, and all that went wrong or out in it."""

    page: Page
    wrong: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


def opened(browser: Browser, stack: Stack, **given: Any) -> Seen:
    context = browser.new_context(**given)
    seen = Seen(context.new_page())
    seen.page.on("console", lambda message: seen.wrong.append(message.text) if message.type == "error" else None)
    seen.page.on("pageerror", lambda error: seen.wrong.append(str(error)))
    seen.page.on("request", lambda request: seen.asked.append(request.url))
    seen.page.on("dialog", lambda dialog: seen.wrong.append(dialog.message))
    seen.page.goto(stack.cloud.page)
    return seen


def test_hostile_names_are_text_nothing_is_loaded_and_nothing_goes_wrong(browser: Browser, stack: Stack) -> None:
    seen = opened(browser, stack)

    expect(seen.page.locator("#under-way")).to_contain_text("<img src=x onerror=alert(1)>'\"&\\u202e")
    expect(seen.page.locator("#attention")).to_contain_text("landing/failing/bad is failed")
    seen.page.get_by_role("link", name="<img src=x").first.click()
    expect(seen.page.locator("#timeline")).to_contain_text("The job was submitted")
    assert seen.wrong == []
    origin = stack.cloud.stack["host"]["base_url"]
    assert [url for url in seen.asked if not url.startswith((origin, "data:"))] == []


def test_it_is_readable_on_a_phone(browser: Browser, stack: Stack) -> None:
    seen = opened(browser, stack, viewport=PHONE)

    expect(seen.page.locator("#runs")).to_contain_text("published")
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.parametrize(("scheme", "paper"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(13, 17, 23)")])
def test_it_is_light_or_dark_as_its_reader_wants_it(browser: Browser, stack: Stack, scheme: Any, paper: str) -> None:
    seen = opened(browser, stack, color_scheme=scheme)

    expect(seen.page.locator("body")).to_have_css("background-color", paper)


def test_a_refresh_brings_what_is_new_and_keeps_the_focus(browser: Browser, stack: Stack) -> None:
    seen = opened(browser, stack)
    button = seen.page.get_by_role("button", name="Pause").first
    button.focus()
    focused = seen.page.evaluate("document.activeElement.id")
    stack.drop("lengths/later", texts(2))

    expect(seen.page.locator("#runs")).to_contain_text("lengths/later", timeout=60_000)

    assert seen.page.evaluate("document.activeElement.id") == focused != ""
    assert seen.wrong == []


@pytest.mark.long
def test_it_says_since_when_it_could_not_be_refreshed(browser: Browser, stack: Stack) -> None:
    seen = opened(browser, stack)
    seen.page.route("**/api/status*", lambda route: route.fulfill(status=503))

    expect(seen.page.locator("#told")).to_contain_text("Not refreshed since", timeout=30_000)

    seen.page.unroute("**/api/status*")
    expect(seen.page.locator("#told")).to_be_empty(timeout=60_000)


def test_without_the_admin_key_nothing_can_be_done(browser: Browser, stack: Stack) -> None:
    """With a key of the host's functions, which opens the page."""
    seen = opened(browser, stack)
    seen.page.route("**/api/operator", lambda route: route.fulfill(status=401))
    seen.page.reload()

    expect(seen.page.locator("#keys")).to_be_visible()
    expect(seen.page.locator("button.act:visible")).to_have_count(0)
    seen.page.locator("#key").fill("wrong")
    seen.page.locator("#unlock").click()
    expect(seen.page.locator("#told")).to_contain_text("not an admin key")
    expect(seen.page.locator("button.act:visible")).to_have_count(0)


def test_with_it_a_route_is_paused_a_run_canceled_and_the_failed_one_replayed(browser: Browser, stack: Stack) -> None:
    page = opened(browser, stack).page

    def done(button: str, told: str) -> None:
        page.get_by_role("button", name=button, exact=True).first.click()
        page.locator("#ask-why").fill("because of the night")
        page.locator("#ask-yes").click()
        expect(page.locator("#told")).to_contain_text(told)

    route = page.locator("#routes tr", has_text="patient").first
    route.get_by_role("button", name="Pause").click()
    page.locator("#ask-why").fill("because of the night")
    page.locator("#ask-yes").click()
    expect(page.locator("#routes")).to_contain_text("because of the night", timeout=30_000)
    done("Cancel", "done")
    canceled = eventually(lambda: [run for run in stack.runs_of("patient") if run["cancel"]], "the run's cancel")
    assert [run["cancel"]["reason"] for run in canceled] == ["because of the night"]
    (failed,) = stack.ended("failing/bad")
    page.get_by_role("link", name="landing/failing/bad is failed").click()
    done("Replay", "done")
    eventually(lambda: stack.cloud.api(f"runs/{failed['run_id']}")["repeated_by"], "the replay")
