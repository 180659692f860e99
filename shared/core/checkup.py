"""What the doctor is asked, what it says, and which role or setting it advises.

The roles are those of the table in docs/deploy.md. Sources of the codes of the storage service: Azure docs,
rest/api/storageservices/common-rest-api-error-codes and blob-service-error-codes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from shared.core.location import Container, account_of
from shared.core.open_facts import Findings, Reply, Way
from shared.core.record import Record, builtins_of, from_json
from shared.errors import Denied, InputRefused, LandfallError

PROBE_ID = re.compile(r"[0-9a-f]{32}")
FOLDER = "landfall-doctor"
"""The folder in which the doctor writes, below what a route's own paths begin with."""


class Request(Record, frozen=True, kw_only=True):
    """The body of a request to the doctor. `route`: only that one. `submit`: a probe job of it; `folder`: of files from
    there; `urls`: with its input as a URL that has to be percent-encoded. `probe`: the id of one to be followed, and
    `stop`: canceled."""

    route: str | None = None
    submit: bool = False
    folder: str | None = None
    urls: bool = False
    probe: str | None = None
    stop: bool = False


def read_asked(body: bytes) -> Request:
    """What a request asks for. Raises InputRefused with what would be right."""
    asked = from_json(Request, body.strip() or b"{}")
    if asked.probe is not None:
        if not PROBE_ID.fullmatch(asked.probe):
            raise InputRefused(f"probe is {asked.probe!r}; it must be the id that the doctor gave, 32 hex digits.")
        if asked.submit or asked.route or asked.folder or asked.urls:
            raise InputRefused('A probe is followed alone: {"probe": ID}, or with "stop": true to cancel it.')
        return asked
    if asked.stop:
        raise InputRefused('stop needs the probe that is to be canceled: {"probe": ID, "stop": true}.')
    if asked.submit and asked.route is None:
        raise InputRefused('submit needs the route whose probe job is sent: {"submit": true, "route": NAME}.')
    if not asked.submit and (asked.folder or asked.urls):
        raise InputRefused('folder and urls are about a probe job: {"submit": true, "route": NAME, …}.')
    return asked


class Verdict(StrEnum):
    """How a check came out."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"
    """It could not be tried, or need not be; `came_back` says why."""


class Check(Record, frozen=True, kw_only=True):
    """One line of the checklist: what was tried, what came back, and what to do about it if it failed."""

    name: str
    verdict: Verdict
    tried: str
    came_back: str
    route: str | None = None
    advice: str | None = None


class Following(Record, frozen=True, kw_only=True):
    """A probe job as it is now. Not `ended`: the doctor has to be asked again, with its id as `probe`."""

    id: str
    route: str
    ended: bool
    job: str | None = None
    status: str | None = None
    studio_url: str | None = None


class Report(Record, frozen=True, kw_only=True):
    """All that the doctor says."""

    checks: tuple[Check, ...]
    findings: Findings
    identity: tuple[str, ...] = ()
    probe: Following | None = None

    @property
    def is_ok(self) -> bool:
        return all(check.verdict is not Verdict.FAILED for check in self.checks)


def shown(report: Report) -> dict[str, Any]:
    """The report as people and programs read it, with every member."""
    return {
        "ok": report.is_ok,
        "identity": list(report.identity),
        "checks": [_filled(check) for check in report.checks],
        "open_questions": {fact.value: builtins_of(finding) for fact, finding in report.findings.items()},
        "probe": None if report.probe is None else _filled(report.probe),
    }


def _filled(record: Record) -> dict[str, Any]:
    return {name: builtins_of(getattr(record, name)) for name in record.__struct_fields__}


class Need(StrEnum):
    """What the app needs a role for; the members are its rows of the table in docs/deploy.md, by what they are on."""

    LEDGER = "the container of `LANDFALL_STATE_URL`"
    LANDING = "the landing container"
    OUTPUT = "the output datastore's container"
    LAKEHOUSE = "the lakehouse container"
    WORKSPACE = "the workspace"
    QUEUE = "the events' queue and its poison queue (`QUEUE-poison`)"


ROLES = {
    Need.LEDGER: ("Storage Blob Data Contributor",),
    Need.LANDING: ("Storage Blob Data Reader",),
    Need.OUTPUT: ("Storage Blob Data Contributor",),
    Need.LAKEHOUSE: ("Storage Blob Data Contributor",),
    Need.WORKSPACE: ("AzureML Data Scientist", "Batch Endpoint Invoker"),
    Need.QUEUE: ("Storage Queue Data Contributor",),
}
SETTINGS = {
    Need.LEDGER: "LANDFALL_STATE_URL",
    Need.LANDING: "landing.account_url and landing.container",
    Need.OUTPUT: "datastores",
    Need.LAKEHOUSE: "publish.account_url and publish.container",
    Need.WORKSPACE: "endpoint.scoring_uri, endpoint.workspace and endpoint.deployment",
    Need.QUEUE: "LANDFALL_EVENTS_QUEUE and LandingEvents__queueServiceUri",
}
"""Where the address of what is needed is set."""

FIREWALL = "AuthorizationFailure"
"""403 because of the account's network rules; where a role is missing it is AuthorizationPermissionMismatch."""
_STATUS = re.compile(r"(?:^|: |answered )([45]\d\d)\b")
"""The status in what the adapters say of an answer."""
NOT_THERE = ("ContainerNotFound", "QueueNotFound", "FilesystemNotFound")


