"""The frozen list of files, its fingerprint, and what may become of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.core.record import from_json, to_json
from shared.core.snapshot import File, Frozen, FrozenFiles, Snapshot, Verdict, compare, freeze
from testbed.fakes import NOON


def a_file(name: str, *, etag: str = "0x1", size: int = 1, md5: str | None = "m", after: int = 0) -> File:
    return File(name=name, etag=etag, size=size, md5=md5, modified=NOON + timedelta(seconds=after))


def snapshot(*files: File) -> Snapshot:
    return freeze(files, wants=lambda name: name.endswith(".png"), is_marker="_SUCCESS".__eq__)


def test_only_wanted_files_are_frozen_in_the_order_of_their_names() -> None:
    frozen = snapshot(a_file("b.png"), a_file("_SUCCESS", etag="0x9"), a_file("a.png"), a_file("notes.txt"))

    assert [file.name for file in frozen.files] == ["a.png", "b.png"]
    assert (frozen.others, frozen.left_out) == (2, 1)
    assert frozen.marker_etag == "0x9"


def test_sizes_and_times_are_those_of_the_frozen_files() -> None:
    frozen = snapshot(a_file("a.png", size=3, after=5), a_file("b.png", size=4), a_file("notes.txt", size=9, after=9))

    assert frozen.size == 7
    assert frozen.newest == NOON + timedelta(seconds=5)


def test_an_empty_folder_has_a_snapshot_too() -> None:
    frozen = snapshot()

    assert (frozen.files, frozen.size, frozen.newest, frozen.marker_etag, frozen.others) == ((), 0, None, None, 0)


def test_without_a_marker_none_is_found() -> None:
    assert freeze([a_file("_SUCCESS")], wants=lambda name: True, is_marker=lambda name: False).marker_etag is None


A = a_file("a.png")


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        pytest.param(
            replace(A, etag="0x2", modified=NOON + timedelta(days=1)), True, id="the same bytes dropped again"
        ),
        pytest.param(replace(A, md5="n"), False, id="other bytes"),
        pytest.param(replace(A, size=2), False, id="another size"),
        pytest.param(replace(A, name="b.png"), False, id="another name"),
        pytest.param(replace(A, md5=None), False, id="no MD5 any more"),
    ],
)
def test_the_fingerprint_tells_content_apart(changed: File, same: bool) -> None:
    assert (snapshot(A).fingerprint == snapshot(changed).fingerprint) == same


def test_where_the_service_has_no_md5_the_etag_tells_content_apart() -> None:
    first, again = a_file("a.png", md5=None), a_file("a.png", md5=None, etag="0x2")

    assert snapshot(first).fingerprint != snapshot(again).fingerprint


def test_files_beside_the_wanted_ones_do_not_change_the_fingerprint() -> None:
    assert snapshot(A).fingerprint == snapshot(A, a_file("notes.txt")).fingerprint


def test_the_drop_tells_the_same_files_dropped_again() -> None:
    again = replace(A, etag="0x2")

    assert snapshot(A).drop == snapshot(A).drop
    assert snapshot(A).drop != snapshot(again).drop
    assert snapshot(A).drop != snapshot(A, a_file("_SUCCESS")).drop


def test_the_ledger_is_told_names_etags_sizes_and_md5s() -> None:
    frozen = snapshot(a_file("b.png", etag="0x2"), a_file("a.png", etag="0x1", size=3, md5=None)).listed()

    kept = (
        Frozen(name="a.png", etag="0x1", size=3, md5=None),
        Frozen(name="b.png", etag="0x2", size=1, md5="m"),
    )
    assert (tuple(frozen), tuple(frozen)) == (kept, kept)
    assert from_json(FrozenFiles, to_json(FrozenFiles(kept))) == FrozenFiles(kept)


A_AND_B = snapshot(a_file("a.png", md5="1"), a_file("b.png", md5="2")).listed()


@pytest.mark.parametrize(
    ("listed", "verdict"),
    [
        pytest.param({"a": "1", "b": "2"}, Verdict.INTACT, id="the same"),
        pytest.param({"a": "1", "b": "2", "c": "3"}, Verdict.MORE, id="one more"),
        pytest.param({"a": "1"}, Verdict.CHANGED, id="one gone"),
        pytest.param({"a": "1", "b": "9"}, Verdict.CHANGED, id="one written again"),
        pytest.param({"a": "1", "c": "2"}, Verdict.CHANGED, id="one renamed"),
        pytest.param({"a": "1", "b": "9", "c": "3"}, Verdict.CHANGED, id="one more and one written again"),
        pytest.param({}, Verdict.CHANGED, id="all gone"),
    ],
)
def test_what_became_of_a_frozen_folder(listed: dict[str, str], verdict: Verdict) -> None:
    files = [a_file(f"{name}.png", md5=md5) for name, md5 in listed.items()]

    assert compare(A_AND_B, files) is verdict


def test_the_same_bytes_dropped_again_are_intact_and_other_etags_without_md5_are_not() -> None:
    known, unknown = a_file("a.png"), a_file("b.png", md5=None)

    frozen = snapshot(known, unknown).listed()

    assert compare(frozen, [replace(known, etag="0x2"), unknown]) is Verdict.INTACT
    assert compare(frozen, [known, replace(unknown, etag="0x2")]) is Verdict.CHANGED


def test_whether_the_marker_is_there_is_told() -> None:
    assert snapshot(a_file("_SUCCESS")).is_marked
    assert not snapshot(a_file("a.png")).is_marked
