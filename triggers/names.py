"""The names of the durable functions. Running instances refer to them: a name is never given another meaning.

A change to an orchestrator or entity that instances in flight cannot replay gets a new name with the next version.
"""

from enum import StrEnum


class Orchestrator(StrEnum):
    WATCH_LANDING = "watch_landing_v1"
    SCORE_SNAPSHOT = "score_snapshot_v1"
    PUBLISH = "publish_v1"


class Entity(StrEnum):
    LANDING = "landing_v1"


class Activity(StrEnum):
    LOOK = "look"
    CLAIM_RUN = "claim_run"
    RECORD_RUN = "record_run"
    STAGE_INPUT = "stage_input"
    SUBMIT_JOB = "submit_job"
    SEARCH_JOB = "search_job"
    OBSERVE_JOB = "observe_job"
    CANCEL_JOB = "cancel_job"
    EXPLAIN_FAILURE = "explain_failure"
    CHECK_LANDING = "check_landing"
    LIST_OUTPUTS = "list_outputs"
    COPY_OUTPUTS = "copy_outputs"
    SEAL_PUBLICATION = "seal_publication"
    ANNOUNCE_RUN = "announce_run"
    REPORT_TROUBLE = "report_trouble"
