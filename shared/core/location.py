"""Where things are: containers, blob paths, the forms in which Azure ML refers to them, and path templates.

Source of the `azureml://` forms: Azure docs, how-to-access-data-batch-endpoints-jobs, and azure-ai-ml's own patterns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote

from shared.core.record import Record
from shared.errors import InputRefused

LONGEST_BLOB_NAME = 1024
"""Characters. Source: Azure docs, naming-and-referencing-containers--blobs--and-metadata."""

PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)\}")

_ODD = re.compile(r"[\x00-\x1f\x7f-\x9f\\\ud800-\udfff\ufffe\uffff]|(?:\A|/)\.{0,2}(?:/|\Z)")

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
        return f"{self.url}/{quote(path, safe='/=', errors='surrogatepass')}"


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
    """Whether a blob path means one and the same place to everybody: no empty, `.` or `..` segment, which clients of
    HTTP and file systems resolve; no backslash, which some take for a slash; no control character; and nothing that
    UTF-8 or the XML of a listing cannot hold (surrogates, U+FFFE, U+FFFF)."""
    return len(path) <= LONGEST_BLOB_NAME and _ODD.search(path) is None


SAFE = (
    "no empty, . or .. segment, no backslash, no control character or surrogate, "
    f"and at most {LONGEST_BLOB_NAME} characters"
)
"""What a path has that is safe, for people."""


def require_safe(blob: Location) -> None:
    """Raise InputRefused unless a blob's path is safe: what is asked of `a/../b` over HTTP is done to `b`."""
    if not is_safe(blob.path):
        raise InputRefused(f"{blob.path!r} in {blob.container.url} is not used: a path has {SAFE}.")


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


def prefixes_overlap(one: str, other: str) -> bool:
    """Whether something below one prefix could be below the other too."""
    return one.startswith(other) or other.startswith(one)


def _tidy(path: str) -> str:
    return "/".join(segment for segment in path.split("/") if segment)
