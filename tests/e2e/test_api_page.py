"""docs/api.md has the answers that the app gives: the same statuses, members and types."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from testbed.api_page import PAGE, REQUESTS, Request, answers, prepared
from testbed.stack import running


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    return [shape(one) for one in value] if isinstance(value, list) else type(value).__name__


def told(request: Request) -> tuple[int, Any]:
    """What the page says."""
    found = re.search(
        rf"## {re.escape(request.what)}\n\n`{request.method} /api/{re.escape(request.path)}`[^\n]*: (\d+)\n\n"
        r"```json\n(.*?)\n```",
        PAGE.read_text("utf-8"),
        re.DOTALL,
    )
    assert found is not None, "python -m testbed.api_page writes the page anew"
    return int(found[1]), json.loads(found[2])


@pytest.mark.long
def test_the_page_has_what_the_app_answers(tmp_path: Path) -> None:
    with running(tmp_path) as stack:
        given = dict(answers(stack, prepared(stack)))

    assert {one.what: (given[one][0], shape(given[one][1])) for one in REQUESTS} == {
        one.what: (status, shape(answer)) for one in REQUESTS for status, answer in [told(one)]
    }, "python -m testbed.api_page writes the page anew"
