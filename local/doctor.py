"""The doctor's command line: asks an app of Landfall's for its checklist, here or in Azure, and shows it.

It is a client like any other: it sends `POST /api/doctor` with the admin key, and again while a probe job is
under way.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from local.commands import CommandFailed, where_is
from local.stack import host_keys

KEY = "LANDFALL_KEY"
"""The environment variable with the admin key, so that it need not be on the command line."""
SECONDS = 240.0
"""Azure's front door ends a request before that."""
PROBE_JOB = "probe job"
"""The name of the line about a probe."""
Report = dict[str, Any]


@dataclass(frozen=True, slots=True)
class App:
    """Where an app is, and the key that opens the doctor's door."""

    url: str
    key: str

    def ask(self, body: Mapping[str, Any]) -> Report:
        """The doctor's answer. Raises CommandFailed."""
        url = f"{self.url}/api/doctor"
        try:
            answer = httpx.post(url, json=body, headers={"x-functions-key": self.key}, timeout=SECONDS)
        except httpx.TransportError as error:
            raise CommandFailed(f"{url} did not answer: {error}") from error
        if answer.status_code in (401, 403):
            raise CommandFailed(f"{url} answered {answer.status_code}: the doctor asks for the master key of the app.")
        if answer.is_error:
            raise CommandFailed(f"{url} answered {answer.status_code}: {_said(answer)}")
        report: Report = answer.json()
        return report


def _said(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:500] or answer.reason_phrase


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags; `--state` is there already."""
    parser.add_argument("--url", help="a deployed app, https://NAME.azurewebsites.net; needs --key")
    parser.add_argument("--key", help=f"the app's master key; better in the environment variable {KEY}")
    parser.add_argument("--route", metavar="NAME", help="only this route")
    parser.add_argument("--submit", action="store_true", help="send a probe job of the route, and follow it")
    parser.add_argument("--folder", help="a landing whose files the probe job is given")
    parser.add_argument("--urls", action="store_true", help="give the probe job's input as a URL with escapes")
    parser.add_argument("--probe", metavar="ID", help="go on following a probe job")
    parser.add_argument("--stop", action="store_true", help="cancel that probe job")
    parser.add_argument("--json", action="store_true", help="the report as JSON")


def run(args: argparse.Namespace) -> int:
    """0: all is well; 1: something failed. Raises CommandFailed."""
    if args.submit and not args.route:
        raise CommandFailed("A probe job is one of a route: --submit needs --route NAME.")
    asked = {name: getattr(args, name) for name in ("route", "submit", "folder", "urls", "probe", "stop")}
    app = _app(args.url, args.key or os.environ.get(KEY), args.state)
    seen = []
    for report in _reports(app, {name: value for name, value in asked.items() if value}):
        seen.append(report)
        if not args.json:
            _show_checks(report)
    whole = merged(seen)
    if args.json:
        print(json.dumps(whole, indent=1))  # noqa: T201
    else:
        _show_questions(whole)
    return 0 if whole["ok"] else 1


def _app(url: str | None, key: str | None, state: Path) -> App:
    if url is None:
        return App(where_is(state).host, host_keys(state)["master"])
    if not key:
        raise CommandFailed(f"--url needs the app's master key: --key, or the environment variable {KEY}.")
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1"):
        raise CommandFailed(f"--url is {url!r}; it must begin with https://, because the key is sent there.")
    return App(url.rstrip("/"), key)


def _reports(app: App, asked: Mapping[str, Any]) -> Iterator[Report]:
    """The answers, until no probe job is under way, or one cannot be followed: then its line says what to do first."""
    report = app.ask(asked)
    yield report
    while (probe := report["probe"]) and not probe["ended"]:
        if _failed({"checks": [check for check in report["checks"] if check["name"] == PROBE_JOB]}):
            _tell(f"The probe is not over. Go on with --probe {probe['id']}, or cancel it with --stop as well.")
            return
        _tell(f"The probe {probe['id']} goes on: job {probe['job']}, {probe['status']}.")
        report = app.ask({"probe": probe["id"], **({"stop": True} if asked.get("stop") else {})})
        yield report


def merged(reports: list[Report]) -> Report:
    """One report of several: all that was checked, the probe job as it was last, and what was learned on the way."""
    checks = [check for report in reports[:-1] for check in report["checks"] if check["name"] != PROBE_JOB]
    checks += reports[-1]["checks"]
    questions: dict[str, Any] = {}
    for report in reports:
        for name, finding in report["open_questions"].items():
            if name not in questions or finding["answer"] != "unknown":
                questions[name] = finding
    return {**reports[-1], "ok": not _failed({"checks": checks}), "checks": checks, "open_questions": questions}


def _failed(report: Mapping[str, Any]) -> bool:
    return any(check["verdict"] == "failed" for check in report["checks"])


def _show_checks(report: Report) -> None:
    if report["identity"]:
        print(f"The app is {' or '.join(report['identity'])}.")  # noqa: T201
    for check in report["checks"]:
        print("\n".join(lines_of(check)))  # noqa: T201


def lines_of(check: Mapping[str, Any]) -> list[str]:
    """A check for people: one line, and what was tried and what to do where it failed."""
    where = f"{check['route']}: " if check["route"] else ""
    lines = [f"{check['verdict']:<8} {where}{check['name']}: {check['came_back']}"]
    if check["verdict"] == "failed":
        lines.append(f"{'':<8} tried: {check['tried']}")
    if check["advice"]:
        lines.append(f"{'':<8} {check['advice']}")
    return lines


def _show_questions(report: Report) -> None:
    print("\nWhat is not known about Azure, as JSON for an issue:")  # noqa: T201
    print(json.dumps(report["open_questions"], indent=1))  # noqa: T201


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201
