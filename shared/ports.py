"""What Landfall needs from the outside. `adapters/` does it with Azure; `testbed/fakes.py` in memory.

A call that fails raises Unavailable if trying again may help (Denied, if the app's identity has no access). Outcomes
that a caller has to decide on are return values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import IO, Any, Protocol

from shared.core.deployment import Deployment
from shared.core.finding import Candidate
from shared.core.job import Job
from shared.core.location import Container, Location
from shared.core.open_facts import Reply, Way
from shared.core.references import Asset
from shared.core.route import Endpoint
from shared.core.snapshot import File
from shared.core.submission import Submission


@dataclass(frozen=True, slots=True)
class Listing:
    """The blobs directly in a folder, in the order of their names there, and the service's time when it answered.
    `has_folders`: it has sub-folders, too; `is_cut`: there are more blobs than were to be listed."""

    files: Sequence[File]
    seen_at: datetime
    has_folders: bool = False
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the blobs in a container, one after the other, named by their paths. `at`: where the page begins, and
    `next`: where the following one does; None: at the very beginning, and that there is none."""

    files: tuple[File, ...]
    at: str | None
    next: str | None


@dataclass(frozen=True, slots=True)
class Stored:
    """A blob as read: its bytes and the etag to replace exactly this version."""

    content: bytes
    etag: str


class Copied(Enum):
    """What came of a copy."""

    MADE = "made"
    STREAMED = "streamed"
    """Made, but its bytes passed through this app, because the service could not read the source."""
    THERE = "there"
    """There is a blob of that name already; it was left as it is."""
    SOURCE_CHANGED = "source changed"
    """The source is gone, or no longer the version that was asked for."""


class Blobs(Protocol):
    """Blob storage. Listings tell names as they are. A single blob is read, written, copied or removed only under a
    path that is safe (`require_safe`); any other raises InputRefused."""

    def is_hierarchical(self, container: Container) -> bool:
        """Whether the container's account has a hierarchy, so that files may be renamed into a folder without a change
        of their times. True as well where that cannot be found out. Never raises Unavailable."""
        ...

    def list_folder(self, folder: Location, *, most: int | None = None) -> Listing:
        """What is directly in a folder, but no more than `most` and one; what is in sub-folders, and directory markers,
        are left out."""
        ...

    def list_file(self, blob: Location) -> Listing:
        """What a listing of its folder would say of a blob, if there is one, without a listing: by one request that
        concerns no other blob."""
        ...

    def list_below(self, folder: Location) -> Iterable[File]:
        """Every blob below a folder, read as they are taken, in the order that the service has; names are relative to
        the folder."""
        ...

    def pages(self, container: Container, prefix: str, *, at: str | None = None) -> Iterable[Page]:
        """The blobs whose paths begin with the prefix, read as they are taken, in the order that the service has. `at`:
        where a page of an earlier list with the same prefix began; if the service does not know it any more, the list
        begins at its beginning, as its first page says."""
        ...

    def names(self, container: Container, prefix: str, *, folders: bool = False) -> Iterable[str]:
        """Blob names with that prefix in lexical order, read as they are taken; or with `folders` what follows the
        prefix in the paths of folders, up to the next slash. Directories are no blobs, and count as folders."""
        ...

    def stat(self, blob: Location) -> File | None:
        """A blob's properties, its name being its full path; None if there is none."""
        ...

    def read(self, blob: Location) -> Stored | None:
        """A small blob's content; None if there is none."""
        ...

    def create(self, blob: Location, content: bytes | IO[bytes]) -> bool:
        """Write a new blob; False, and nothing written, if there is one of that name already."""
        ...

    def replace(self, blob: Location, content: bytes, *, etag: str | None) -> bool:
        """Write a blob; with `etag` only over exactly that version, else False."""
        ...

    def delete(self, blob: Location, *, etag: str | None = None) -> None:
        """Remove a blob, with `etag` only that version; one that is not there is fine."""
        ...

    def remove_folder(self, folder: Location) -> bool:
        """Remove the directory that an account with a hierarchy has for a folder, if it is empty; whether none is left.
        Elsewhere folders are nothing but parts of names, and there is nothing to remove."""
        ...

    def copy(self, source: Location, target: Location, *, etag: str, size: int, md5: str | None) -> Copied:
        """Copy that version of the source to where nothing is: within the service, or through this app, in blocks,
        where the service cannot read the source. What is copied is compared with `md5` where one is known. Never
        changes an existing blob."""
        ...


