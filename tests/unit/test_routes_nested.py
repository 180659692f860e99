"""What is wrong with `landing.nested` beside other fields of a route."""

from __future__ import annotations

import pytest

from tests.unit.routes_files import REMOVED, edited, parsed, told


@pytest.mark.parametrize("nested", ["refuse", "split", "flatten"])
def test_nested_makes_no_sense_where_every_file_is_a_landing(nested: str) -> None:
    text = edited(("inputs.images.type", "uri_file"), ("landing.nested", nested))

    assert told(parsed(text)) == [
        (
            "digits",
            "landing.nested",
            (
                "says what becomes of sub-folders of a landing, but with a uri_file input every file is a landing; "
                "leave it out (null, if it is a default)"
            ),
        )
    ]


def test_files_in_sub_folders_cannot_be_flattened_without_copies() -> None:
    text = edited(("landing.nested", "flatten"), ("staging", "never"))

    assert told(parsed(text)) == [
        (
            "digits",
            "staging",
            (
                "must not be never with landing.nested: flatten, which scores copies of the files in sub-folders; use "
                "when_needed or always"
            ),
        )
    ]


def test_files_in_sub_folders_cannot_be_flattened_where_copies_have_no_place() -> None:
    text = edited(("landing.nested", "flatten"), ("outputs.predictions.path", REMOVED))

    assert told(parsed(text)) == [
        (
            "digits",
            "landing.nested",
            "flatten scores copies, which are laid beside an output with a path; give an output a path, or use split",
        )
    ]
