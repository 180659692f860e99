"""The names of orchestrators and entities. Running instances refer to them: a name never changes its meaning.

A change to an orchestrator or entity that instances in flight cannot replay gets a new name with the next version.
Activities have their names in shared/core/steps.py.
"""

from enum import StrEnum


class Orchestrator(StrEnum):
    WATCH_LANDING = "watch_landing_v1"
    SCORE = "score_v1"
    PUBLISH = "publish_v1"


class Entity(StrEnum):
    LANDING = "landing_v1"
