from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local.roles.protected import Protected, opened


@pytest.fixture(scope="session")
def protected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Protected]:
    """What roles protect, started once: every test leaves roles.yaml as it was."""
    with opened(tmp_path_factory.mktemp("roles") / "state") as started:
        yield started
