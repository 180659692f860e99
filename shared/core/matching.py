"""Which names a glob matches, and which folders a pattern.

Whoever may write to a landing chooses its names, so a match must not cost more than the name is long, however it is
made up. Nothing here takes back what it has found: each piece of literal text is looked for once, where it is for good.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from shared.core.location import PLACEHOLDER

REMEMBERED = 2048
"""Globs and patterns that are kept taken apart: a few for each of some hundred routes."""


def glob_matches(glob: str, name: str) -> bool:
    """Whether a file glob matches a name within a folder: `*` any characters, `?` one; case matters, as in blob
    names. No wildcard is a slash."""
    return "/" not in name and _glob(glob).matches(name)


def covers(wide: str, narrow: str) -> bool:
    """Whether one glob matches all that another matches. True is certain."""
    # What matches the other's own text, wildcards taken as letters, matches whatever these stand for; `?` is no `*`.
    return _glob(wide, one="[^*]").matches(narrow)


def parts_in(folder: str, pattern: str) -> dict[str, str] | None:
    """What the placeholders of a folder pattern stand for in a folder that it matches, else None. Each `{name}` is one
    or more characters of a single path segment. Where there are several ways, the first part is as long as can be,
    then the second, and so on."""
    levels, segments = _levels(pattern), folder.split("/")
    if len(levels) != len(segments):
        return None
    found: dict[str, str] = {}
    for level, segment in zip(levels, segments, strict=True):
        parts = level.parts_in(segment)
        if parts is None:
            return None
        found |= parts
    return found


def can_both_match(one: str, other: str) -> bool:
    """Whether some text is matched by both globs. Exact for `*` and `?`."""
    seen, ahead = set(), [(0, 0)]
    while ahead:
        i, j = ahead.pop()
        if (i, j) == (len(one), len(other)):
            return True
        if (i, j) in seen or i > len(one) or j > len(other):
            continue
        seen.add((i, j))
        a, b = one[i : i + 1], other[j : j + 1]
        if a == "*":
            ahead += [(i + 1, j), (i, j + 1)]
        elif b == "*":
            ahead += [(i, j + 1), (i + 1, j)]
        elif a and b and (a == b or "?" in (a, b)):
            ahead.append((i + 1, j + 1))
    return False


def patterns_can_both_match(one: str, other: str) -> bool:
    """Whether some folder is matched by both patterns; placeholders stand for at least one character."""
    ours, theirs = one.split("/"), other.split("/")
    return len(ours) == len(theirs) and all(
        can_both_match(PLACEHOLDER.sub("?*", a), PLACEHOLDER.sub("?*", b)) for a, b in zip(ours, theirs, strict=True)
    )


@dataclass(frozen=True, slots=True)
class _Piece:
    """What is between two `*` of a glob. `regex`: None, if it has no `?`; else one without any repetition."""

    text: str
    regex: re.Pattern[str] | None

    def is_at(self, name: str, start: int) -> bool:
        if self.regex is None:
            return name.startswith(self.text, start)
        return self.regex.match(name, start) is not None

    def end_after(self, name: str, start: int, stop: int) -> int:
        """Where its first occurrence between the two ends; -1: there is none."""
        if self.regex is not None:
            found = self.regex.search(name, start, stop)
            return found.end() if found is not None else -1
        at = name.find(self.text, start, stop)
        return at + len(self.text) if at >= 0 else -1


@dataclass(frozen=True, slots=True)
class _Glob:
    """A glob: `first`, then after any characters each of `middle` and at the end `last`. `last`: None, if it has no
    `*`."""

    first: _Piece
    middle: tuple[_Piece, ...]
    last: _Piece | None

    def matches(self, name: str) -> bool:
        if not self.first.is_at(name, 0):
            return False
        start = len(self.first.text)
        if self.last is None:
            return start == len(name)
        stop = len(name) - len(self.last.text)
        if stop < start or not self.last.is_at(name, stop):
            return False
        for piece in self.middle:  # the first place of each is as good as any: the others come behind it
            start = piece.end_after(name, start, stop)
            if start < 0:
                return False
        return True


@lru_cache(maxsize=REMEMBERED)
def _glob(glob: str, one: str = ".") -> _Glob:
    first, *others = (_piece(text, one) for text in glob.split("*"))
    return _Glob(first, tuple(others[:-1]), others[-1] if others else None)


def _piece(text: str, one: str) -> _Piece:
    if "?" not in text:
        return _Piece(text, None)
    return _Piece(text, re.compile("".join(one if c == "?" else re.escape(c) for c in text), re.DOTALL))


@dataclass(frozen=True, slots=True)
class _Level:
    """One segment of a folder pattern: its placeholders, and the literal text before, between and behind them."""

    literals: tuple[str, ...]
    names: tuple[str, ...]

    def parts_in(self, segment: str) -> dict[str, str] | None:
        first, last = self.literals[0], self.literals[-1]
        if not self.names:
            return {} if segment == first else None
        stop = len(segment) - len(last)
        if not (segment.startswith(first) and segment.endswith(last)):
            return None
        parts = {}
        # From the right, the last place of each literal: what is left of it is then as long as can be.
        for name, literal in zip(reversed(self.names[1:]), reversed(self.literals[1:-1]), strict=True):
            at = segment.rfind(literal, len(first), stop - 1) if stop > len(first) else -1
            if at < 0:
                return None
            parts[name] = segment[at + len(literal) : stop]
            stop = at
        if stop <= len(first):
            return None
        parts[self.names[0]] = segment[len(first) : stop]
        return parts


@lru_cache(maxsize=REMEMBERED)
def _levels(pattern: str) -> tuple[_Level, ...]:
    taken_apart = (PLACEHOLDER.split(level) for level in pattern.split("/"))
    return tuple(_Level(tuple(pieces[::2]), tuple(pieces[1::2])) for pieces in taken_apart)
