"""The query parameters of a request, as far as all requests have them in common."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from shared.errors import InputRefused

LONGEST_TOLD = 80
KEYS = ("code", "clientId")
"""What the Functions host itself takes from a query: the function key and its name. Source: Azure docs,
functions/function-keys-how-to."""


def refuse_unknown(params: Mapping[str, str], known: Collection[str]) -> None:
    """Raise InputRefused for a query parameter that there is not, with those that there are."""
    unknown = sorted(set(params) - {*known, *KEYS})
    if unknown:
        there_are = f"there are {', '.join(known)}" if known else "there are none"
        raise InputRefused(f"{unknown[0][:LONGEST_TOLD]!r} is no query parameter here; {there_are}.")
