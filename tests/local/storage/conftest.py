from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.addresses import ACCOUNT, LAKEHOUSE_ACCOUNT
from tests.local.storage.accounts import Accounts, opened


@pytest.fixture(scope="session")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    """Storage that tests share: each uses blob names of its own."""
    with opened(tmp_path_factory.mktemp("storage")) as shared:
        yield shared


@pytest.fixture(scope="session")
def lakes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    """The same with a hierarchy on the landing account, so that there are events, and on the lakehouse's."""
    with opened(tmp_path_factory.mktemp("lakes"), ACCOUNT, LAKEHOUSE_ACCOUNT) as shared:
        yield shared
