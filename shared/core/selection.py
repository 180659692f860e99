"""Which files of a landing are scored, by their names; and whether two such selections have a file in common.

Where case is ignored, names and globs are compared as `folded` spells them: one rule for matching and for comparing
selections, so that the two cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shared.core.matching import can_both_match, covers, glob_matches


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The files that a glob of `files` matches, and none of `exclude`."""

    files: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    ignores_case: bool = False

    def has(self, name: str) -> bool:
        """Whether a file of that name (no folder) is selected."""
        spelt = self._spell(name)
        return _any_matches(self.files, spelt, self._spell) and not _any_matches(self.exclude, spelt, self._spell)

    def is_same(self, one: str, other: str) -> bool:
        """Whether two names count as one."""
        return self._spell(one) == self._spell(other)

    @property
    def is_void(self) -> bool:
        """Whether `exclude` certainly leaves out everything that `files` matches."""
        return all(self._leaves_out(glob, self) for glob in self.files)

    def may_share_a_file_with(self, other: Selection) -> bool:
        """Whether a name may be in both selections. False is certain; True may be wrong where several globs of
        `exclude` only together leave out what the two have in common."""
        spell = folded if self.ignores_case or other.ignores_case else str
        return any(
            can_both_match(spell(ours), spell(theirs))
            and not self._leaves_out(theirs, other)
            and not other._leaves_out(ours, self)
            for ours in self.files
            for theirs in other.files
        )

    def _leaves_out(self, glob: str, of: Selection) -> bool:
        """Whether no name that `glob` of that selection matches can be in this one."""
        if of.ignores_case and not self.ignores_case:
            return False  # it matches names in spellings that this one does not leave out
        return any(covers(self._spell(one), self._spell(glob)) for one in self.exclude)

    @property
    def _spell(self) -> Callable[[str], str]:
        return folded if self.ignores_case else str


def folded(text: str) -> str:
    """The text without the difference of upper and lower case. Its length stays, so that `?` is one character in
    either spelling; a letter that Unicode folds to several stays as it is."""
    if text.isascii():
        return text.lower()
    return "".join(fold if len(fold := letter.casefold()) == 1 else letter for letter in text)


def _any_matches(globs: tuple[str, ...], name: str, spell: Callable[[str], str]) -> bool:
    return any(glob_matches(spell(glob), name) for glob in globs)
