"""Where things are: containers, blob paths, the forms in which Azure ML refers to them, and path templates.

Source of the `azureml://` forms: Azure docs, how-to-access-data-batch-endpoints-jobs, and azure-ai-ml's own patterns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote, unquote

from shared.core.record import Record

PATTERNS = 2048
"""Compiled patterns that are remembered: a few for each of some hundred routes."""

LONGEST_BLOB_NAME = 1024
"""Characters. Source: Azure docs, naming-and-referencing-containers--blobs--and-metadata."""

PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)\}")

_DATASTORE = re.compile(
    r"^(?:azureml:)?/*(?:/?subscriptions/[^/]+/resourcegroups/[^/]+(?:/providers/[^/]+)?/workspaces/[^/]+/)?"
    r"datastores/(?P<name>[^/]+)/paths/(?P<path>.*)$",
    re.IGNORECASE,
)


class Container(Record, frozen=True):
    """A blob container. `account_url` has no trailing slash."""

    account_url: str
    name: str

    @property
    def url(self) -> str:
        return f"{self.account_url}/{self.name}"

    @property
    def identity(self) -> tuple[str, str]:
        """Account and container: the same however the account's URL is written."""
        return account_of(self.account_url), self.name

    @property
    def filesystem_url(self) -> str:
        """The same container at the account's Data Lake endpoint. Emulators have one address for both."""
        return f"{self.account_url.replace('.blob.', '.dfs.', 1)}/{self.name}"

    def url_of(self, path: str) -> str:
        """The URL of a blob or folder in it, percent-encoded."""
        return f"{self.url}/{quote(path, safe='/=')}"


class Location(Record, frozen=True):
    """A blob or a folder in a container. `path` has no leading or trailing slash."""

    container: Container
    path: str

    @property
    def url(self) -> str:
        return self.container.url_of(self.path)

    @property
    def is_spelled_otherwise_in_urls(self) -> bool:
        """Whether its path has characters that a URL can only have percent-encoded."""
        return self.url != f"{self.container.url}/{self.path}"

    @property
    def parent(self) -> Location:
        """The folder that it is in."""
        return Location(self.container, self.path.rpartition("/")[0])

    @property
    def name(self) -> str:
        """The last segment of its path."""
        return self.path.rpartition("/")[2]

    def at(self, name: str) -> Location:
        """What is below this folder under that name."""
        return Location(self.container, f"{self.path}/{name}".lstrip("/"))


def account_of(account_url: str) -> str:
    """The account's name: first label of the host, or first path segment for emulators' path-style URLs."""
    host, _, path = account_url.removeprefix("https://").removeprefix("http://").partition("/")
    return (path.strip("/").split("/")[0] or host.split(".")[0]).lower()


def is_safe(path: str) -> bool:
    """Whether a blob path can be used as it is: no empty, `.` or `..` segment, no backslash, no control character."""
    if not path or len(path) > LONGEST_BLOB_NAME or "\\" in path or any(ord(c) < 32 or ord(c) == 127 for c in path):
        return False
    return not any(segment in ("", ".", "..") for segment in path.split("/"))


def locate(reference: str, datastores: Mapping[str, Container], known: tuple[Container, ...] = ()) -> Location | None:
    """What a reference points at, or None when it points at nothing known.

    Datastore forms (`azureml://datastores/NAME/paths/P`, the long form, the ARM id form) are resolved by `datastores`;
    https URLs only when they are inside one of `known` or of the datastores' containers. Double slashes are one.
    """
    if match := _DATASTORE.match(reference):
        container = datastores.get(match["name"])
        return Location(container, _tidy(match["path"])) if container else None
    for container in (*known, *datastores.values()):
        if reference.startswith(container.url + "/"):
            return Location(container, _tidy(unquote(reference[len(container.url) + 1 :])))
    return None


def placeholders(template: str) -> frozenset[str]:
    """The names of a template's placeholders."""
    return frozenset(PLACEHOLDER.findall(template))


def fill(template: str, values: Mapping[str, str]) -> str:
    """The template with its placeholders replaced. A placeholder without a value raises KeyError."""
    return PLACEHOLDER.sub(lambda match: values[match[1]], template)


def fixed_prefix(template: str) -> str:
    """The part of a template that is the same for every value: all before its first placeholder."""
    return template.split("{", 1)[0]


@lru_cache(maxsize=PATTERNS)
def pattern_regex(pattern: str) -> re.Pattern[str]:
    """What a folder pattern matches: each `{name}` is one or more characters of a single path segment."""
    parts = PLACEHOLDER.split(pattern)
    literal = [re.escape(part) if i % 2 == 0 else f"(?P<{part}>[^/]+)" for i, part in enumerate(parts)]
    return re.compile("".join(literal))


@lru_cache(maxsize=PATTERNS)
def above_regex(pattern: str) -> re.Pattern[str]:
    """Matches the beginning of the paths of all folders that a folder pattern matches, and of all below them, as far as
    the pattern goes."""
    return re.compile(f"{pattern_regex(pattern).pattern}(?=/|\\Z)")


@lru_cache(maxsize=PATTERNS)
def glob_regex(glob: str) -> re.Pattern[str]:
    """What a file glob matches within a folder: `*` any characters, `?` one; case matters, as in blob names."""
    return re.compile("".join({"*": "[^/]*", "?": "[^/]"}.get(c, re.escape(c)) for c in glob))


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


def prefixes_overlap(one: str, other: str) -> bool:
    """Whether something below one prefix could be below the other too."""
    return one.startswith(other) or other.startswith(one)


def _tidy(path: str) -> str:
    return "/".join(segment for segment in path.split("/") if segment)
