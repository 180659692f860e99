"""How a job runs: what a deployment sets and one invocation may override."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum


class OutputAction(StrEnum):
    APPEND_ROW = "append_row"
    SUMMARY_ONLY = "summary_only"


class LoggingLevel(StrEnum):
    WARNING = "warning"
    INFO = "info"
    DEBUG = "debug"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSettings:
    """Defaults as in Azure docs, reference-yaml-deployment-batch."""

    instance_count: int = 1
    max_concurrency_per_instance: int = 1
    mini_batch_size: int = 10
    max_retries: int = 3
    """Tries of a mini-batch in total (ParallelRunStep's run_max_try), although the docs' word is retries."""
    timeout: timedelta = field(default=timedelta(seconds=30))
    """Of one call of run()."""
    error_threshold: int = -1
    output_action: OutputAction = OutputAction.APPEND_ROW
    output_file_name: str = "predictions.csv"
    logging_level: LoggingLevel = LoggingLevel.INFO

    @property
    def processes(self) -> int:
        """How many calls of run() go on at once."""
        return self.instance_count * self.max_concurrency_per_instance


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineSettings:
    """How a pipeline component deployment runs. Source: Azure docs, reference-yaml-deployment-batch."""

    default_compute: str | None = None
    default_datastore: str | None = None
    continue_on_step_failure: bool = False
    force_rerun: bool = False


_DURATION = re.compile(
    r"P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?",
    re.IGNORECASE,
)


def parse_duration(text: str) -> timedelta:
    """An ISO 8601 duration without years and months. Raises ValueError."""
    match = _DURATION.fullmatch(text)
    parts = {unit: float(value) for unit, value in match.groupdict().items() if value} if match else {}
    if not parts:
        raise ValueError(f"{text!r} is not an ISO 8601 duration such as PT30S.")
    try:
        return timedelta(**parts)
    except OverflowError as error:
        raise ValueError(f"{text[:80]!r} is longer than anything lasts.") from error


def format_duration(duration: timedelta) -> str:
    """The ISO 8601 form that the service answers with, such as PT30S or PT1M30S."""
    whole = round(duration.total_seconds())
    hours, minutes, seconds = whole // 3600, whole // 60 % 60, whole % 60
    parts = [f"{value}{unit}" for value, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if value]
    return "PT" + ("".join(parts) or "0S")
