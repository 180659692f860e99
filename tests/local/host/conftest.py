"""One host for all tests of a module that only talk to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local.host.hosting import Host, running


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """The sample app, running."""
    state = tmp_path_factory.mktemp("host")
    with running("everything", state, NOTES=str(state / "notes")) as started:
        yield started
