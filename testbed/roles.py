"""Roles taken from and given to the identities of a running local cloud, as an administrator would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from local.roles.live import ensure, rewrite

Assignment = dict[str, Any]
"""One entry of roles.yaml: `identity`, `role`, `scope`, and maybe since when."""


def assignments_of(state: Path, *identities: str) -> list[Assignment]:
    """What the file says of some identities, or of all."""
    listed: list[Assignment] = yaml.safe_load(ensure(state).read_text("utf-8"))["assignments"]
    return [one for one in listed if not identities or one["identity"] in identities]


@contextmanager
def without(state: Path, *taken: Assignment) -> Iterator[None]:
    """Take assignments away, for a while."""
    for one in taken:
        assert one in assignments_of(state), one
    with _changed(state, lambda listed: [one for one in listed if one not in taken]):
        yield


@contextmanager
def granted(state: Path, *given: Assignment) -> Iterator[None]:
    """Give more assignments, for a while."""
    with _changed(state, lambda listed: [*listed, *given]):
        yield


@contextmanager
def _changed(state: Path, change: Callable[[list[Assignment]], list[Assignment]]) -> Iterator[None]:
    before = ensure(state).read_text("utf-8")
    body = yaml.safe_load(before)
    rewrite(state, yaml.safe_dump({**body, "assignments": change(body["assignments"])}))
    try:
        yield
    finally:
        rewrite(state, before)