def missing_role(need: Need, where: str) -> str:
    """The advice for access that was denied."""
    return f"Give the app's identity {' or '.join(ROLES[need])} on {where}. A new role takes up to 30 minutes."


def in_words(container: Container) -> str:
    """A container as people call it."""
    return f"the container {container.name} of the account {account_of(container.account_url)}"


def advice(trouble: LandfallError, need: Need, where: str) -> str:
    """What to do about trouble with what is needed."""
    if isinstance(trouble, InputRefused):
        return f"Correct {SETTINGS[need]}."
    return advice_for(str(trouble), need, where, is_denied=isinstance(trouble, Denied))


def advice_for(words: str, need: Need, where: str, *, is_denied: bool) -> str:
    """What to do about what a service said."""
    if "managed identity" in words:
        return "Give the function app a managed identity, and set AZURE_CLIENT_ID if it is a user-assigned one."
    if re.search(rf"\b{FIREWALL}\b", words):
        return (
            f"The firewall keeps the app out: let the function app's subnet in to {where}, or use a private endpoint."
        )
    if any(code in words for code in NOT_THERE):
        return f"Create {where}, or correct {SETTINGS[need]}."
    status = _STATUS.search(words)
    if status is not None and (status[1] == "429" or status[1].startswith("5")):
        return "The service is in trouble itself, or busy: ask again later."
    if status is not None and status[1] == "401":
        return f"Check that the app's identity belongs to the tenant of {where}."
    if is_denied:
        return missing_role(need, where)
    return f"Check {SETTINGS[need]}, and that the function app reaches {where} over its network."


ANSWERED = "It answered."


def said(trouble: LandfallError) -> str:
    """What went wrong, without the advice that ends it: a check has its own."""
    return str(trouble).partition(" Give the app's identity")[0]


def outcome(
    name: str,
    route: str | None,
    tried: str,
    trouble: LandfallError | None,
    need: Need,
    where: str,
    *,
    came_back: str = "It worked.",
) -> Check:
    """The line of something that worked, or ended in trouble with what is needed."""
    if trouble is None:
        return Check(name=name, route=route, verdict=Verdict.OK, tried=tried, came_back=came_back)
    help_ = advice(trouble, need, where)
    told = said(trouble)
    return Check(name=name, route=route, verdict=Verdict.FAILED, tried=tried, came_back=told, advice=help_)


def outcome_of(name: str, route: str | None, tried: str, reply: Reply, need: Need, where: str) -> Check:
    """The line of one request."""
    tried = f"{tried} {reply.asked}."
    if reply.is_success:
        return Check(name=name, route=route, verdict=Verdict.OK, tried=tried, came_back=ANSWERED)
    help_ = advice_for(reply.told, need, where, is_denied=reply.is_denied)
    return Check(name=name, route=route, verdict=Verdict.FAILED, tried=tried, came_back=reply.told, advice=help_)


def not_tried(name: str, route: str, tried: str, reason: str) -> Check:
    """The line of something that could not be tried."""
    return Check(name=name, route=route, verdict=Verdict.SKIPPED, tried=tried, came_back=reason)


def history(reply: Reply, route: str) -> Check:
    """The line of run history, which was asked for a run that there never was: who is told so is allowed to ask."""
    name, tried = "run history read", "Ask run history for the steps of a run that does not exist:"
    if reply.status in (400, 404):
        said = f"{reply.told} It answers, as it should."
        return Check(name=name, route=route, verdict=Verdict.OK, tried=f"{tried} {reply.asked}.", came_back=said)
    return outcome_of(name, route, tried, reply, Need.WORKSPACE, Need.WORKSPACE)


def ways_of_listing(replies: Iterable[tuple[Way, Reply]], route: str) -> list[Check]:
    """One line for each way to list jobs. Resource Manager has to list them, since its list is the documented one; the
    others are asked where it does not. So it is no failure that they do not list, but it is one to be denied."""
    return [_way(way, reply, route) for way, reply in replies]


def _way(way: Way, reply: Reply, route: str) -> Check:
    tried = f"Ask {way} for the endpoint's jobs: {reply.asked}."
    name = f"jobs listed by {way}"
    if reply.is_success:
        return Check(name=name, route=route, verdict=Verdict.OK, tried=tried, came_back=ANSWERED)
    came_back = reply.told
    if way is not Way.RESOURCE_MANAGER and reply.status is not None and not reply.is_denied and reply.status < 500:
        more = f"{came_back} It does not list jobs, which is no trouble where Resource Manager does."
        return Check(name=name, route=route, verdict=Verdict.OK, tried=tried, came_back=more)
    help_ = advice_for(reply.told, Need.WORKSPACE, Need.WORKSPACE, is_denied=reply.is_denied)
    return Check(name=name, route=route, verdict=Verdict.FAILED, tried=tried, came_back=came_back, advice=help_)


def refused(trouble: LandfallError) -> Check:
    """The one line of a checklist when settings or routes cannot be used at all."""
    return Check(
        name="settings",
        verdict=Verdict.FAILED,
        tried="Read the app settings and the routes.",
        came_back=str(trouble),
        advice="Correct what is named; docs/deploy.md and docs/routes.md say what would be right.",
    )
