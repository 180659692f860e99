"""Everything that is made of the questions, as the files that it is kept in."""

from __future__ import annotations

from monitoring.questions import HERE, KINDS, queries


def made() -> dict[str, str]:
    """The content of each file, by its path in this folder."""
    return {f"{kind}/{question.name}.kql": query for kind in KINDS for question, query in queries(kind)}


def write() -> None:
    """Write the files, and remove queries of questions that are gone."""
    files = made()
    for path in (path for kind in KINDS for path in (HERE / kind).glob("*.kql")):
        if path.relative_to(HERE).as_posix() not in files:
            path.unlink()
    for name, content in files.items():
        (HERE / name).parent.mkdir(exist_ok=True)
        (HERE / name).write_text(content, "utf-8")
