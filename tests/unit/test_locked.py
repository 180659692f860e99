"""What is installed is locked: every package in one version, each of its files by its hash."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from testbed.examples import ROOT

LOCKS = ("requirements.txt", "requirements-dev.txt", "requirements-worker.txt")


def pinned(name: str) -> Iterator[tuple[str, str]]:
    """Names and versions in a file of requirements."""
    for line in (ROOT / name).read_text("utf-8").splitlines():
        if found := re.match(r"([A-Za-z0-9._-]+)(?:\[\w+\])?==([^ ;\\]+)", line):
            yield found[1].lower().replace("_", "-"), found[2]


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_has_one_version_with_hashes_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    lines = text.splitlines()
    packages = [at for at, line in enumerate(lines) if re.match(r"[A-Za-z]", line)]

    assert len(packages) == len(list(pinned(name))) > 0
    for at in packages:
        assert lines[at + 1].lstrip().startswith("--hash=sha256:"), lines[at]
    assert "://" not in text


@pytest.mark.parametrize("kind", ["requirements", "requirements-dev"])
def test_the_lock_has_what_was_asked_for(kind: str) -> None:
    asked = set(pinned(f"{kind}.in"))

    assert asked
    assert asked <= set(pinned(f"{kind}.txt"))


def test_what_is_tested_is_what_is_deployed() -> None:
    assert set(pinned("requirements.txt")) <= set(pinned("requirements-dev.txt"))
