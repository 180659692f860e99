"""Triggers run against fakes: sockets are off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.services import services
from tests.offline import no_network
from tests.triggers.app import App, make_app

__all__ = ["no_network"]


@pytest.fixture
def app() -> Iterator[App]:
    yield make_app()
    services.cache_clear()
