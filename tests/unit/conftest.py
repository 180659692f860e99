"""Decisions need nothing from outside: sockets are off, and the properties try the same examples every time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from pytest_socket import disable_socket, enable_socket

settings.register_profile(
    "landfall", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("landfall")


@pytest.fixture(autouse=True)
def no_network() -> Iterator[None]:
    """An event loop talks to itself over a Unix socket; nothing else may be opened."""
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()
