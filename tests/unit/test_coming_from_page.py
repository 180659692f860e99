"""What docs/coming-from.md says of requests is true of this tree; an end-to-end test runs what it has to paste."""

from __future__ import annotations

import re

from shared.core.changes import Requested
from shared.core.request import LARGEST_BODY, LONGEST_PAUSE, RunRequest
from shared.core.run import ENDED
from testbed.examples import ROOT
from triggers.on_request import MOST_LISTED, STATUS_OF

PAGE = (ROOT / "docs/coming-from.md").read_text("utf-8")


def first_cells(heading: str, table: int = 0) -> set[str]:
    """What is in the first column of a table below a heading."""
    section = re.split(r"\n#+ ", PAGE.partition(f"\n{heading}\n")[2])[0]
    assert section, heading
    lines = re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE)[table].splitlines()[2:]
    return {line.split("|")[1].strip(" `") for line in lines}


def test_every_member_of_a_request_is_told_of() -> None:
    assert first_cells("## POST /api/runs") == set(RunRequest.__struct_fields__)


def test_every_status_of_an_answer_is_told_of() -> None:
    assert first_cells("## POST /api/runs", 1) == {"202", "400", "413", "503", *map(str, STATUS_OF.values())}


def test_every_end_of_a_run_is_told_of() -> None:
    assert first_cells("## GET /api/runs/{run_id}/outcome") == set(ENDED)


def test_the_numbers_are_those_of_the_code() -> None:
    assert f"1 to {LONGEST_PAUSE} seconds" in PAGE
    assert f"larger than {LARGEST_BODY // 1024} KiB" in PAGE
    assert f"beyond {MOST_LISTED:,}".replace(",", " ") in PAGE


def test_who_asked_is_called_what_the_record_calls_it() -> None:
    assert "`request.by`" in PAGE
    assert "by" in Requested.__struct_fields__


def test_every_page_that_it_sends_readers_to_is_there() -> None:
    for target in re.findall(r"\]\(([a-z-]+\.md)(?:#[\w-]+)?\)", PAGE):
        assert (ROOT / "docs" / target).is_file(), target
