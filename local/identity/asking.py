"""What whoever asks the managed identity endpoint has to know of it. Costs nothing to import.

Source: Azure docs, app-service/overview-managed-identity, "REST endpoint reference".
"""

from __future__ import annotations

import secrets
from pathlib import Path

PATH = "/msi/token"
API_VERSION = "2019-08-01"


def header_secret(state: Path) -> str:
    """The value that X-IDENTITY-HEADER must have; made once for a state directory."""
    path = state / "identity" / "header"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".new")
        partial.touch(mode=0o600)
        partial.write_text(secrets.token_hex(16), "utf-8")
        partial.rename(path)
    return path.read_text("utf-8").strip()
