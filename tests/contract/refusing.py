"""Storage that refuses to copy, as it does where firewalls are in its way.

Source: Azure docs, put-blob-from-url (response headers); Azure/azure-storage-azcopy, issues 755 and 1673.
"""

from __future__ import annotations

from typing import Any

from tests.local.azureml.cloud import Cloud

NOT_READ = {"x-ms-error-code": "CannotVerifyCopySource"}
BEHIND_A_FIREWALL = {
    **NOT_READ,
    "x-ms-copy-source-status-code": "403",
    "x-ms-copy-source-error-code": "AuthorizationFailure",
}


class Faults:
    """Rules of trouble for the storage of these tests."""

    def __init__(self, cloud: Cloud) -> None:
        self._http, self._url = cloud.http, f"{cloud.addresses.storage}/_faults"
        self._rules: list[dict[str, Any]] = []

    def refuse_copies(self, status: int = 403, headers: dict[str, str] = BEHIND_A_FIREWALL) -> None:
        """Answer so whoever asks the service to copy something."""
        self._add({"method": "PUT", "header": "x-ms-copy-source"}, status, headers)

    def hide_source(self, status: int, headers: dict[str, str]) -> None:
        """Answer so whoever reads a source."""
        self._add({"method": "HEAD", "path": "/source"}, status, headers)

    def _add(self, match: dict[str, str], status: int, headers: dict[str, str]) -> None:
        self._rules.append({"match": match, "action": {"status": status, "headers": headers}})
        self._http.put(self._url, json=self._rules).raise_for_status()

    @property
    def refused(self) -> int:
        """How many copies were refused."""
        return int(self._http.get(self._url).json()[0]["fired"])

    def clear(self) -> None:
        self._http.delete(self._url).raise_for_status()
