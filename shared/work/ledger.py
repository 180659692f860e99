"""The durable record of every run: one JSON document each, in a container that belongs to Landfall.

runs/<run_id>.json              the run's document
snapshots/<run_id>.json         the files it scores, with their etags
days/<yyyy-mm-dd>/<time>_<run_id>   an empty pointer, so that runs can be listed newest first without reading them all
posts/<run_id>/<attempt>        says that this attempt's POST may have been sent
publications/<run_id>.json      what is copied to the lakehouse storage
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.core.location import Container, Location
from shared.core.run import ENDED
from shared.errors import Unavailable
from shared.ports import Blobs
from shared.telemetry import log

READS_AT_ONCE = 16

HAUNTED = timedelta(days=1)
"""How long after a run's end jobs of abandoned attempts are looked for."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger in one container."""

    blobs: Blobs
    container: Container

    def claim(self, document: Mapping[str, Any], snapshot: Mapping[str, Any]) -> dict[str, Any] | None:
        """Enter a new run; None when it was entered now, else the document that has been there before.

        The document is written last: where it is, the snapshot and the pointers are, too.
        """
        run, created = document["run_id"], datetime.fromisoformat(document["created"])
        known = self.run(run)
        if known is not None:
            return known
        for pointer in (f"open/{run}", _day_pointer(run, created)):
            self.blobs.replace(self._at(pointer), b"", etag=None)
        self.keep("snapshots", run, snapshot)
        entered = self.blobs.create(self._at(f"runs/{run}.json"), _encode(document))
        return None if entered else self.run(run)

    def run(self, run_id: str) -> dict[str, Any] | None:
        """A run's document."""
        return self._read(f"runs/{run_id}.json")

    def update(self, run_id: str, fields: Mapping[str, Any], now: datetime) -> None:
        """Bring a run's document up to date. An older revision than the recorded one changes nothing."""
        blob = self._at(f"runs/{run_id}.json")
        for _ in range(5):
            stored = self.blobs.read(blob)
            if stored is None:
                raise Unavailable(f"The ledger has no document of run {run_id}; was {blob.url} deleted?")
            document = json.loads(stored.content)
            if fields["revision"] <= document["revision"]:
                return
            document.update(fields, updated=now.isoformat())
            if self.blobs.replace(blob, _encode(document), etag=stored.etag):
                if document["status"] in ENDED and not document["abandoned"]:
                    self.blobs.delete(self._at(f"open/{run_id}"))
                return
        raise Unavailable(f"The ledger's document of run {run_id} keeps being changed by somebody else.")

    def keep(self, kind: str, run_id: str, document: Mapping[str, Any]) -> None:
        """Store a run's snapshot or publication list."""
        self.blobs.replace(self._at(f"{kind}/{run_id}.json"), _encode(document), etag=None)

    def kept(self, kind: str, run_id: str) -> dict[str, Any]:
        """What `keep` stored."""
        document = self._read(f"{kind}/{run_id}.json")
        if document is None:
            raise Unavailable(f"The ledger has no {kind}/{run_id}.json; was it deleted?")
        return document

    def may_post(self, run_id: str, attempt: int, who: str) -> bool:
        """Whether `who` is the one to send this attempt's POST. True for one caller only, however often it asks."""
        blob = self._at(f"posts/{run_id}/{attempt}")
        if self.blobs.create(blob, who.encode()):
            return True
        # A create whose answer was lost is repeated by the storage client and then finds its own blob.
        stored = self.blobs.read(blob)
        return stored is not None and stored.content == who.encode()

    def newest(self, *, since: datetime | None = None) -> Iterator[dict[str, Any]]:
        """Runs from the newest to the oldest claimed, lazily; with `since` none that was claimed before it."""
        since = since.astimezone(UTC) if since is not None else None
        days = sorted(self.blobs.names(self.container, "days/", folders=True), reverse=True)
        for day in days:
            if since is not None and day < f"{since:%Y-%m-%d}":
                return
            for document in self._runs_of(day):
                if since is not None and datetime.fromisoformat(document["created"]) < since:
                    return
                yield document

    def _runs_of(self, day: str) -> Iterator[dict[str, Any]]:
        names = sorted(self.blobs.names(self.container, f"days/{day}/"), reverse=True)
        with ThreadPoolExecutor(READS_AT_ONCE) as pool:
            for start in range(0, len(names), READS_AT_ONCE):
                some = names[start : start + READS_AT_ONCE]
                documents = pool.map(self.run, [name.rpartition("_")[2] for name in some])
                yield from (d for name, d in zip(some, documents, strict=True) if d is not None and _is_of(name, d))

    def unfinished(self, now: datetime) -> Iterator[dict[str, Any]]:
        """Every run that has not ended, and for some time those that may still be haunted by jobs they abandoned."""
        for name in list(self.blobs.names(self.container, "open/")):
            document = self.run(name.removeprefix("open/"))
            if document is None:
                continue  # it is being claimed just now, or its claim was cut short and will be made again
            since = now - datetime.fromisoformat(document["updated"])
            if document["status"] in ENDED and (not document["abandoned"] or since > HAUNTED):
                self.blobs.delete(self._at(name))
                continue
            yield document

    def check(self) -> None:
        """Raise Unavailable unless the container answers."""
        next(iter(self.blobs.names(self.container, "days/", folders=True)), None)

    def _read(self, path: str) -> dict[str, Any] | None:
        stored = self.blobs.read(self._at(path))
        return None if stored is None else json.loads(stored.content)

    def _at(self, path: str) -> Location:
        return Location(self.container, path)


def record(ledger: Ledger, payload: Mapping[str, Any]) -> None:
    """Bring a run's document up to date and say so."""
    document = payload["document"]
    ledger.update(document["run_id"], document, datetime.fromisoformat(payload["now"]))
    log(
        "run.recorded",
        run_id=document["run_id"],
        instance_id=document["run_id"],
        route=payload["route"],
        landing=payload["landing"],
        status=document["status"],
        attempt=document["attempt"],
        job=(document["job"] or {}).get("name"),
        error=(document["error"] or {}).get("message"),
    )


def _day_pointer(run_id: str, created: datetime) -> str:
    return f"days/{created:%Y-%m-%d}/{created:%H%M%S%f}_{run_id}"


def _is_of(pointer: str, document: Mapping[str, Any]) -> bool:
    # A claim that was cut short and made again later has left a pointer by its first time, too.
    return pointer == _day_pointer(document["run_id"], datetime.fromisoformat(document["created"]))


def _encode(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, indent=1).encode()
