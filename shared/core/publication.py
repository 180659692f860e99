"""What is laid in the run folder: the outputs under their own names, then `_run.json`, then `_SUCCESS`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.core.snapshot import File

MANIFEST = "_run.json"
SUCCESS = "_SUCCESS"
FORMAT = 1
"""Version of the manifest's layout. Readers may rely on members staying; new ones may come."""

FILES_PER_CHUNK = 250
"""Files that one activity copies."""


def chunks(files: int) -> Iterator[tuple[int, int]]:
    """Ranges (start, stop) that cover that many files."""
    for start in range(0, files, FILES_PER_CHUNK):
        yield start, min(start + FILES_PER_CHUNK, files)


def problem_with(outputs: Sequence[File]) -> str | None:
    """Why these outputs cannot be published, or None."""
    if not outputs:
        return "The job completed, but nothing is at its output path. Check the deployment's output_action and logs."
    taken = sorted({file.name for file in outputs} & {MANIFEST, SUCCESS})
    if taken:
        return f"The job wrote {', '.join(taken)}, a name that the run folder needs for itself. Rename the output."
    return None


def difference(expected: Mapping[str, Any], copied: File | None) -> str | None:
    """How a copy differs from its source, or None. MD5s are compared where the service has both."""
    name = expected["name"]
    if copied is None:
        return f"{name} is missing after it was copied"
    if copied.size != expected["size"]:
        return f"{name} has {copied.size} bytes after it was copied; its source has {expected['size']}"
    if copied.md5 and expected["md5"] and copied.md5 != expected["md5"]:
        return f"{name} has another MD5 than its source after it was copied"
    return None


def manifest(
    document: Mapping[str, Any], snapshot: Mapping[str, Any], outputs: Sequence[Mapping[str, Any]], published: str
) -> dict[str, Any]:
    """`_run.json`: what was scored, by whom, and what came out. Sizes in bytes, MD5s base64, times ISO 8601 UTC."""
    order, job = document["order"], document["job"] or {}
    return {
        "format": FORMAT,
        "run_id": document["run_id"],
        "route": document["route"],
        "landing": {
            "account_url": order["landing_account_url"],
            "container": order["landing_container"],
            "path": order["landing"],
        },
        "fingerprint": snapshot["fingerprint"],
        "files": snapshot["files"],
        "endpoint": order["scoring_uri"],
        "deployment": job.get("deployment") or order["deployment"],
        "job": {"name": job.get("name"), "id": job.get("id"), "studio_url": job.get("studio_url")},
        "attempt": document["attempt"],
        "staged": document["staged"],
        "timings": {**document["timings"], "published": published},
        "outputs": list(outputs),
    }
