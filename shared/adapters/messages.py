"""What services and their SDKs say, as it can be kept and shown: short, on one line, without signatures."""

from __future__ import annotations

import re

from azure.core.exceptions import AzureError

from shared.core.trouble import LONGEST_MESSAGE

LONGEST_OF_SDK = 500
"""Characters of an SDK's message that are told."""

_QUERY = re.compile(r"(https?://[^\s?\"'<>]+)\?[^\s\"'<>]*")


def cut(message: object, most: int = LONGEST_MESSAGE) -> str:
    """A message of the service, on one line, not longer than can be kept, and without the queries of URLs in it."""
    return without_queries(" ".join(str(message)[: 2 * most].split()))[:most]


def without_queries(text: str) -> str:
    """The text with the queries of its URLs left out: they can hold a signature."""
    return _QUERY.sub(r"\1?…", text)


def told_by(error: AzureError) -> str:
    """What an exception of an SDK says. Behind its first line are the answer that it wraps, which may have any size,
    and ids and times of the request."""
    lines = str(error.message).strip().splitlines()
    return cut(lines[0] if lines else type(error).__name__, LONGEST_OF_SDK)
