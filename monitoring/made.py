"""Everything that is made of the questions, as the files that it is kept in."""

from __future__ import annotations

import json

from monitoring.alerts import template
from monitoring.questions import HERE, KINDS, queries, questions
from monitoring.workbook import workbook


def made() -> dict[str, str]:
    """The content of each file, by its path in this folder."""
    files = {f"{kind}/{question.name}.kql": query for kind in KINDS for question, query in queries(kind)}
    whole = {"alerts.json": template(questions()), "workbook.json": workbook(questions())}
    return files | {name: json.dumps(content, indent=2) + "\n" for name, content in whole.items()}


def write() -> None:
    """Write the files, and remove queries of questions that are gone."""
    files = made()
    for path in (path for kind in KINDS for path in (HERE / kind).glob("*.kql")):
        if path.relative_to(HERE).as_posix() not in files:
            path.unlink()
    for name, content in files.items():
        (HERE / name).parent.mkdir(exist_ok=True)
        (HERE / name).write_text(content, "utf-8")
