"""workbook.json: the questions as one page of the portal, of the Application Insights resource that it belongs to.

Sources: microsoft/Application-Insights-Workbooks, schema/workbook.json; Azure docs,
azure-monitor/visualize/workbooks-automate (how a workbook is deployed).
"""

from __future__ import annotations

import re
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from monitoring.questions import COMPONENT, Question

SCHEMA = "https://github.com/Microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json"

FIRST = ("attention", "failed-runs", "one-landing", "latency")
"""The questions that people come with; the others follow by their names."""

ONE = "one-landing"
DAY = 24 * 60 * 60 * 1000
OWN_SPANS = {"quiet-routes": 2 * DAY}
"""Questions that say themselves how far they look back; of less they would know too little."""

ID = re.compile(r'let id = "[^"]*";')
"""What somebody has to fill in: the only such line, in the only such question."""

INTRODUCTION = (
    "# Landfall\n\nWhat was scored, what failed and why, and how long it took. To follow one landing, put into *id* "
    "the id of a run, the path of a landing, the name of a job in Azure ML, or the instance id of a watch."
)


def workbook(questions: list[Question]) -> dict[str, Any]:
    """The workbook, as the portal's advanced editor shows it and as a deployment takes it (`serializedData`)."""
    ordered = sorted(questions, key=lambda one: (FIRST.index(one.name) if one.name in FIRST else len(FIRST), one.name))
    answers = [_answer(one, query) for one in ordered if (query := one.query(COMPONENT)) is not None]
    return {
        "version": "Notebook/1.0",
        "items": [
            {"type": 1, "content": {"json": INTRODUCTION}, "name": "introduction"},
            {"type": 9, "content": _PARAMETERS, "name": "parameters"},
            *answers,
        ],
        "$schema": SCHEMA,
    }


def _answer(question: Question, query: str) -> dict[str, Any]:
    span = OWN_SPANS.get(question.name)
    given = {"parameterName": "id", "comparison": "isNotEqualTo", "value": ""}
    return {
        "type": 3,
        "content": {
            "version": "KqlItem/1.0",
            "query": ID.sub('let id = "{id}";', query),
            "title": question.asked,
            "noDataMessage": "Nothing.",
            "size": 0,
            **({"timeContextFromParameter": "TimeRange"} if span is None else {"timeContext": {"durationMs": span}}),
            "queryType": 0,
            "resourceType": "microsoft.insights/components",
            "visualization": "table",
            "gridSettings": {"filter": True, "rowLimit": 1000},
            "showExportToExcel": True,
        },
        "name": question.name,
        **({"conditionalVisibility": given} if question.name == ONE else {}),
    }


def _parameter(name: str, kind: int, label: str, **more: object) -> dict[str, Any]:
    own_id = str(uuid5(NAMESPACE_URL, f"landfall/{name}"))
    return {"id": own_id, "version": "KqlParameterItem/1.0", "name": name, "label": label, "type": kind, **more}


_SPANS = [hours * DAY // 24 for hours in (1, 4, 24, 3 * 24, 7 * 24, 14 * 24, 30 * 24)]
_PARAMETERS = {
    "version": "KqlParameterItem/1.0",
    "style": "pills",
    "queryType": 0,
    "resourceType": "microsoft.insights/components",
    "parameters": [
        _parameter(
            "TimeRange",
            4,
            "Time",
            isRequired=True,
            value={"durationMs": DAY},
            typeSettings={"selectableValues": [{"durationMs": span} for span in _SPANS], "allowCustom": True},
        ),
        _parameter("id", 1, "id", isRequired=False, value=""),
    ],
}
