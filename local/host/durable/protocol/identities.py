"""Which ids instances may have. Pure.

Source: Azure docs, durable-functions-instance-management (instance id); for sub-orchestrations
Azure/azure-functions-durable-extension, DurableOrchestrationContext.cs (CallDurableTaskFunctionAsync).
"""

from __future__ import annotations

import re

_ID = re.compile(r"(?!@)[^/\\#?\x00-\x1f\x7f-\x9f]{1,256}")
RULE = (
    "Instance IDs must have 1 to 256 characters, must not begin with @, and must not contain / \\ # ? or control "
    "characters."
)


def allowed(identity: str) -> bool:
    """Whether an instance can have this id."""
    return _ID.fullmatch(identity) is not None


def wrong_with_child(identity: object, above: tuple[str | None, ...]) -> str | None:
    """Why a sub-orchestration cannot have this id, or None. `above`: the ids of the instance and of its parent."""
    if not isinstance(identity, str) or not allowed(identity):
        shown = repr(identity)
        shown = shown if len(shown) < 100 else f"{shown[:100]}…"
        return f"A sub-orchestration cannot have the instance ID {shown}. {RULE}"
    if identity.lower() in {known.lower() for known in above if known is not None}:
        return (
            "The instance ID of a sub-orchestration must be different than the instance ID of a parent orchestration."
        )
    return None
