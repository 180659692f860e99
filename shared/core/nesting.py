"""Files in sub-folders of a landing: why they are refused, and the flat names of their copies.

A batch job reads the top level of its input folder and says nothing of what is below. So files there are a reason to
refuse the landing, or are copied to names without a folder. So is a name that does not mean one place to everybody.
"""

from __future__ import annotations

import hashlib
import unicodedata
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import count, zip_longest

from shared.core.hints import ONCE_MORE, Objection
from shared.core.location import SAFE, is_safe

LOOKED_THROUGH = 5000
"""Names in sub-folders of a landing that are looked through for files to score; one request lists so many. Source:
Azure docs, list-blobs."""

LONGEST_NAME = 255
"""Bytes of a file's name, as file systems of Linux have it; the cluster mounts or downloads what it scores."""

LONGEST_EXTENSION = 20
MOST_TOLD = 3
LONGEST_TOLD = 100
"""Characters of a path in a message: it may have a thousand."""


def cut(folder: str, pattern: str) -> tuple[str, str]:
    """A folder's path down to the levels of a pattern, and what is below them."""
    depth = pattern.count("/") + 1
    segments = folder.split("/")
    return "/".join(segments[:depth]), "/".join(segments[depth:])


def is_hidden(folder: str, pattern: str) -> bool:
    """Whether a folder below what the pattern matches is in one whose name begins with `_` or `.`: writers keep there
    what is none of the data, or not yet (`_temporary` of Hadoop and Spark, `_delta_log`), and readers skip it."""
    segments, levels = folder.split("/"), pattern.split("/")
    return len(segments) > len(levels) and any(
        segment.startswith(("_", "."))
        for segment, level in zip_longest(segments, levels, fillvalue="{")
        if level.startswith("{")
    )


def flat_names(paths: Iterable[str]) -> Callable[[str], str]:
    """A name without a folder for each of these relative paths: different ones, even where case does not count, and
    always the same for the same paths. What is in no sub-folder keeps its name. The paths are different ones in their
    order, and are gone through more than once; eight bytes are kept of each.

    A path becomes its segments joined by `__`, or, where that is too long or would be somebody else's name as well, the
    end of it behind a digest of the whole path. Extensions stay, because scripts go by them.
    """
    taken = array("Q", sorted(_key(_joined(path)) for path in paths))
    given, renamed = set[int](), dict[str, str]()

    def is_free(name: str) -> bool:
        key = _key(name)
        return key not in given and bisect_left(taken, key) == bisect_right(taken, key)

    def keeps(path: str) -> bool:
        name = _joined(path)
        key = _key(name)
        return name == path or (_fits(name) and bisect_right(taken, key) - bisect_left(taken, key) == 1)

    for path in paths:
        if not keeps(path):
            name = next(name for name in _digested(path) if is_free(name))
            given.add(_key(name))
            if name != next(iter(_digested(path))):
                renamed[path] = name

    def flat(path: str) -> str:
        return _joined(path) if keeps(path) else renamed.get(path) or next(iter(_digested(path)))

    return flat


def stray_refusal(route: str, strays: Iterable[str]) -> Objection | None:
    """Why a landing with these files to score, by their paths in it, must not be scored; None if there are none."""
    names = sorted(strays)
    if unusable := [name for name in names if not is_safe(name)]:
        return Objection(
            f"There are files to score whose names cannot be used: {_listed(unusable)}. Nothing was scored.",
            f"Rename or remove them: a usable name has {SAFE}. {ONCE_MORE}",
        )
    if folders := sorted({name.rpartition("/")[0] for name in names}):
        return Objection(
            f"There are files to score in sub-folders, which a batch job ignores: {_listed(folders)}. Nothing was "
            "scored.",
            f"Set landing.nested of route {route!r} to flatten (they are scored with the others) or split (each folder "
            f"has a run of its own), or move or remove them. {ONCE_MORE}",
        )
    return None


def _listed(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - MOST_TOLD} more" if len(paths) > MOST_TOLD else ""
    return ", ".join(map(_told, paths[:MOST_TOLD])) + more


def _told(path: str) -> str:
    return repr(path if len(path) <= LONGEST_TOLD else path[: LONGEST_TOLD - 1] + "…")


def _joined(path: str) -> str:
    return path.replace("/", "__")


def _key(name: str) -> int:
    """Equal for names that some file system takes for one: they may not tell case, or how accents are encoded. Of a
    million others two are with a chance of one in 10^7: then both have names with a digest."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
    return int.from_bytes(hashlib.sha256(folded.encode(errors="surrogatepass")).digest()[:8], "big")


def _fits(name: str) -> bool:
    return len(name.encode()) <= LONGEST_NAME


def _digested(path: str) -> Iterable[str]:
    """Names for a path, one for each try. Nobody finds one that is taken, unless somebody has put it there."""
    stem, dot, extension = path.rpartition("/")[2].rpartition(".")
    if not stem or len(extension.encode()) > LONGEST_EXTENSION:
        stem, dot, extension = path.rpartition("/")[2], "", ""
    for number in count():
        digest = hashlib.sha256(f"{path}\0{number}".encode()).hexdigest()[:16]
        room = LONGEST_NAME - len(f"{digest}__{dot}{extension}".encode())
        yield f"{digest}__{stem.encode()[:room].decode(errors='ignore')}{dot}{extension}"
