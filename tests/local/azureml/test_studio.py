"""Pages for people: every link to Studio leads to one, and what anybody has written is nothing but text on it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import httpx
import pytest

from tests.local.azureml.cloud import Cloud

EVIL = "<img src=x onerror=alert(1)>\u202e"
SCRIPT = f"""
import sys

def init():
    print({EVIL!r})

def run(files):
    print("seen", len(files))
    return [1 for _ in files]
"""


@pytest.fixture
def browser(cloud: Cloud) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=cloud.addresses.studio, trust_env=False) as client:
        yield client


def scored(cloud: Cloud, name: str, script: str) -> str:
    """The job that a deployment with that script has made of two files, once it has ended."""
    cloud.create("/batchEndpoints/pages", {})
    cloud.deploy("pages", name, model="probe-echo", script=textwrap.dedent(script))
    job = cloud.submit(cloud.land({"a": "1", "b": "2"}), name, endpoint="pages")
    cloud.end(job)
    return job


def test_the_link_of_a_job_leads_to_its_page(cloud: Cloud, browser: httpx.Client) -> None:
    job = scored(cloud, "good", SCRIPT)
    link = cloud.manage(f"/jobs/{job}").json()["properties"]["services"]["Studio"]["endpoint"]

    page = browser.get(link)

    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    for told in (job, "pages/good", "Completed", "seen 2", "node(s)"):
        assert told in page.text
    assert "http-equiv" not in page.text, "it has ended"


def test_a_page_tells_of_mini_batches_and_of_the_place_of_an_output_that_nobody_has_chosen(
    cloud: Cloud, browser: httpx.Client
) -> None:
    job = scored(cloud, "told", SCRIPT)
    place = cloud.job(job)["outputData"]["score"]["uri"].partition("/paths/")[2]

    page = browser.get(f"/runs/{job}").text

    assert "<h2>Progress</h2><pre>2 files: 2 items returned, 0 files failed" in page
    assert f"paths/{place}</code>" in page


def test_a_run_below_a_job_leads_to_the_page_of_the_job(cloud: Cloud, browser: httpx.Client) -> None:
    job = scored(cloud, "below", SCRIPT)
    below = cloud.below(job)["batchscoring"]["runId"]

    assert f"<code>{job}</code>" in browser.get(f"/runs/{below}").text


def test_what_a_script_prints_is_text(cloud: Cloud, browser: httpx.Client) -> None:
    page = browser.get(f"/runs/{scored(cloud, 'evil', SCRIPT)}")

    assert "<img" not in page.text
    assert "&lt;img src=x onerror=alert(1)&gt;\\u202e" in page.text
    assert "script-src" not in page.headers["Content-Security-Policy"]
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")


def test_a_job_that_failed_says_why_and_shows_the_traceback(cloud: Cloud, browser: httpx.Client) -> None:
    job = scored(cloud, "bad", "def init():\n    pass\n\ndef run(files):\n    raise ValueError('the reason')\n")

    page = browser.get(f"/runs/{job}")

    assert "Why it failed" in page.text
    assert "ValueError: the reason" in page.text


def test_the_list_has_every_job_and_an_unknown_one_is_said_to_be_so(cloud: Cloud, browser: httpx.Client) -> None:
    job = scored(cloud, "listed", SCRIPT)

    assert f'<a href="/runs/{job}">' in browser.get("/").text
    assert browser.get("/runs/nobody").status_code == 404
    assert browser.get("/studio.css").headers["Content-Type"].startswith("text/css")


def test_another_sites_name_for_this_machine_is_refused(browser: httpx.Client) -> None:
    """A page elsewhere whose name leads to 127.0.0.1 could read what jobs have logged."""
    assert browser.get("/", headers={"Host": "evil.example"}).status_code == 421
