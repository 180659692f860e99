"""What holds for every input: of fingerprints, watches' ids, globs, paths and specs."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from itertools import product

from hypothesis import assume, example, given
from hypothesis import strategies as st

from shared.core.landing import Landing
from shared.core.location import is_safe
from shared.core.matching import can_both_match, glob_matches, patterns_can_both_match
from shared.core.readiness import LONGEST_BUCKET, SETTLE, coalesce
from shared.core.record import change, from_json, to_json
from shared.core.route import Ready, Route
from shared.core.snapshot import File, Snapshot, freeze, in_order
from shared.core.spec import RunSpec
from testbed.examples import digits_route
from testbed.fakes import NOON
from tests.unit.routes_files import edited, parsed
from tests.unit.runs import RUN_ID, spec_of

names = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\"), min_size=1, max_size=12)
segments = names.filter(lambda name: name not in (".", ".."))
files = st.builds(
    File,
    name=segments,
    etag=st.text("0123456789abcdef", min_size=1, max_size=4),
    size=st.integers(0, 3),
    md5=st.none() | st.text("ab", min_size=1, max_size=2),
    modified=st.just(NOON),
)
folders = st.lists(files, max_size=6, unique_by=lambda file: file.name)


def frozen(listed: list[File]) -> Snapshot:
    return freeze(listed, wants=lambda name: True, is_marker=lambda name: False)


@given(folders.flatmap(lambda listed: st.tuples(st.just(listed), st.permutations(listed))))
def test_the_order_of_a_listing_does_not_matter(listings: tuple[list[File], list[File]]) -> None:
    listed, shuffled = listings

    assert frozen(listed) == frozen(shuffled)
    assert frozen(listed).fingerprint == frozen(shuffled).fingerprint


def digest(lines: list[str]) -> str:
    content = b"".join(line.encode() + b"\n" for line in sorted(lines))
    return hashlib.sha256(content).hexdigest()


@given(folders, folders, st.none() | st.text("0x1aF", max_size=4))
def test_content_has_the_fingerprint_and_the_drop_that_it_has_always_had(
    listed: list[File], strays: list[File], marker: str | None
) -> None:
    """By another one, all that was ever scored would be scored again after an upgrade."""
    strays = [replace(file, name=f"below/{file.name}") for file in strays]
    snapshot = Snapshot(files=in_order(listed), strays=tuple(strays), marker_etag=marker)

    folders = {file.name.rpartition("/")[0] + "/\0" for file in strays}
    assert snapshot.fingerprint == digest([f"{f.name}\0{f.size}\0{f.md5 or f.etag}" for f in listed] + [*folders])
    assert snapshot.drop == digest([*(f"{f.name}\0{f.etag}" for f in [*listed, *strays]), marker or ""])


@given(folders.filter(bool), st.data())
def test_any_change_of_a_name_a_size_or_the_content_changes_the_fingerprint(
    listed: list[File], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(listed) - 1))
    before = listed[index]
    after = data.draw(files)
    assume((after.name, after.size, after.content) != (before.name, before.size, before.content))
    assume(after.name not in {file.name for file in listed} - {before.name})

    assert frozen(listed).fingerprint != frozen([*listed[:index], after, *listed[index + 1 :]]).fingerprint


@given(folders, files)
def test_one_more_file_changes_the_fingerprint(listed: list[File], more: File) -> None:
    assume(more.name not in {file.name for file in listed})

    assert frozen(listed).fingerprint != frozen([*listed, more]).fingerprint


@given(folders)
def test_the_same_bytes_dropped_again_have_the_same_fingerprint_where_the_service_knows_their_md5(
    listed: list[File],
) -> None:
    known = [replace(file, md5=file.md5 or "m") for file in listed]
    again = [replace(file, etag="z" + file.etag, modified=NOON + timedelta(days=1)) for file in known]

    assert frozen(known).fingerprint == frozen(again).fingerprint
    assert (frozen(known).drop == frozen(again).drop) == (not listed)


moments = st.timedeltas(timedelta(0), timedelta(days=5000)).map(lambda since: NOON + since)
quiets = st.none() | st.integers(1, 100_000).map(lambda number: timedelta(seconds=number))


@cache
def landing_of(quiet: timedelta | None) -> Landing:
    route = digits_route()
    ready = change(route.ready, quiet=quiet, marker=None if quiet else "_SUCCESS")
    return Landing(replace(route, ready=ready), "digits/tuesday")


def bucket_of(ready: Ready, *, is_marker: bool) -> timedelta:
    if is_marker:
        return SETTLE
    return LONGEST_BUCKET if ready.quiet is None else min(max(ready.quiet / 2, SETTLE), LONGEST_BUCKET)


@given(moments, quiets, st.booleans())
def test_every_event_is_followed_by_a_look_after_it_has_settled_and_soon(
    now: datetime, quiet: timedelta | None, is_marker: bool
) -> None:
    landing = landing_of(quiet)
    bucket = bucket_of(landing.route.ready, is_marker=is_marker)

    wait = coalesce(landing, is_marker=is_marker, now=now).not_before - now

    assert SETTLE <= wait <= bucket + SETTLE


@given(moments, st.floats(0, 120), quiets, st.booleans())
def test_events_share_a_watch_exactly_if_the_same_look_serves_both(
    now: datetime, later: float, quiet: timedelta | None, is_marker: bool
) -> None:
    landing = landing_of(quiet)
    one, other = (
        coalesce(landing, is_marker=is_marker, now=moment) for moment in (now, now + timedelta(seconds=later))
    )

    assert (one.instance_id == other.instance_id) == (one.not_before == other.not_before)
    if one != other:
        assert other.not_before - one.not_before >= bucket_of(landing.route.ready, is_marker=is_marker)


globs = st.text("ab*?", max_size=4)
TEXTS = ["".join(letters) for length in range(7) for letters in product("abc", repeat=length)]


@cache
def matched_by(glob: str) -> frozenset[str]:
    """Which short texts a glob matches; long enough to hold a common text of two globs of four characters."""
    return frozenset(text for text in TEXTS if glob_matches(glob, text))


@given(globs, globs)
@example("a*b", "*ab")
@example("", "")
@example("a??b", "*")
def test_two_globs_can_match_one_text_exactly_if_there_is_one(one: str, other: str) -> None:
    assert can_both_match(one, other) == bool(matched_by(one) & matched_by(other))


patterns = st.lists(st.sampled_from(["a", "b", "{x}", "a{x}", "{x}b"]), min_size=1, max_size=2).map("/".join)
PLACES = ["/".join(parts) for depth in (1, 2) for parts in product(["a", "b", "ab", "aa", "aab", "c"], repeat=depth)]


@cache
def places(pattern: str) -> frozenset[str]:
    unique = "/".join(part.replace("{x}", f"{{x{i}}}") for i, part in enumerate(pattern.split("/")))
    route = replace(digits_route(), folder=unique)
    return frozenset(place for place in PLACES if route.parts(place) is not None)


@given(patterns, patterns)
def test_two_patterns_can_match_one_folder_exactly_if_there_is_one(one: str, other: str) -> None:
    assert patterns_can_both_match(one, other) == bool(places(one) & places(other))


@cache
def route_with_parts() -> Route:
    (route,) = parsed(
        edited(
            ("publish.path", "out/{batch}/{route}"),
            (
                "outputs.predictions.path",
                "azureml://datastores/workspaceblobstore/paths/{route}/{batch}/{run_id}/try-{attempt}/sub/p.csv",
            ),
        )
    ).usable
    return route


@given(segments, st.integers(1, 10_000), st.integers(1, 10_000))
@example("{attempt}", 1, 2)
@example("{run_id}", 1, 11)
@example("datastores", 1, 2)
def test_every_attempt_writes_to_a_folder_of_its_own(batch: str, one: int, other: int) -> None:
    spec = spec_of(Landing(route_with_parts(), f"digits/{batch}"))

    ours, theirs = spec.output_of(one).place.parent.path, spec.output_of(other).place.parent.path

    assert spec.output_of(one).uri == f"azureml://datastores/workspaceblobstore/paths/{ours}/p.csv"
    assert (f"{ours}/".startswith(f"{theirs}/")) == (one == other)
    assert RUN_ID in ours
    assert not f"{spec.copies.path}/".startswith(f"{ours}/")
    assert all(map(is_safe, (ours, spec.copies.path, spec.publish.path)))


@given(segments, st.booleans())
def test_specs_come_back_as_they_went(batch: str, copies: bool) -> None:
    spec = spec_of(Landing(route_with_parts(), f"digits/{batch}"), copies=copies)

    assert from_json(RunSpec, to_json(spec)) == spec
