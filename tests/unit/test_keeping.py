"""Documents that never change are read once, also by many at a time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from shared.core.location import Location
from shared.errors import Unavailable
from shared.ports import Stored
from shared.work.keeping import Kept
from tests.workflow.world import make_world


def test_a_value_is_read_once_however_many_ask_at_a_time() -> None:
    kept, reads, all_ask = Kept[str](), list[str](), threading.Barrier(8)

    def read() -> str:
        reads.append("a")
        return "value"

    def ask() -> str:
        all_ask.wait()
        return kept.get("a", read)

    with ThreadPoolExecutor(8) as pool:
        assert {future.result() for future in [pool.submit(ask) for _ in range(8)]} == {"value"}
    assert reads == ["a"]


def test_only_the_last_few_are_kept() -> None:
    kept, reads = Kept[str](most=2), list[str]()

    def read(name: str) -> str:
        reads.append(name)
        return name

    for name in "abacab":
        kept.get(name, partial(read, name))

    assert reads == list("abcb")


def test_what_could_not_be_read_is_read_again() -> None:
    kept = Kept[str]()

    def fail() -> str:
        raise Unavailable("503")

    with pytest.raises(Unavailable):
        kept.get("a", fail)
    assert kept.get("a", lambda: "value") == "value"


def test_the_list_of_a_large_landing_is_read_once_and_not_once_for_every_part_that_is_copied() -> None:
    world = make_world()
    world.land(*(f"{number:04}.png" for number in range(1000)), "notes.txt")
    read, lists = world.blobs.read, []

    def counting(blob: Location) -> Stored | None:
        if blob.path.startswith(("snapshots/", "publications/")):
            lists.append(blob.path.partition("/")[0])
        return read(blob)

    world.blobs.read = counting  # type: ignore[method-assign]
    world.watch()

    assert world.only_run()["status"] == "published"
    assert world.only_run()["staged"]
    assert sorted(lists) == ["publications", "snapshots"]
