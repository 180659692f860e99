"""Clients that follow 202 and Location as the documentation of their originals says, with the JSON of their designers.

Sources: Azure docs, control-flow-web-activity, control-flow-expression-language-functions, connectors-native-http,
logic-apps-create-api-app (every 20 seconds unless Retry-After says else).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

Send = Callable[..., httpx.Response]


class ActivityFailed(Exception):
    """The activity did not succeed; what it was answered."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        super().__init__(f"{answer.status_code}: {answer.text[:2000]}")


class ActivityTimedOut(Exception):
    """The activity has waited as long as it may."""


@dataclass
class Expressions:
    """As much of the expression language as the pages use: `@f(…)`, `@{f(…)}`, texts, members."""

    names: Mapping[str, Callable[..., Any]]

    def fill(self, value: Any) -> Any:
        """A value of the JSON with its expressions evaluated."""
        if isinstance(value, dict):
            return {name: self.fill(member) for name, member in value.items()}
        if not isinstance(value, str):
            return value
        if value.startswith("@") and not value.startswith("@{"):
            return self._evaluated(value[1:])
        return re.sub(r"@\{([^}]*)\}", lambda found: str(self._evaluated(found[1])), value)

    def _evaluated(self, text: str) -> Any:
        value, rest = self._term(text.strip())
        assert not rest, f"what is {rest!r}?"
        return value

    def _term(self, text: str) -> tuple[Any, str]:
        if found := re.match(r"'([^']*)'", text):
            return found[1], text[found.end() :]
        found = re.match(r"(\w+)\(", text)
        assert found, f"what is {text!r}?"
        given, rest = [], text[found.end() :]
        while not rest.startswith(")"):
            value, rest = self._term(rest.lstrip(", "))
            given.append(value)
            rest = rest.lstrip()
        value, rest = self.names[found[1]](*given), rest[1:]
        while member := re.match(r"\.(\w+)", rest):
            value, rest = value[member[1]], rest[member.end() :]
        return value, rest


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "concat": lambda *texts: "".join(texts),
    "uriComponent": lambda text: quote(text, safe=""),
}


@dataclass
class Follower:
    """What both have in common. `resends_headers`: whether the headers of the first request go to the location, too.
    `pauses`: what it has waited, in seconds."""

    send: Send
    wait: Callable[[float], None]
    patience: float
    resends_headers: bool
    pause: float
    pauses: list[float] = field(default_factory=list)

    def follow(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> dict[str, Any]:
        """The JSON of the last answer. Raises ActivityFailed or ActivityTimedOut."""
        answer = self.send(method, url, headers=headers, json=body)
        while answer.status_code == 202:
            pause = float(int(answer.headers.get("Retry-After", self.pause)))
            if sum(self.pauses) + pause > self.patience:
                raise ActivityTimedOut
            self.pauses.append(pause)
            self.wait(pause)
            kept = headers if self.resends_headers else {}
            answer = self.send("GET", answer.headers["Location"], headers=kept)
        if not answer.is_success:
            raise ActivityFailed(answer)
        return dict(answer.json())


@dataclass
class DataFactory:
    """Runs a pipeline of Web activities, one after the other. `vault` has the secrets by their URL. `run_id` is the
    pipeline's."""

    send: Send
    wait: Callable[[float], None]
    vault: Mapping[str, str]
    run_id: str
    resends_headers: bool = False
    followers: dict[str, Follower] = field(default_factory=dict)

    def run(self, pipeline: Mapping[str, Any], **parameters: str) -> dict[str, Any]:
        """The output of the last activity."""
        declared = pipeline["properties"]["parameters"]
        given = {name: parameters.get(name, one.get("defaultValue")) for name, one in declared.items()}
        outputs: dict[str, Any] = {}
        expressions = Expressions(
            {
                **FUNCTIONS,
                "activity": lambda name: {"output": outputs[name]},
                "pipeline": lambda: {"parameters": given, "RunId": self.run_id},
            }
        )
        for activity in pipeline["properties"]["activities"]:
            assert all(one["activity"] in outputs for one in activity.get("dependsOn", []))
            outputs[activity["name"]] = self._tried(activity, expressions.fill(activity["typeProperties"]))
        return dict(outputs[pipeline["properties"]["activities"][-1]["name"]])

    def _tried(self, activity: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
        """As often as its policy says."""
        assert activity["type"] == "WebActivity"
        if settings["url"] in self.vault:
            assert settings["authentication"] == {"type": "MSI", "resource": "https://vault.azure.net"}
            return {"value": self.vault[settings["url"]]}
        policy = activity["policy"]
        for left in range(policy["retry"], -1, -1):
            patience = seconds_in(policy["timeout"])
            follower = Follower(self.send, self.wait, patience, self.resends_headers, pause=10)
            self.followers[activity["name"]] = follower
            try:
                return follower.follow(settings["method"], settings["url"], settings["headers"], settings["body"])
            except (ActivityFailed, ActivityTimedOut):
                if not left:
                    raise
        raise AssertionError("the last try raises")


def seconds_in(span: str) -> float:
    """`d.hh:mm:ss`."""
    days, hours, minutes, seconds = map(int, re.split(r"[.:]", span))
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def logic_app(
    action: Mapping[str, Any], send: Send, wait: Callable[[float], None], run: str, **parameters: str
) -> dict[str, Any]:
    """The body of an HTTP action of a workflow whose run has that name."""
    expressions = Expressions(
        {**FUNCTIONS, "parameters": lambda name: parameters[name], "workflow": lambda: {"run": {"name": run}}}
    )
    inputs = expressions.fill(action["inputs"])
    assert action["type"] == "Http"
    assert action["limit"]["timeout"] == "P1D"
    follower = Follower(send, wait, 24 * 3600, resends_headers=False, pause=20)
    return follower.follow(inputs["method"], inputs["uri"], inputs["headers"], inputs["body"])


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a page in that language."""
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def json_blocks(page: str) -> list[Any]:
    return [json.loads(block) for block in blocks(page, "json")]
