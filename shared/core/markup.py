"""HTML of texts that anybody may have written: blob names, messages of services, reasons that people gave.

A text becomes markup in one place only, and there it is escaped. Characters that would not be seen, or that turn around
what stands beside them, are shown by their numbers.
"""

from __future__ import annotations

import unicodedata
from html import escape

VOID = frozenset({"br", "input", "link", "meta"})
UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
"""Unicode categories: control and format characters (bidirectional ones among them), private use, lone surrogates, and
separators of lines and paragraphs."""
LONGEST = 2000
"""Characters of a text that are shown."""


class Markup(str):
    """Escaped already."""

    __slots__ = ()


def plain(text: str) -> str:
    """The text with everything visible, and none of it too long."""
    seen = "".join(one if unicodedata.category(one) not in UNSEEN else f"\\u{ord(one):04x}" for one in text[:LONGEST])
    return f"{seen}…" if len(text) > LONGEST else seen


def element(tag: str, /, *content: str | Markup | None, **attributes: str | int | bool | None) -> Markup:
    """An element; what is None is left out. Of attributes, a final underscore is dropped and others become hyphens;
    True stands for an attribute without a value, and False for none."""
    shown = "".join(
        _attribute(key, value) for key, value in attributes.items() if value is not None and value is not False
    )
    inner = "".join(_escaped(one) for one in content if one is not None)
    return Markup(f"<{tag}{shown}>" if tag in VOID else f"<{tag}{shown}>{inner}</{tag}>")


def joined(*parts: str | Markup | None) -> Markup:
    """One after the other."""
    return Markup("".join(_escaped(one) for one in parts if one is not None))


def _escaped(text: str | Markup) -> str:
    return text if isinstance(text, Markup) else escape(plain(text))


def _attribute(key: str, value: str | int | bool | None) -> str:
    name = key.removesuffix("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(plain(str(value)))}"'
