from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local.storage.accounts import Accounts, opened


@pytest.fixture(scope="session")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    """Storage that tests share: each uses blob names of its own."""
    with opened(tmp_path_factory.mktemp("storage")) as shared:
        yield shared
