"""Run history: a batch job is a pipeline whose steps do the work, and it is they who know why it failed, or that they
still wait for nodes.

Source: Azure docs, how-to-troubleshoot-batch-endpoints; requests that azure-ai-ml 1.35 makes for `jobs.stream`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from shared.adapters.credentials import MANAGEMENT
from shared.adapters.messages import cut, without_queries
from shared.adapters.rest import ListCut, Rest, json_of, parts_of
from shared.adapters.workspaces import Workspaces
from shared.core.job import Job, Stage, stage_of, text_at, value_at
from shared.core.route import Endpoint
from shared.core.script_error import first_exception
from shared.errors import Unavailable

PAGES = 10
"""Pages of a job's steps that are read."""
STEPS_TOLD = 3
"""Failed steps that are asked why."""
LOG_HEAD = 64 * 1024
"""Bytes of the beginning of a log that are read: what went wrong first is there."""
LOG_TAIL = 4096
"""Bytes of the end of a log that are read."""
LOGS_TOLD = 16
"""Logs of a job that are shown to people, LOG_HEAD bytes of each at the most."""
LOGS_READ = 8
"""Logs of a step that are looked through for an exception: there is one for each process."""
LONGEST_REASON = 900
LONGEST_TAIL = 900
"""Characters of the service's reason and of the script's log that are told: together less than a message may have."""
LOGS = ("user/error/", "job_error", "user/stderr/", "job_result", "std_log", "70_driver_log")
"""Where the script's own error may be, the likeliest first. Source: Azure docs, how-to-debug-parallel-run-step."""
ALSO_TOLD = ("user/stdout/",)
"""What it has printed, for who reads the logs."""
BLOB_HOSTS = (".blob.core.windows.net", ".blob.core.usgovcloudapi.net", ".blob.core.chinacloudapi.cn")


class RunHistory:
    """Of the job in a workspace whose services are at `api`."""

    def __init__(self, rest: Rest, api: str, workspace: str) -> None:
        self._rest = rest
        self._api = api
        self._runs = f"{api}/history/v1.0{workspace}/runs"

    @classmethod
    def of(cls, rest: Rest, workspaces: Workspaces, endpoint: Endpoint, job: Job) -> RunHistory:
        """Of the workspace that the job is in. Raises Unavailable if it cannot be found."""
        workspace = workspaces.of(endpoint, job)
        return cls(rest, workspaces.api(workspace), workspace)

    def steps(self, job: Job) -> list[Mapping[str, Any]]:
        """The steps of a job. Raises Unavailable."""
        try:
            return [
                step
                for step in self._rest.items(self.steps_url(job), MANAGEMENT, pages=PAGES)
                if isinstance(step, Mapping)
            ]
        except ListCut as cut_off:
            raise Unavailable(f"The steps of job {job.name} could not be read: {cut_off}.") from None

    def steps_url(self, job: Job) -> str:
        """Where the steps of a job are listed."""
        return f"{self._runs}/{quote(job.name, safe='')}/children"

    def reason(self, job: Job) -> str | None:
        """Why the job failed: the first exception of the user's own script where a log shows it, else the end of its
        log, with the error of the step that failed; else the job's own error; None if neither is known. Raises
        Unavailable."""
        whole = self._details(job.name)
        own = _reason_in(whole)
        try:
            return (self._reason_of_a_step(job) if whole else None) or own
        except Unavailable:
            if own is None:
                raise
            return own  # better than none

    def logs(self, job: Job) -> dict[str, str]:
        """The logs of a job and its steps that tell of the user's own script, by their names, what is likeliest to tell
        what went wrong first: at most LOGS_TOLD, of each the end. Raises Unavailable."""
        found: dict[str, str] = {}
        runs = [*(text_at(step, "runId") or "" for step in self.steps(job)), job.name]
        for run in runs:
            for name, link in _worth_reading(value_at(self._details(run), "logFiles"), (*LOGS, *ALSO_TOLD)):
                if name not in found and len(found) < LOGS_TOLD and self._is_storage(link):
                    head, end = self._ends_of(link, tail=LOG_HEAD)
                    found[name] = without_queries(end or head)
        return {name: text for name, text in found.items() if text.strip()}

    def _reason_of_a_step(self, job: Job) -> str | None:
        failed = [step for step in self.steps(job) if stage_of(text_at(step, "status") or "") is Stage.FAILED]
        for step in failed[:STEPS_TOLD]:
            run, name = text_at(step, "runId") or "", text_at(step, "name")
            found = self._details(run)
            exception, end = self._words_of(found)
            told = " ".join(text for text in (exception, _reason_in(found), end) if text)
            if told:
                return f"step {name}: {told}" if name and job.is_pipeline else told
        return None

    def _details(self, run: str) -> dict[str, Any]:
        answer = self._rest.get(f"{self._runs}/{quote(run, safe='')}/details", MANAGEMENT)
        return {} if answer.status_code == 404 else json_of(answer)

    def _words_of(self, details: Mapping[str, Any]) -> tuple[str | None, str | None]:
        """The first exception of the script that any of its logs shows, or else the end of the log that tells most;
        with the log's name."""
        tail: str | None = None
        for name, link in list(_worth_reading(value_at(details, "logFiles")))[:LOGS_READ]:
            head, end = self._ends_of(link) if self._is_storage(link) else ("", "")
            if exception := first_exception(head) or first_exception(end):
                return f"The script raised {without_queries(' '.join(exception.split()))}; see {name}.", None
            if tail is None and (told := without_queries(" ".join(end.split()))[-LONGEST_TAIL:]):
                tail = f"The end of {name}: {told}"
        return None, tail

    def _ends_of(self, link: str, *, tail: int = LOG_TAIL) -> tuple[str, str]:
        """The beginning and the end of a log, which may be the same."""
        # No token: the link is signed, and it is never told.
        try:
            answer = self._rest.get(link, None, {"Range": f"bytes=0-{LOG_HEAD - 1}"})
            if answer.status_code != 206:
                return "", ""
            size = int(answer.headers["Content-Range"].rpartition("/")[2])
            head = answer.text[:LOG_HEAD]
            if size <= LOG_HEAD:
                return head, head[-tail:]
            rest = self._rest.get(link, None, {"Range": f"bytes={size - tail}-"})
        except (Unavailable, ValueError, KeyError):
            return "", ""
        return head, rest.text[-tail:] if rest.status_code == 206 else ""

    def _is_storage(self, link: str) -> bool:
        parts = parts_of(link)
        host = parts.hostname or ""
        return parts.scheme == "https" and (host.endswith(BLOB_HOSTS) or host == parts_of(self._api).hostname)


def _worth_reading(logs: object, parts: Sequence[str] = LOGS) -> Iterator[tuple[str, str]]:
    files = {name: link for name, link in logs.items() if isinstance(link, str)} if isinstance(logs, Mapping) else {}
    for part in parts:
        for name in sorted(files):
            if part in name:
                yield name, files[name]


def _reason_in(details: Mapping[str, Any]) -> str | None:
    reason = text_at(details, "error", "error", "message")
    return cut(reason, LONGEST_REASON) if reason else None
