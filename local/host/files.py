"""Small files of the host's state, which are there whole or not at all, whenever the host is killed."""

from __future__ import annotations

from pathlib import Path


def write_whole(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Put `text` in the place of what `path` held. Somebody who reads meanwhile gets the one or the other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".new")
    partial.touch(mode=mode)
    partial.write_text(text, "utf-8")
    partial.rename(path)
