"""`python -m testbed.screenshot`: makes docs/status.png anew, of the status page as it really is after some runs."""

from __future__ import annotations

import tempfile
from pathlib import Path

import yaml
from playwright.sync_api import ViewportSize

from demo.cloud import ROOT
from testbed.browser import chromium
from testbed.eventually import eventually
from testbed.stack import HERE, running

SHOT = ROOT / "docs" / "status.png"
SIZE: ViewportSize = {"width": 1000, "height": 880}
ROUTES = ("lengths", "failing", "patient")


def routes_in(folder: Path) -> tuple[Path, str, str]:
    """A state directory, and what has only a few of the routes watched."""
    document = yaml.safe_load((HERE / "routes.yaml").read_text("utf-8"))
    document["routes"] = {name: document["routes"][name] for name in ROUTES}
    file = folder / "routes.yaml"
    file.write_text(yaml.safe_dump(document), "utf-8")
    return folder / "state", "--routes", str(file)


def main() -> None:
    """Some folders that are scored, one whose script fails, and one that takes its time."""
    with tempfile.TemporaryDirectory() as folder, running(*routes_in(Path(folder))) as stack, chromium() as browser:
        for day in ("monday", "tuesday", "wednesday"):
            stack.drop(f"lengths/{day}", {f"{n}.txt": (day * n).encode() for n in range(1, 5)})
        stack.drop("failing/thursday", {"a.txt": b"x"})
        for day in ("monday", "tuesday", "wednesday"):
            stack.ended(f"lengths/{day}")
        stack.ended("failing/thursday")
        stack.drop("patient/friday", {"a.txt": b"600"})
        eventually(lambda: stack.jobs_of("patient"), "the job of patient/friday")
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(stack.cloud.page)
        page.locator("button.act:visible").first.wait_for()
        page.screenshot(path=SHOT)
    print(f"{SHOT.relative_to(ROOT)}: {SHOT.stat().st_size:,} bytes")  # noqa: T201


if __name__ == "__main__":
    main()
