"""Why a request is refused, and the envelope that Azure ML puts around it.

Refusal             status, code, sentence
└── InvalidRequest  400 with the service's list of validation errors
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any


class Refusal(Exception):
    """A request was not accepted."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Violation:
    """One member of a request that the service does not take."""

    property_name: str
    message: str
    attempted: object = None


class InvalidRequest(Refusal):
    """A job request broke rules of the service. The message is worded as the service words it.

    Source: Azure/azure-sdk-for-python issue 35242 and MicrosoftDocs/azure-docs issue 118447 (the recorded text).
    """

    def __init__(self, violations: Sequence[Violation]) -> None:
        listed = [
            {
                "PropertyName": violation.property_name,
                "ErrorMessage": violation.message,
                "AttemptedValue": violation.attempted,
                "ErrorCode": "PredicateValidator",
            }
            for violation in violations
        ]
        super().__init__(
            400,
            "UserError",
            "The Job request provided has the following validation errors. Please resolve them and try again."
            f"\nErrors:\n{json.dumps(listed, separators=(',', ':'))}",
        )
        self.violations = tuple(violations)


@dataclass(frozen=True, slots=True, kw_only=True)
class RootError:
    """The inner part of the envelope; null members are sent, because the service sends them."""

    code: str
    message: str
    severity: None = None
    messageFormat: None = None  # noqa: N815  # wire name
    referenceCode: None = None  # noqa: N815
    detailsUri: None = None  # noqa: N815
    target: None = None
    innerError: None = None  # noqa: N815
    debugInfo: None = None  # noqa: N815
    additionalInfo: None = None  # noqa: N815


def envelope(code: str, message: str, time: datetime) -> dict[str, Any]:
    """The error body of Azure ML. Source: a recorded 400 of the Azure SDK's own tests."""
    return {
        "error": {**asdict(RootError(code=code, message=message)), "messageParameters": {}, "details": []},
        "correlation": None,
        "environment": None,
        "location": None,
        "time": time.isoformat(),
        "componentName": None,
    }
