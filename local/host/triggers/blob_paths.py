"""Which blobs the path of a blob trigger means, and what their names tell. Pure.

Source: Azure/azure-webjobs-sdk, BindingTemplateSource.cs: the whole path is matched, a parameter takes as much as it
can, slashes included, and doubled braces are braces. Azure/azure-sdk-for-net, BlobPathSource.cs: the container is a
plain name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PIECE = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}]*)\}|[{}]|[^{}]+")


class BadBlobPath(Exception):
    """The path of a blob trigger is none that Azure would take."""

    def __init__(self, function: str, path: str, reason: str) -> None:
        super().__init__(
            f"The function '{function}' has the blob path '{path}', in which {reason}; it must be a container, or "
            "'container/pattern' with names in braces, such as 'landing/{name}.csv'."
        )


@dataclass(frozen=True, slots=True)
class BlobPath:
    """`literal` is what every name begins with; it saves listing what cannot match."""

    container: str
    literal: str
    names: re.Pattern[str]
    parameters: tuple[str, ...]

    def match(self, name: str) -> dict[str, str] | None:
        """What the name of a blob tells, by parameter; None: it is not meant."""
        found = self.names.fullmatch(name)
        return dict(zip(self.parameters, found.groups(), strict=True)) if found else None


def blob_path(function: str, path: str) -> BlobPath:
    """The path of a blob trigger, its settings filled in. Raises BadBlobPath."""
    container, _, pattern = path.strip("/").partition("/")
    if not container or "{" in container:
        raise BadBlobPath(function, path, "the container has no plain name")
    if not pattern:
        return BlobPath(container.lower(), "", re.compile(".*", re.DOTALL), ())
    literal, expression, parameters = "", "", list[str]()
    for piece in _PIECE.finditer(pattern):
        name, text = piece["name"], piece[0]
        if name is not None:
            if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
                raise BadBlobPath(function, path, f"'{text}' is not a name in braces")
            if name.lower() in map(str.lower, parameters):
                raise BadBlobPath(function, path, f"'{text}' stands twice")
            parameters.append(name)
            expression += "(.*)"
            continue
        if text in ("{", "}"):
            raise BadBlobPath(function, path, f"a '{text}' has no partner")
        text = text[0] if text in ("{{", "}}") else text
        literal += "" if parameters else text
        expression += re.escape(text)
    return BlobPath(container.lower(), literal, re.compile(expression, re.DOTALL), tuple(parameters))
