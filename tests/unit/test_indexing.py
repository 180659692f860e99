"""Runs are found by their pointers: what a page costs does not grow with the ledger, and no run is ever left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.location import Location
from shared.core.pointer import Pointer, at_the_end, pointer_to, read_pointer
from shared.core.record import change, to_json
from shared.core.run import ENDED, Error, Run, Status, Timings
from shared.core.snapshot import Frozen
from shared.errors import InputRefused
from shared.ports import Stored
from shared.work.indexing import CAUGHT_UP, catch_up, runs_by
from shared.work.inquiry import Query, runs
from shared.work.ledger import Ledger, Unreadable
from testbed.examples import STATE
from testbed.fakes import NOON, FakeBlobs, FakeClock
from tests.unit.runs import PUBLICATION, a_job, a_run

ROUTES = ("digits", "letters", "digits-too")
LANDINGS = ("digits/monday", "digits/tuesday")
NO_FILES: tuple[Frozen, ...] = ()
ENDS = sorted(ENDED)
A_RUN = a_run()


class Crash(BaseException):
    """The process is gone."""


def a_claim(number: int, route: str = "digits", landing: str = LANDINGS[0], *, hours: float = 0) -> Run:
    timings = Timings(claimed=NOON + timedelta(hours=hours))
    return change(A_RUN, run_id=f"{route}-{number:020x}", route=route, landing=landing, timings=timings)


def end_of(run: Run, status: Status) -> Run:
    is_published = status is Status.PUBLISHED
    return change(
        run,
        status=status,
        revision=run.revision + 1,
        error=None if is_published else Error("why", "why"),
        publication=PUBLICATION if is_published else None,
        job=a_job("Completed") if is_published else None,
    )


def a_ledger(*, caught_up: bool = True) -> Ledger:
    ledger = Ledger(FakeBlobs(FakeClock()), STATE)
    if caught_up:
        catch_up(ledger, NOON)
    return ledger


def ids(found: Iterable[Run | Unreadable]) -> list[str]:
    return [run.run_id for run in found]


def reads_of(ledger: Ledger) -> list[str]:
    """The documents that are read from now on."""
    found, read = list[str](), ledger.blobs.read

    def counted(blob: Location) -> Stored | None:
        found.append(blob.path)
        return read(blob)

    ledger.blobs.read = counted  # type: ignore[method-assign]
    return found


def scanned(ledger: Ledger, wanted: dict[str, Any]) -> list[str]:
    """What a look at every record says."""

    def is_wanted(run: Run) -> bool:
        return all(
            (
                wanted.get("route") in (None, run.route),
                wanted.get("status") in (None, run.status),
                not wanted.get("landings") or run.landing in wanted["landings"],
            )
        )

    return [run.run_id for run in ledger.newest() if isinstance(run, Run) and is_wanted(run)]


def found_by(ledger: Ledger, wanted: dict[str, Any]) -> list[str]:
    """The same by pointers. What they point to is compared with what is asked for by whoever asks."""
    found = [run.run_id for run in runs_by(ledger, **wanted)]
    right = set(scanned(ledger, wanted))
    return [run_id for run_id in found if run_id in right]


claims = st.tuples(
    st.just("claim"), st.sampled_from(ROUTES), st.sampled_from(LANDINGS), st.integers(0, 200), st.integers(0, 7)
)
ends = st.tuples(st.just("end"), st.integers(0, 20), st.sampled_from(ENDS), st.integers(0, 7))
sweeps = st.tuples(st.just("sweep"), st.integers(0, 30))
questions = st.fixed_dictionaries(
    {},
    optional={
        "route": st.sampled_from(ROUTES),
        "status": st.sampled_from(sorted(Status)),
        "landings": st.sampled_from(LANDINGS).map(lambda path: (path,)),
    },
)


@given(st.lists(st.one_of(claims, ends, sweeps), max_size=30), questions, st.booleans())
def test_pointers_say_what_all_records_say_wherever_a_process_has_died(
    history: Sequence[Any], asked: dict[str, Any], begun: bool
) -> None:
    ledger = a_ledger(caught_up=begun)
    for number, (what, *how) in enumerate(history):
        if what == "sweep":
            catch_up(ledger, NOON + timedelta(days=how[0]))
            continue
        if what == "claim":
            route, landing, hours, writes = how
            run = a_claim(number, route, landing, hours=hours)
            dying(ledger, writes, lambda run=run: ledger.claim(run, NO_FILES))
        else:
            place, status, writes = how
            going = [run for run in ledger.newest() if isinstance(run, Run) and not run.has_ended]
            if going:
                after = end_of(going[place % len(going)], Status(status))
                dying(ledger, writes, lambda run=after: ledger.record(run.run_id, run.progress, None))

    assert found_by(ledger, asked) == scanned(ledger, asked)


def dying(ledger: Ledger, writes: int, work: Any) -> None:
    """Carried out by a process that dies after so many writes."""
    blobs = ledger.blobs
    assert isinstance(blobs, FakeBlobs)
    put, delete, left = blobs.put, blobs.delete, [writes]

    def counted(do: Any) -> Any:
        def or_dies(*args: Any, **more: Any) -> Any:
            if not left[0]:
                raise Crash
            left[0] -= 1
            return do(*args, **more)

        return or_dies

    blobs.put, blobs.delete = counted(put), counted(delete)  # type: ignore[method-assign]
    try:
        work()
    except Crash:
        pass
    finally:
        blobs.put, blobs.delete = put, delete  # type: ignore[method-assign]


@pytest.fixture(scope="module")
def a_year() -> Ledger:
    """Ten thousand runs of twenty days; one of a hundred has failed, of one of a thousand nothing is known yet."""
    ledger = a_ledger()
    for number in range(10_000):
        landing = f"digits/{number // 4:05}"
        run = a_claim(number, ROUTES[number % 2], landing, hours=number * 0.048)
        if number % 1000 != 999:
            run = end_of(run, Status.FAILED if number % 100 == 7 else Status.PUBLISHED)
        ledger.blobs.create(Location(STATE, f"runs/{run.run_id}.json"), to_json(run))
        ledger.point(f"days/{pointer_to(run).name}")
        for pointer in at_the_end(run) if run.has_ended else (f"open/{run.run_id}",):
            ledger.point(pointer)
    return ledger


@pytest.mark.parametrize(
    ("query", "shown", "most"),
    [
        ({}, 50, 64),
        ({"route": "letters"}, 50, 64),
        ({"status": Status.PUBLISHED}, 50, 65),
        ({"status": Status.FAILED}, 50, 65),
        ({"status": Status.FAILED, "route": "letters"}, 50, 65),
        ({"status": Status.SCORING}, 0, 11),
        ({"status": Status.CLAIMED}, 10, 11),
        ({"landing": "digits/00007"}, 4, 15),
        ({"landing": "landing/digits/02499", "status": Status.PUBLISHED}, 3, 4),
        ({"since": NOON + timedelta(days=15), "status": Status.FAILED}, 25, 26),
    ],
    ids=str,
)
def test_a_page_of_fifty_of_ten_thousand_runs_reads_about_fifty(
    a_year: Ledger, query: dict[str, Any], shown: int, most: int
) -> None:
    read = a_year.blobs.read
    reads = reads_of(a_year)
    try:
        page = runs(a_year, Query(**{"route": None, "status": None, "since": None, "limit": 50, **query}))
    finally:
        a_year.blobs.read = read  # type: ignore[method-assign]

    assert (len(page.runs), len(reads) <= most) == (shown, True), len(reads)


def test_all_pages_together_are_all_runs_once(a_year: Ledger) -> None:
    query = Query(route=None, status=Status.FAILED, since=None, limit=30)
    found, page = [], runs(a_year, query)
    while True:
        found += [run["run_id"] for run in page.runs]
        if page.continuation is None:
            break
        page = runs(a_year, Query(**{**_members(query), "before": read_pointer(page.continuation)}))

    assert len(found) == len(set(found)) == 100
    assert found == sorted(found, key=lambda run_id: run_id.rpartition("-")[2], reverse=True)


def _members(query: Query) -> dict[str, Any]:
    return {name: getattr(query, name) for name in Query.__slots__}


def test_a_ledger_of_an_older_version_is_searched_as_before_until_it_has_been_caught_up_with() -> None:
    ledger = a_ledger(caught_up=False)
    run = end_of(a_claim(1), Status.FAILED)
    ledger.blobs.create(Location(STATE, f"runs/{run.run_id}.json"), to_json(run))
    ledger.point(f"days/{pointer_to(run).name}")

    assert ids(runs_by(ledger, status=Status.FAILED)) == [run.run_id]
    assert catch_up(ledger, NOON) == 1
    assert ids(runs_by(ledger, status=Status.FAILED)) == ids(runs_by(ledger, landings=(run.landing,))) == [run.run_id]


def test_what_an_older_version_records_meanwhile_is_caught_up_with_the_day_after() -> None:
    ledger = a_ledger()
    run = end_of(a_claim(1), Status.FAILED)
    ledger.blobs.create(Location(STATE, f"runs/{run.run_id}.json"), to_json(run))
    ledger.point(f"days/{pointer_to(run).name}")

    assert (catch_up(ledger, NOON), catch_up(ledger, NOON + timedelta(days=1))) == (0, 1)
    assert ids(runs_by(ledger, status=Status.FAILED)) == [run.run_id]


def test_catching_up_costs_one_read_a_sweep_and_one_for_each_run_that_lacks_its_pointers_a_day() -> None:
    ledger = a_ledger()
    for number in range(20):
        run = a_claim(number)
        ledger.claim(run, NO_FILES)
        ledger.record(run.run_id, end_of(run, Status.FAILED).progress, None)
    reads = reads_of(ledger)

    catch_up(ledger, NOON)
    catch_up(ledger, NOON + timedelta(days=1))

    assert reads == [CAUGHT_UP, CAUGHT_UP]


def test_a_run_that_ends_while_it_is_looked_for_is_found_once() -> None:
    ledger = a_ledger()
    run = a_claim(1)
    ledger.claim(run, NO_FILES)
    found = runs_by(ledger, landings=(run.landing,))
    first = list(islice(found, 1))

    ledger.record(run.run_id, end_of(run, Status.FAILED).progress, None)

    assert ids([*first, *found]) == [run.run_id]


@pytest.mark.parametrize("name", ["", "x", "2026-13-01/120000000000_digits-1", "2026-03-01/120000000000_../x", "é"])
def test_what_is_no_pointer_is_refused(name: str) -> None:
    with pytest.raises(InputRefused, match="is no pointer"):
        read_pointer(name)


@given(st.datetimes(min_value=NOON.replace(year=1000, tzinfo=None)), st.sampled_from(ROUTES))
def test_a_pointer_is_read_as_it_was_written(moment: Any, route: str) -> None:
    pointer = Pointer(moment.replace(tzinfo=NOON.tzinfo), f"{route}-{1:020x}")

    assert read_pointer(pointer.name) == pointer
    assert pointer.route == route
