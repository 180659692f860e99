"""Where the app is and what opens it; every request of the commands goes through here."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import httpx

URL, KEY = "LANDFALL_URL", "LANDFALL_KEY"
SECONDS = 240.0
"""Functions answer within 230 seconds, or the load balancer does in their place (Azure docs, functions-scale)."""
TRIES = 4
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Told(Exception):
    """The command could not be carried out; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class App:
    """A running app. `stack`: what the local cloud says of itself, if the app runs there."""

    url: str
    key: str = field(repr=False)
    stack: Mapping[str, Any] | None = field(default=None, repr=False)
    pause: Callable[[float], None] = field(default=time.sleep, repr=False)

    @classmethod
    def of(cls, url: str | None, key: str | None, state: Path) -> Self:
        """By arguments, else by the environment, else by the local cloud on that state directory. Raises Told."""
        url, key = url or os.environ.get(URL), key or os.environ.get(KEY)
        if url is None:
            stack = _stack(state)
            return cls(stack["host"]["base_url"], key or stack["host"]["master_key"], stack)
        if not key:
            raise Told(f"There is no key for {url}. Set {KEY} to a key of the app, or give --key.")
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise Told(f"{url} is no https address, and the key would be sent to it for everybody to read.")
        return cls(url.rstrip("/").removesuffix("/api"), key)

    def get(self, path: str, /, **params: str | None) -> Any:
        """What the app answers. Raises Told."""
        return self._read(self._asked("GET", path, _given(params)))

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """What the app answers. Every act can be asked for again without harm. Raises Told."""
        return self._read(self._asked("POST", path, {}, _given(body or {})))

    def pages(self, path: str, /, **params: str | None) -> Iterator[Any]:
        """The answers of all pages, one after the other."""
        asked = _given(params)
        while True:
            answer = self._asked("GET", path, asked)
            page = self._read(answer)
            yield page
            token = page.get("continuation") if isinstance(page, dict) else _continuation(answer)
            if token is None:
                return
            asked = {**asked, "continuation": token}

    def _asked(self, method: str, path: str, params: Mapping[str, str], body: object = None) -> httpx.Response:
        for last in (*[False] * (TRIES - 1), True):
            try:
                answer = httpx.request(
                    method,
                    f"{self.url}/api/{path}",
                    params=params,
                    json=body,
                    headers={"x-functions-key": self.key},
                    timeout=SECONDS,
                    trust_env=self.stack is None,
                )
            except httpx.TransportError as error:
                if last:
                    raise Told(f"{self.url} does not answer: {error}. Is the app running?") from None
                self.pause(1.0)
                continue
            if last or answer.status_code not in (429, 502, 503, 504) or path.startswith("health"):
                return self._checked(answer, path)
            self.pause(_wait(answer))
        raise AssertionError("the last try answers or raises")

    def _checked(self, answer: httpx.Response, path: str) -> httpx.Response:
        if answer.is_success or (path.startswith("health") and answer.status_code == 503):
            return answer
        if answer.status_code in (401, 403):
            raise Told(
                f"{self.url} does not take this key for {path.partition('?')[0]}. Some commands need the admin key."
            )
        said = self._read(answer)
        raise Told(f"{answer.status_code}: {said.get('error') if isinstance(said, dict) else said}")

    def _read(self, answer: httpx.Response) -> Any:
        try:
            return answer.json()
        except ValueError:
            told = f"{answer.status_code} is no answer of Landfall ({answer.text[:200]!r})"
            raise Told(f"{told}. Is {self.url} the right address?") from None


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _stack(state: Path) -> Any:
    try:
        return json.loads((state / "stack.json").read_text("utf-8"))
    except FileNotFoundError:
        raise Told(
            f"No app is named, and no local cloud runs on {state}. Set {URL} and {KEY}, give --app and --key, or start "
            f"the local cloud: python -m local up --state {state}."
        ) from None
    except ValueError as error:
        raise Told(f"{state / 'stack.json'} cannot be read: {error}. Start the local cloud again.") from None


def _continuation(answer: httpx.Response) -> str | None:
    link = answer.links.get("next", {}).get("url")
    return None if link is None else dict(parse_qsl(link.lstrip("?"))).get("continuation")


def _wait(answer: httpx.Response) -> float:
    try:
        return min(float(answer.headers.get("Retry-After", "1")), 30.0)
    except ValueError:
        return 1.0
