"""Whether a storage account has a hierarchy, asked of its Data Lake endpoint once.

`Filesystem - Get Properties` is documented to say so, for flat accounts too, and takes a token; `Get Account
Information` says it as well, but takes keys and SAS only. Source: Azure docs, datalakestoragegen2/filesystem/
get-properties and rest/api/storageservices/get-account-information.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import requests
from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError

from shared.adapters.credentials import STORAGE
from shared.adapters.messages import LONGEST_OF_SDK, cut
from shared.core.location import Container
from shared.telemetry import warn

API_VERSION = "2021-12-02"
PATIENCE = (3.0, 5.0)
"""Seconds to connect and to wait for the answer; without a private endpoint for `dfs` there may be none."""

ASK_AGAIN = 600.0
"""Seconds after which an account that did not tell is asked again: a new role may have taken effect."""


class Hierarchies:
    """What accounts have said. An account that does not say counts as hierarchical, which costs a watch one more look;
    the opposite would score landings whose files are still coming. Safe for use from several threads."""

    def __init__(
        self,
        session: requests.Session,
        credential: TokenCredential,
        *,
        clock: Callable[[], float] = time.monotonic,
        patience: tuple[float, float] = PATIENCE,
    ) -> None:
        self._session, self._credential = session, credential
        self._clock, self._patience = clock, patience
        self._told: dict[str, bool] = {}
        self._asked: dict[str, float] = {}

    def has(self, container: Container) -> bool:
        """Whether the container's account has a hierarchy, as far as can be found out."""
        account = container.account_url
        asked = self._asked.get(account)
        if account not in self._told and (asked is None or self._clock() - asked >= ASK_AGAIN):
            said = self._ask(container)
            if isinstance(said, bool):
                self._told[account] = said
            elif asked is None:
                warn("storage.hierarchy_unknown", account=account, reason=said)
            self._asked[account] = self._clock()
        return self._told.get(account, True)

    def _ask(self, container: Container) -> bool | str:
        """What the account says, or why it is not known."""
        try:
            token = self._credential.get_token(STORAGE).token
            answer = self._session.head(
                container.filesystem_url,
                params={"resource": "filesystem"},
                headers={"Authorization": f"Bearer {token}", "x-ms-version": API_VERSION},
                timeout=self._patience,
            )
        except (AzureError, requests.RequestException) as error:
            return f"{type(error).__name__}: {cut(error, LONGEST_OF_SDK)}"
        said = answer.headers.get("x-ms-namespace-enabled", "").lower()
        if answer.status_code != 200 or said not in ("true", "false"):
            return f"{container.filesystem_url} answered {answer.status_code} without saying it"
        return said == "true"
