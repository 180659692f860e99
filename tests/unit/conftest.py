"""Decisions need nothing from outside: sockets are off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_socket import disable_socket, enable_socket


@pytest.fixture(autouse=True)
def no_network() -> Iterator[None]:
    """An event loop talks to itself over a Unix socket; nothing else may be opened."""
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()
