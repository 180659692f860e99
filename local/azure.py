"""What nobody outside Microsoft can tell about Azure: each open fact, the answers it may have, and profiles of them.

The app must be right whichever answer is Azure's, so the local cloud can give each of them. A profile chooses one
answer for every fact, and every answer is in some profile. `local/README.md` says which part plays which fact.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any, get_type_hints


class ScoringHostLists(StrEnum):
    """Whether `GET {scoring_uri}` lists jobs. No document, sample or SDK does it."""

    LISTS = "lists"
    NOT_FOUND = "404"
    NOT_ALLOWED = "405"


class FrontEndLists(StrEnum):
    """Whether the management front end lists an endpoint's jobs, as azure-ai-ml asks it to.

    One user always gets "invalid request": azure-sdk-for-python issue 45212.
    """

    LISTS = "lists"
    REFUSED = "400"


class OutputsShown(StrEnum):
    """When a job's named outputs are shown under `outputData`. Only seen on jobs that had completed."""

    AT_ONCE = "at_once"
    WHEN_COMPLETED = "when_completed"
    NEVER = "never"


class DeploymentHeader(StrEnum):
    """Whether a GET on the scoring host is routed to a deployment, as a POST is.

    "No valid deployments to route to" is documented for invocations (how-to-troubleshoot-batch-endpoints).
    """

    NEEDED = "needed"
    IGNORED = "ignored"


class UnknownJob(StrEnum):
    """What the scoring host answers when it is asked for a job that it does not know."""

    NOT_FOUND = "404"
    BAD_REQUEST = "400"
    SERVER_ERROR = "500"


class WaitingShown(StrEnum):
    """What a job is shown as while the run below it waits for nodes."""

    AS_RUNNING = "as_running"
    AS_QUEUED = "as_queued"


class InputUrls(StrEnum):
    """Whether escapes such as `%20` in the storage URL of an input are read, or are part of the name."""

    DECODED = "decoded"
    LITERAL = "literal"


class QueueEncoding(StrEnum):
    """How Event Grid writes an event into a storage queue."""

    BASE64 = "base64"
    PLAIN = "plain"


class UnknownAnswer(ValueError):
    """A profile, a fact or an answer was named that does not exist; the message lists those that do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Azure:
    """One answer for every open fact."""

    scoring_host_lists: ScoringHostLists
    front_end_lists: FrontEndLists
    outputs_shown: OutputsShown
    deployment_header: DeploymentHeader
    unknown_job: UnknownJob
    waiting_shown: WaitingShown
    input_urls: InputUrls
    queue_encoding: QueueEncoding

    def with_answers(self, answers: Mapping[str, str]) -> Azure:
        """These answers, but others for the facts that `answers` names. Raises UnknownAnswer."""
        changed: dict[str, Any] = {name: _answer(name, answer) for name, answer in answers.items()}
        return replace(self, **changed)

    def answers(self) -> dict[str, str]:
        """The answers as plain texts, by the name of the fact."""
        return {name: str(answer) for name, answer in asdict(self).items()}


FACTS: Mapping[str, type[StrEnum]] = {one.name: get_type_hints(Azure)[one.name] for one in fields(Azure)}
"""Every open fact with its possible answers."""


def _answer(name: str, answer: str) -> StrEnum:
    if name not in FACTS:
        raise UnknownAnswer(f"There is no setting {name!r} of Azure; the settings are {', '.join(FACTS)}.")
    if answer not in [str(known) for known in FACTS[name]]:
        raise UnknownAnswer(f"{name} cannot be {answer!r}; its answers are {', '.join(FACTS[name])}.")
    return FACTS[name](answer)


def _profile(*answers: str) -> Azure:
    """From one answer per fact, in the order of the facts."""
    chosen: dict[str, Any] = {name: _answer(name, answer) for name, answer in zip(FACTS, answers, strict=True)}
    return Azure(**chosen)


PROFILES: Mapping[str, Azure] = {
    "strict": _profile("404", "400", "when_completed", "needed", "404", "as_running", "decoded", "base64"),
    "kind": _profile("lists", "lists", "at_once", "ignored", "404", "as_queued", "decoded", "base64"),
    "silent": _profile("405", "400", "never", "needed", "500", "as_running", "literal", "plain"),
    "odd": _profile("404", "lists", "when_completed", "ignored", "400", "as_queued", "literal", "plain"),
}
DEFAULT = "strict"
"""The profile of a state directory for which none was chosen."""


def parse(text: str) -> Azure:
    """The answers that `PROFILE[,NAME=ANSWER...]` stands for. Raises UnknownAnswer."""
    profile, *changes = text.split(",")
    if profile not in PROFILES:
        raise UnknownAnswer(f"There is no profile {profile!r}; begin with one of {', '.join(PROFILES)}.")
    pairs = [change.partition("=") for change in changes]
    return PROFILES[profile].with_answers({name: answer for name, _, answer in pairs})


def add_argument(parser: argparse.ArgumentParser) -> None:
    """The flag `--azure`; without it, what the state directory was last started with."""
    parser.add_argument(
        "--azure",
        type=_argument,
        metavar="PROFILE[,NAME=ANSWER...]",
        help=f"answers to what is not known about Azure: {', '.join(PROFILES)}; see local/README.md",
    )


def _argument(text: str) -> Azure:
    try:
        return parse(text)
    except UnknownAnswer as unknown:
        # argparse shows the words of this error only.
        raise argparse.ArgumentTypeError(str(unknown)) from unknown
