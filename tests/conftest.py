"""How thoroughly properties are tried: a hundred examples, or with `make prove` many more."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("prove", max_examples=500, deadline=None)
