"""How thoroughly properties are tried: the same fifty examples every time, or with `make prove` many more, new ones."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

SLOW_IS_FINE = [HealthCheck.too_slow]

settings.register_profile("prove", max_examples=500, deadline=None, suppress_health_check=SLOW_IS_FINE)
settings.register_profile(
    "landfall",
    max_examples=50,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=SLOW_IS_FINE,
)
settings.load_profile("landfall")
