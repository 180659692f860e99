"""What batch endpoints are asked in contract tests."""

from __future__ import annotations

import itertools
from typing import Any

from shared.core.route import Endpoint
from tests.local.azureml.cloud import Cloud

_numbers = itertools.count()


def output() -> str:
    """Where nobody else writes."""
    return f"azureml://datastores/workspaceblobstore/paths/contract/{next(_numbers)}/predictions.csv"


def landed(cloud: Cloud, folder: str = "contract", content: bytes = b"12345") -> str:
    """The URL of a folder with one file."""
    cloud.put(f"devstoreaccount1/landing/{folder}/a.txt", content)
    return f"{cloud.addresses.account_url()}/landing/{folder}"


def at(uri: str, deployment: str | None = None) -> Endpoint:
    """The endpoint with that scoring URI."""
    return Endpoint(scoring_uri=uri, deployment=deployment)


def asking(given: str, wanted: str, *, kind: str = "UriFile") -> dict[str, Any]:
    """The body of a submission that scores the folder `given`."""
    return {
        "properties": {
            "inputData": {"files": {"jobInputType": "UriFolder", "uri": given}},
            "outputData": {"predictions": {"jobOutputType": kind, "uri": wanted}},
        }
    }
