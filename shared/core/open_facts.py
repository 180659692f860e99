"""What nobody outside Microsoft can tell about Azure, and what the doctor has seen of it.

Each fact is one that the app has to do without. What was seen is a value that can be told to others: an answer if there
can be no other, else `unknown` with the reason. The names and answers are those of the project's local cloud, which
plays each of them; they are spelled out again here, since neither knows of the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from shared.core.event import event_in
from shared.core.record import Record
from shared.errors import InputRefused

UNKNOWN = "unknown"


class Fact(StrEnum):
    """The facts. Members are in the order in which they are told."""

    SCORING_HOST_LISTS = "scoring_host_lists"
    """Whether GET on a scoring URI lists jobs."""
    FRONT_END_LISTS = "front_end_lists"
    """Whether the management front end lists an endpoint's jobs."""
    OUTPUTS_SHOWN = "outputs_shown"
    """When the scoring host shows what a job writes."""
    DEPLOYMENT_HEADER = "deployment_header"
    """Whether the scoring host needs a deployment to be named where there is no default one."""
    UNKNOWN_JOB = "unknown_job"
    """What the scoring host says of a job that it does not know."""
    WAITING_SHOWN = "waiting_shown"
    """What a job is shown as while its step waits for nodes."""
    INPUT_URLS = "input_urls"
    """Whether the escapes in the URL of an input are read or taken literally."""
    QUEUE_ENCODING = "queue_encoding"
    """How Event Grid writes an event into a storage queue."""


class Way(StrEnum):
    """The ways to list an endpoint's jobs, in the order in which the app tries them."""

    RESOURCE_MANAGER = "Resource Manager"
    FRONT_END = "the management front end"
    SCORING_HOST = "the scoring host"


class Reply(Record, frozen=True, kw_only=True):
    """What a service said to one request. `status` None: nothing was said, and `words` says why."""

    asked: str
    status: int | None
    words: str = ""

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_denied(self) -> bool:
        return self.status in (401, 403)

    @property
    def told(self) -> str:
        """For people."""
        return self.words if self.status is None else f"{self.status}{f': {self.words}' if self.words else ''}"


class Finding(Record, frozen=True):
    """An answer to an open fact, or `unknown`, and what was seen of it."""

    answer: str
    seen: str

    @property
    def is_known(self) -> bool:
        return self.answer != UNKNOWN


Findings = dict[Fact, Finding]


def not_seen(reason: str) -> Finding:
    """That there is no answer yet, and why."""
    return Finding(UNKNOWN, reason)


ALL_UNKNOWN: Findings = {fact: not_seen("it was not looked at") for fact in Fact}


def together(many: Iterable[Findings]) -> Findings:
    """What several looks have seen, of every fact. Where they differ, all answers are told."""
    seen = list(many)
    return {fact: _one([findings[fact] for findings in seen if fact in findings], fact) for fact in Fact}


def _one(findings: list[Finding], fact: Fact) -> Finding:
    known = list(dict.fromkeys(finding for finding in findings if finding.is_known))
    if not known:
        return findings[0] if findings else ALL_UNKNOWN[fact]
    answers = dict.fromkeys(finding.answer for finding in known)
    if len(answers) == 1:
        return known[0]
    return Finding(" and ".join(answers), "; ".join(dict.fromkeys(finding.seen for finding in known)))


_SAYS_NOTHING = frozenset({401, 403, 408, 429, 502, 503, 504})
"""Statuses that come from trouble with access or with the service, whatever was asked for."""


def lists_jobs(reply: Reply) -> Finding:
    """Whether jobs are listed in a way. The endpoint and its deployment have to be there."""
    if reply.is_success:
        return Finding("lists", f"it answered {reply.status} with a list")
    if reply.status is None or reply.status in _SAYS_NOTHING or reply.status >= 500:
        return not_seen(f"it answered {reply.told}" if reply.status else reply.told)
    return Finding(str(reply.status), f"it answered {reply.told}")


def unknown_job(reply: Reply) -> Finding:
    """What is said of a job that is not there. The endpoint and its deployment have to be there."""
    if reply.status is None or reply.status in _SAYS_NOTHING or reply.is_success:
        return not_seen(f"it answered {reply.told}" if reply.status else reply.told)
    return Finding(str(reply.status), f"it answered {reply.told}")


def deployment_header(default: str | None, named: Reply, bare: Reply) -> Finding:
    """Whether a deployment has to be named, by two replies to the same request: one that names it and one that does
    not. With a default deployment the service finds its way in any case, and nothing can be told."""
    if default is not None:
        return not_seen(f"the endpoint has the default deployment {default}, so none has to be named")
    for reply in (named, bare):
        if reply.status is None or reply.status in _SAYS_NOTHING:
            return not_seen(f"it answered {reply.told}" if reply.status else reply.told)
    seen = f"with the header it answered {named.told}, and without it {bare.told}"
    if (named.status, named.words) == (bare.status, bare.words):
        return Finding("ignored", seen)
    speaks_of_it = "deployment" in bare.words.lower() and "deployment" not in named.words.lower()
    return Finding("needed", seen) if speaks_of_it or not bare.is_success else not_seen(seen)


def queue_encoding(message: str | None) -> Finding:
    """How the event in a queue message is written; `message` None: there was none."""
    if message is None:
        return not_seen("the queue was empty; messages are taken as soon as they are there")
    try:
        event = event_in(message.encode())
    except InputRefused as refused:
        return not_seen(f"the message is not an event: {refused}")
    if not ({"topic", "source"} & set(event) and {"eventType", "type"} & set(event)):
        return not_seen("the message is not an event of Event Grid's")
    is_plain = message.lstrip().startswith("{")
    return Finding(
        "plain" if is_plain else "base64", "one message was peeked at; who wrote it is not known for certain"
    )
