"""A real browser, for the status page: Debian's Chromium, headless, through Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

REQUIRED = "LANDFALL_BROWSER"
"""Set to `required` where a missing browser is an error (CI), not a reason to leave tests out."""

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser; without one, the test that asks for it is left out."""
    path = shutil.which("chromium")
    if path is None:
        told = "no chromium on the PATH (Debian's package chromium)"
        if os.environ.get(REQUIRED) == "required":
            raise AssertionError(told)
        pytest.skip(told)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield browser
        browser.close()
