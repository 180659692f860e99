"""What is told of a service's answers."""

from __future__ import annotations

import pytest

from shared.adapters.messages import without_queries
from shared.adapters.rest import address, is_same_origin


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "see https://a.blob.core.windows.net/c/x?sv=1&sig=SECRET for it",
            "see https://a.blob.core.windows.net/c/x?… for it",
        ),
        ("'https://a/x?sig=SECRET' and https://b/y?sig=SECRET.", "'https://a/x?…' and https://b/y?…"),
        ("what? nothing: https://a/x", "what? nothing: https://a/x"),
    ],
)
def test_the_queries_of_urls_are_left_out_of_messages(text: str, told: str) -> None:
    """A signature in one is as good as a key, and messages are stored, logged and announced."""
    assert without_queries(text) == told


@pytest.mark.parametrize("link", ["https://b/x", "http://a/x", "https://[a", None, 7, "https://a:1/x"])
def test_a_link_to_anywhere_else_is_not_followed(link: object) -> None:
    assert is_same_origin("https://a/y", "https://a/x")
    assert not is_same_origin(link, "https://a/x")


def test_an_address_is_told_without_its_query() -> None:
    assert address("https://a/x?sig=SECRET") == "https://a/x"
