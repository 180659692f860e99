"""A run: its identity, the order that tells how it is carried out, and its document in the ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.core.event import Landing
from shared.core.landing import landing_key
from shared.core.location import Container, Location, fill, is_safe, locate
from shared.core.payload import seconds
from shared.core.snapshot import Snapshot


class Status(StrEnum):
    """Where a run stands, as the ledger tells it."""

    CLAIMED = "claimed"
    SUBMITTING = "submitting"
    SCORING = "scoring"
    PUBLISHING = "publishing"
    PUBLISHED = "published"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    """The files changed while they were scored. Nothing was published; the new content is a run of its own."""


LONGEST_SUFFIX = "/" + "x" * 100
"""Room for the outputs' names below a run folder."""

ENDED = frozenset({Status.PUBLISHED, Status.FAILED, Status.SUPERSEDED})


def may_run_again(document: Mapping[str, Any], drop: str) -> bool:
    """Whether content that has had this run gets another one: if it was superseded before it was published, or if it
    failed and was dropped anew, which the etags (`drop`) tell."""
    if document["status"] == Status.SUPERSEDED:
        return True
    return bool(document["status"] == Status.FAILED and document["snapshot"]["drop"] != drop)


def run_id(route: str, landing: Location, fingerprint: str, number: int) -> str:
    """The identity of a run: the same content of the same landing gives the same id.

    `number` is 0, and one more each time content whose run has failed is dropped anew.
    """
    text = "\0".join((route, landing.url, fingerprint, str(number)))
    return f"{route}-{hashlib.sha256(text.encode()).hexdigest()[:20]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """All that carrying out a run needs, fixed when it is claimed: routes may change while it is under way.

    Holds addresses and numbers, no secrets. `{attempt}` is left open in `output_uri` and `output_path`.
    Durations are in seconds, `size` in bytes.
    """

    run_id: str
    route: str
    landing: str
    landing_key: str
    landing_account_url: str
    landing_container: str
    folder: str
    fingerprint: str
    drop: str
    files: int
    size: int
    scoring_uri: str
    deployment: str | None
    overrides: Mapping[str, Any]
    input_name: str
    input_type: str
    input_uri: str
    staged: bool
    may_stage: bool
    output_name: str
    output_uri: str
    output_path: str
    output_account_url: str
    output_container: str
    publish_account_url: str
    publish_container: str
    publish_path: str
    poll_first: float
    poll_longest: float
    start_deadline: float
    deadline: float
    refusal: str | None = None

    @property
    def landing_folder(self) -> Location:
        return Location(Container(self.landing_account_url, self.landing_container), self.folder)

    @property
    def publication(self) -> Location:
        """The run folder: it belongs to this run alone."""
        return Location(Container(self.publish_account_url, self.publish_container), self.publish_path)

    @property
    def staging_folder(self) -> Location:
        """Where copies of the files are put when the landing itself cannot be handed to the endpoint."""
        return Location(self._output_container, _for(self.output_path, "input").rpartition("/")[0])

    def output_uri_of(self, attempt: int) -> str:
        """The output that an attempt asks for, in Azure ML's notation; no two attempts share one."""
        return _for(self.output_uri, str(attempt))

    def output_folder_of(self, attempt: int) -> Location:
        """The folder that holds everything an attempt writes."""
        path = _for(self.output_path, str(attempt))
        return Location(self._output_container, path.rpartition("/")[0])

    def input_uri_of(self, *, staged: bool) -> str:
        """What the endpoint is given to score, in Azure ML's notation."""
        if not staged:
            return self.input_uri
        folder = _for(self.output_uri, "input").rpartition("/")[0]
        return f"{folder}/{self.landing.rpartition('/')[2]}" if self.input_type == "uri_file" else folder

    @property
    def _output_container(self) -> Container:
        return Container(self.output_account_url, self.output_container)

    def to_payload(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Order:
        return cls(**payload)


def write_order(
    landing: Landing, snapshot: Snapshot, *, number: int, refusal: str | None, restless: bool = False
) -> Order:
    """The order for scoring that snapshot of that landing; copies of it, if the landing is `restless`."""
    route = landing.route
    identity = run_id(route.name, landing.location, snapshot.fingerprint, number)
    values = {**landing.parts, "run_id": identity, "route": route.name, "landing": landing.path, "attempt": "{attempt}"}
    output_uri = fill(route.output_path, values)
    output = locate(output_uri, route.datastores)
    if output is None:
        raise ValueError(f"route {route.name!r}: output {output_uri!r} is in no known datastore")
    needed = snapshot.others > 0 and not route.takes_files
    copies = route.staging == "always" or (route.staging == "when_needed" and (needed or restless))
    if needed and route.staging == "never" and refusal is None:
        refusal = (
            f"The folder holds {snapshot.others} file(s) that the route does not score, and the endpoint would score "
            "them too. Remove them, or set staging to when_needed; then drop the files again."
        )
    publish_path = f"{fill(route.publish_path, values)}/run_id={identity}"
    if not is_safe(publish_path + LONGEST_SUFFIX) or not is_safe(output.path):
        refusal = f"The landing's name is too long for the paths that are made of it: {publish_path!r}."
    input_uri = fill(route.input_path, values)
    return Order(
        run_id=identity,
        route=route.name,
        landing=landing.path,
        landing_key=landing_key(route.name, landing),
        landing_account_url=route.landing.account_url,
        landing_container=route.landing.name,
        folder=landing.folder,
        fingerprint=snapshot.fingerprint,
        drop=snapshot.drop,
        files=len(snapshot.files),
        size=snapshot.size,
        scoring_uri=route.endpoint.scoring_uri,
        deployment=route.endpoint.deployment,
        overrides=_overrides(landing),
        input_name=route.input_name,
        input_type=route.input_type,
        input_uri=landing.location.url if input_uri.startswith("https://") else input_uri,
        staged=copies,
        may_stage=route.staging != "never",
        output_name=route.output_name,
        output_uri=output_uri,
        output_path=output.path,
        output_account_url=output.container.account_url,
        output_container=output.container.name,
        publish_account_url=route.publish.account_url,
        publish_container=route.publish.name,
        publish_path=publish_path,
        poll_first=seconds(route.polling.first),
        poll_longest=seconds(route.polling.longest),
        start_deadline=seconds(route.polling.start_deadline),
        deadline=seconds(route.polling.deadline),
        refusal=refusal,
    )


def _for(template: str, attempt: str) -> str:
    # Not `fill`: the other placeholders are filled in already, and a folder's own name may hold braces.
    return template.replace("{attempt}", attempt)


def _overrides(landing: Landing) -> dict[str, Any]:
    endpoint = landing.route.endpoint
    chosen = {
        "mini_batch_size": endpoint.mini_batch_size,
        "instance_count": endpoint.instance_count,
        "error_threshold": endpoint.error_threshold,
        "max_retries": endpoint.max_retries,
        "timeout": None if endpoint.timeout is None else int(seconds(endpoint.timeout)),
    }
    return {name: value for name, value in chosen.items() if value is not None}


def first_document(order: Order, *, claimed_by: str, number: int, now: datetime) -> dict[str, Any]:
    """The ledger document of a run that has just been claimed."""
    return {
        "run_id": order.run_id,
        "revision": 0,
        "route": order.route,
        "landing": f"{order.landing_container}/{order.landing}",
        "landing_key": order.landing_key,
        "status": Status.CLAIMED.value,
        "number": number,
        "claimed_by": claimed_by,
        "created": now.isoformat(),
        "updated": now.isoformat(),
        "snapshot": {"files": order.files, "bytes": order.size, "fingerprint": order.fingerprint, "drop": order.drop},
        "order": order.to_payload(),
        "attempt": 1,
        "abandoned": [],
        "attempts": [],
        "staged": False,
        "job": None,
        "timings": {"claimed": now.isoformat()},
        "publication": None,
        "error": None,
    }
