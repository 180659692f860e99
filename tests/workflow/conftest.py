"""Workflows run against fakes: sockets are off."""

from __future__ import annotations

from tests.offline import no_network

__all__ = ["no_network"]
