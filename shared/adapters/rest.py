"""Requests to Azure ML and Resource Manager with httpx: one try each, explicit time-outs, and one map of what can go
wrong to Landfall's errors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpx
from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError

from shared.adapters.messages import cut, told_by
from shared.core.submission import ADVICE
from shared.errors import Denied, Unavailable

TIMEOUT = httpx.Timeout(60.0, connect=10.0)
"""Seconds. A recorded submission took two; a cold endpoint is given plenty."""


Hook = Callable[[httpx.Request], None]
"""Is called with every request before it is sent."""


class Rest:
    """One pool of connections, and the app's tokens. Safe for use from several threads."""

    def __init__(
        self, credential: TokenCredential, *, timeout: httpx.Timeout = TIMEOUT, on_request: Hook | None = None
    ) -> None:
        self._credential = credential
        hooks = [] if on_request is None else [on_request]
        self._http = httpx.Client(timeout=timeout, follow_redirects=False, event_hooks={"request": hooks})

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def token(self, scope: str) -> str:
        """A token for that scope. Raises Unavailable if there is none to be had."""
        try:
            return self._credential.get_token(scope).token
        except AzureError as error:
            raise Unavailable(
                f"Got no token for {scope}: {told_by(error)} Check the app's managed identity."
            ) from error

    def post(
        self, url: str, scope: str, *, headers: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        """Send a POST once; the answer, which may be any status. Raises httpx.HTTPError if there is none, and
        Unavailable if there is no token."""
        return self._http.post(url, json=body, headers={**self._authorization(scope), **(headers or {})})

    def get(self, url: str, scope: str | None, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """The answer, which may be any status; Unavailable if there is none. Without a scope no token is sent, and
        the URL, which may hold a signature, is not told."""
        authorization = self._authorization(scope) if scope is not None else {}
        try:
            return self._http.get(url, headers={**authorization, **(headers or {})})
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            what = f"{type(error).__name__} {error}" if scope is not None else type(error).__name__
            raise Unavailable(f"{address(url)} did not answer: {what}") from error

    def read(self, url: str, scope: str | None, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The JSON object at a URL. Raises Unavailable, or Denied for 401 and 403."""
        return json_of(self.get(url, scope, headers))

    def items(
        self,
        url: str,
        scope: str,
        *,
        pages: int,
        headers: Mapping[str, str] | None = None,
        closed: Collection[int] = (),
    ) -> Iterator[Any]:
        """What a paged list holds, page by page, lazily. Raises ListCut if an answer holds no list, when there are more
        pages than that, or when it goes on elsewhere: a token goes only where a route or a setting says. Raises Closed
        if the first answer has one of the statuses `closed`."""
        following = url
        for number in range(pages):
            answer = self.get(following, scope, headers)
            if number == 0 and answer.status_code in closed:
                raise Closed(f"{address(url)} answered {answer.status_code}: {words(answer)}")
            page = json_of(answer)
            if not isinstance(page.get("value"), list):
                raise ListCut(f"{address(following)} did not answer with a list")
            yield from page["value"]
            link = page.get("nextLink")
            if not link:
                return
            if not is_same_origin(link, url):
                raise ListCut(f"its list continues elsewhere, at {address(str(link))}")
            following = link
        raise ListCut(f"it has more than {pages} pages of them")

    def _authorization(self, scope: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(scope)}"}


class ListCut(Exception):
    """A list was not read to its end."""


class Closed(Exception):
    """The service does not list in that way."""


def json_of(response: httpx.Response) -> dict[str, Any]:
    """The JSON object in a successful answer. Raises Unavailable, or Denied for 401 and 403."""
    if not response.is_success:
        raise refused(response)
    try:
        body = response.json()
    except ValueError as error:
        raise Unavailable(f"{address(response.request.url)} did not return JSON") from error
    if not isinstance(body, dict):
        raise Unavailable(f"{address(response.request.url)} did not return a JSON object")
    return body


def refused(response: httpx.Response) -> Unavailable:
    """The error that an answer of that status means, in the service's own words."""
    return refusal(response, f"{address(response.request.url)} answered {response.status_code}: {words(response)}")


def refusal(response: httpx.Response, message: str) -> Unavailable:
    """The error that a refused request means."""
    if response.status_code == 403:
        return Denied(f"{message.rstrip('. ')}. {ADVICE[403]}")
    return Denied(message) if response.status_code == 401 else Unavailable(message)


def words(response: httpx.Response) -> str:
    """The service's own words: the message of its error envelope, else the beginning of the body."""
    try:
        message = response.json()["error"]["message"]
    except (ValueError, KeyError, TypeError):
        message = response.text[:500] or response.reason_phrase
    return cut(message)


def address(url: object) -> str:
    """A URL as it may be told: its query can hold a signature."""
    return str(url).partition("?")[0]


def is_same_origin(link: object, url: str) -> bool:
    """Whether a link leads to where the URL leads."""
    return isinstance(link, str) and parts_of(link)[:2] == parts_of(url)[:2]


def parts_of(url: str) -> SplitResult:
    """The parts of a URL that a service has told, all of them empty if it is none."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")
