"""A landing: one folder, or one file, that a route matches."""

from __future__ import annotations

from shared.core.landing import Landing
from testbed.examples import digits_route, in_landing, tuesday
from tests.unit.test_snapshot import a_file

FILES = ("type: uri_folder", "type: uri_file")
MARKED = ("quiet: 5s", "marker: _SUCCESS")


def test_where_the_input_is_a_folder_the_folder_is_the_landing() -> None:
    landing = tuesday()

    assert (landing.folder, landing.file_name) == (in_landing("digits/tuesday"), "")
    assert landing.location == in_landing("digits/tuesday")
    assert landing.parts == {"batch": "tuesday"}
    assert landing.wants("0.png")
    assert landing.wants("1.png")
    assert not landing.wants("notes.txt")


def test_where_the_input_is_a_file_the_landing_is_that_file_in_its_folder() -> None:
    landing = Landing(digits_route(FILES), "digits/tuesday/0.png")

    assert (landing.folder, landing.file_name) == (in_landing("digits/tuesday"), "0.png")
    assert landing.location == in_landing("digits/tuesday/0.png")
    assert landing.parts == {"batch": "tuesday"}
    assert landing.wants("0.png")
    assert not landing.wants("1.png")


def test_a_landing_that_a_changed_pattern_no_longer_matches_is_not_taken_and_has_no_parts() -> None:
    assert tuesday().is_taken
    assert not Landing(digits_route(), "elsewhere").is_taken
    assert Landing(digits_route(), "elsewhere").parts == {}


def test_a_landing_freezes_what_its_route_wants() -> None:
    listed = [a_file("1.png"), a_file("0.png"), a_file("notes.txt"), a_file("_SUCCESS", etag="0x9")]

    folder = tuesday(digits_route(MARKED)).freeze(listed)
    file = Landing(digits_route(FILES), "digits/tuesday/0.png").freeze(listed)

    assert ([frozen.name for frozen in folder.files], folder.others, folder.marker_etag) == (
        ["0.png", "1.png"],
        2,
        "0x9",
    )
    assert ([frozen.name for frozen in file.files], file.others) == (["0.png"], 0)


def test_what_a_route_excludes_is_left_out_of_the_snapshot_and_counted() -> None:
    route = digits_route(("files:", 'exclude: ["~*"]\n      files:'), MARKED)

    folder = tuesday(route).freeze([a_file("0.png"), a_file("~1.png"), a_file("_SUCCESS")])

    assert ([frozen.name for frozen in folder.files], folder.left_out) == (["0.png"], 1)


def test_landings_have_keys_of_their_own() -> None:
    paths = ("digits/tuesday", "digits/Tuesday", "digits/tues day", "digits/tues%20day")

    assert len({Landing(digits_route(), path).key for path in paths}) == len(paths)
    assert tuesday().key == tuesday().key


def test_a_landings_key_can_be_part_of_ids_and_blob_names() -> None:
    key = Landing(digits_route(), "digits/ä b/#?%\U0001f600").key

    assert key.startswith("digits-")
    assert key.replace("-", "").isalnum()
    assert key.isascii()