@dataclass(frozen=True, slots=True)
class JobListing:
    """Jobs of an endpoint, and what is shown of them. If not `complete`, there may be others; `reason` says why."""

    jobs: tuple[Candidate, ...]
    complete: bool = True
    reason: str = ""


class BatchEndpoint(Protocol):
    """Azure ML batch endpoints."""

    def deployment(self, endpoint: Endpoint) -> Deployment | None:
        """The deployment that a submission goes to, and what it takes; None if that cannot be found out now. Never
        raises Unavailable: the service itself checks what it is sent, too."""
        ...

    def data_asset(self, endpoint: Endpoint, asset: Asset) -> str:
        """The id of a version of a data asset in the endpoint's workspace. Raises InputRefused if there is none, and
        Unavailable."""
        ...

    def outputs(self, endpoint: Endpoint, job: Job, names: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """URIs where a completed job may have written the outputs of these names, the likeliest first. Raises
        Unavailable."""
        ...

    def submit(self, endpoint: Endpoint, body: Mapping[str, Any]) -> Submission:
        """Send the POST once, and never again. Never raises Unavailable: every end is one of the answers."""
        ...

    def job(self, endpoint: Endpoint, job: Job, *, has_run: bool = False) -> Job | None:
        """The job as it is now; None if it is certain that there is none. A job that waits for nodes has a status that
        says so; with `has_run` it is known not to wait any more."""
        ...

    def jobs_since(self, endpoint: Endpoint, since: datetime, *, whole: bool = True) -> JobListing:
        """The endpoint's jobs that were made since then, or may have been. Not `whole`: only as far as they are likely
        to be there."""
        ...

    def cancel(self, endpoint: Endpoint, job: Job) -> bool:
        """Ask for a job to be canceled; False if the service says that there is nothing to cancel."""
        ...

    def explain(self, endpoint: Endpoint, job: Job) -> str | None:
        """Why a job failed, in the service's words and the script's; None if they are not to be had."""
        ...

    def logs(self, endpoint: Endpoint, job: Job) -> Mapping[str, str]:
        """What a job's script has logged, by the names of the logs: the end of each that is long, and the likeliest to
        tell what went wrong first. Raises Unavailable."""
        ...

    def check(self, endpoint: Endpoint) -> None:
        """Raise Unavailable or InputRefused, with what to do, unless the endpoint can take a submission."""
        ...


class Questions(Protocol):
    """What the doctor asks: the services' own replies, which the other ports translate, or make do without."""

    def identity(self) -> Sequence[str]:
        """What the app's identity is called: object and client id. Raises Unavailable if there is none."""
        ...

    def default_deployment(self, endpoint: Endpoint) -> str | None:
        """The name of the endpoint's default deployment, None if it has none. Raises Unavailable."""
        ...

    def listed(self, endpoint: Endpoint, way: Way) -> Reply:
        """What is said when the endpoint's jobs are listed in that way, and in no other."""
        ...

    def unknown_job(self, endpoint: Endpoint, *, names_deployment: bool) -> Reply:
        """What the scoring host says of a job that there never was, with or without the name of a deployment."""
        ...

    def run_history(self, endpoint: Endpoint) -> Reply:
        """What run history says of the same job. It is allowed to be read if it says that there is none."""
        ...

    def shown(self, endpoint: Endpoint, job: Job) -> tuple[Reply, Candidate | None]:
        """A job as the scoring host itself shows it; None if it does not."""
        ...

    def steps(self, endpoint: Endpoint, job: Job) -> Sequence[str]:
        """The statuses of the job's steps. Raises Unavailable."""
        ...

    def queue(self) -> tuple[Reply, str | None] | None:
        """What the queue of events says, and the text of a message in it, if there is one that can be seen. It stays
        there. None: the app reads no queue."""
        ...


class Announcer(Protocol):
    """Where the end of a run is announced."""

    def announce(self, kind: str, subject: str, data: Mapping[str, Any], *, event_id: str, time: datetime) -> None:
        """Send one CloudEvent. Raises Unavailable if it was not taken."""
        ...
