"""Asks Kusto's own language service, and says what there is to ask."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from functools import cache
from typing import Any

from monitoring.questions import HERE, KINDS, queries

QUERIES = {(kind, question.name): query for kind in KINDS for question, query in queries(kind)}


@cache
def tables(kind: str) -> dict[str, dict[str, str]]:
    """The columns of each table of that kind, with their types."""
    documented = json.loads((HERE / "tables.json").read_text("utf-8"))[kind]
    return {name: table["columns"] for name, table in documented.items()}


def read(kind: str, texts: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """What the language service finds wrong with each text (`errors`), and the `columns` of its answer."""
    asked = json.dumps({"tables": tables(kind), "queries": texts})
    told = subprocess.run(
        ["node", str(HERE / "kusto.cjs")], input=asked, capture_output=True, text=True, check=False, timeout=60
    )
    assert told.returncode == 0, told.stderr
    return dict(json.loads(told.stdout))


@cache
def answers(kind: str) -> dict[str, dict[str, Any]]:
    """Of all queries of that kind, in one go."""
    return read(kind, {name: query for (of, name), query in QUERIES.items() if of == kind})
