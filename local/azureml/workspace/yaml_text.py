"""YAML as files of deployments have it: plain values, and no more of them than somebody would write."""

from __future__ import annotations

from typing import Any

import yaml

MOST_VALUES = 100_000
"""In one file, what aliases repeat counted each time."""
_DATES = "tag:yaml.org,2002:timestamp"


class _Loader(yaml.SafeLoader):
    """A date stays the text that it was written as: what is recorded and sent is JSON, which has none."""


_Loader.yaml_implicit_resolvers = {
    first: [one for one in resolvers if one[0] != _DATES]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load(text: str) -> Any:
    """What the text says. Raises yaml.YAMLError, also for aliases that stand for more than anybody means."""
    try:
        found = yaml.load(text, _Loader)  # noqa: S506  # a safe one
    except (ValueError, RecursionError) as error:  # numbers and depths that are too much for Python
        raise yaml.YAMLError(str(error)) from error
    left, values = MOST_VALUES, [found]
    while values:
        value, left = values.pop(), left - 1
        if left < 0 or len(values) > MOST_VALUES:
            raise yaml.YAMLError(f"it stands for more than {MOST_VALUES:,} values; aliases repeat what they name")
        values += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return found
