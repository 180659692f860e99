"""`python -m local try FOLDER`: tells an app from deployments, and shows the checklist."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from local.commands import CommandFailed
from local.python import own_python
from local.trying import apps, deployments
from local.trying.checklist import Verdict


def try_out(folder: Path, data: Path | None, say: Callable[[str], None]) -> int:
    """Say each line as soon as it is known: 0, or 1 if something failed. Raises CommandFailed for what is neither."""
    is_app = any((folder / name).exists() for name in ("host.json", "function_app.py"))
    if not is_app and not any(True for _ in folder.rglob("endpoint.y*ml")):
        raise CommandFailed(
            f"{folder} is neither a function app (host.json, function_app.py) nor a folder of deployments "
            f"(endpoint.yml, deployment.yml). '{own_python()} -m local score' runs a single deployment."
        )
    found = []
    with tempfile.TemporaryDirectory() as state:
        lines = apps.lines(folder, Path(state)) if is_app else deployments.lines(folder, data, Path(state))
        for line in lines:
            found.append(line.verdict)
            say(str(line))
    failed, open_ = found.count(Verdict.FAILED), found.count(Verdict.OPEN)
    say(f"{found.count(Verdict.WORKS)} work, {failed} failed, {open_} not told.")
    return 1 if failed else 0
