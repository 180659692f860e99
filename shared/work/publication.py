"""Laying a run's results in the lakehouse storage, all or nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from shared.core.location import Location
from shared.core.publication import MANIFEST, SUCCESS, difference, manifest, problem_with
from shared.core.run import Order, Status
from shared.errors import Unavailable
from shared.ports import Announcer, Blobs
from shared.telemetry import log
from shared.work.job import COPIES_AT_ONCE, names_of
from shared.work.ledger import Ledger


def list_outputs(blobs: Blobs, ledger: Ledger, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Note in the ledger what the attempt has written, and make room for it: `{"files"}`.

    `{"problem"}` if it cannot be published. If the run folder is sealed already, it stays as it is, and this is the
    publication that it holds: somebody was stopped before the ledger was told.
    """
    order = Order.from_payload(payload["order"])
    target = order.publication
    if (sealed := _sealed(blobs, order)) is not None:
        return sealed
    folder = order.output_folder_of(payload["attempt"])
    outputs = sorted(blobs.list_below(folder), key=lambda file: file.name)
    if problem := problem_with(outputs):
        return {"problem": f"{problem} ({folder.url})"}
    for leftover in {file.name for file in blobs.list_below(target)} - {file.name for file in outputs}:
        blobs.delete(Location(target.container, f"{target.path}/{leftover}"))  # of an attempt that was not finished
    listed = [{"name": f.name, "size": f.size, "etag": f.etag, "md5": f.md5} for f in outputs]
    ledger.keep("publications", order.run_id, {"source": folder.path, "outputs": listed})
    return {"files": len(listed)}


def _sealed(blobs: Blobs, order: Order) -> dict[str, Any] | None:
    folder = order.publication
    manifest = blobs.read(Location(folder.container, f"{folder.path}/{MANIFEST}"))
    if manifest is None or blobs.stat(Location(folder.container, f"{folder.path}/{SUCCESS}")) is None:
        return None
    return _publication(folder, json.loads(manifest.content)["outputs"])


def _publication(folder: Location, outputs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "url": folder.url,
        "container": folder.container.name,
        "path": folder.path,
        "outputs": len(outputs),
        "bytes": sum(output["size"] for output in outputs),
    }


def copy_outputs(blobs: Blobs, ledger: Ledger, payload: Mapping[str, Any]) -> None:
    """Copy outputs `start` to `stop` into the run folder, server side."""
    order = Order.from_payload(payload["order"])
    noted = ledger.kept("publications", order.run_id)
    source, target = order.output_folder_of(payload["attempt"]), order.publication

    def copy(file: Mapping[str, Any]) -> None:
        copied = blobs.copy(
            Location(source.container, f"{source.path}/{file['name']}"),
            Location(target.container, f"{target.path}/{file['name']}"),
            etag=file["etag"],
            size=file["size"],
            md5=file["md5"],
        )
        if not copied:
            raise Unavailable(f"{source.url}/{file['name']} changed while it was copied.")

    with ThreadPoolExecutor(COPIES_AT_ONCE) as pool:
        list(pool.map(copy, noted["outputs"][payload["start"] : payload["stop"]]))


def seal(blobs: Blobs, ledger: Ledger, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Compare every copy with its source, then write the manifest, then `_SUCCESS`; what the ledger is told."""
    order, published = Order.from_payload(payload["order"]), payload["now"]
    outputs = ledger.kept("publications", order.run_id)["outputs"]
    folder = order.publication
    found = {file.name: file for file in blobs.list_below(folder)}
    problems = [text for output in outputs if (text := difference(output, found.get(output["name"])))]
    strangers = found.keys() - {output["name"] for output in outputs} - {MANIFEST}
    problems += [f"{name} is none of the outputs" for name in sorted(strangers)]
    if problems:
        raise Unavailable(f"Not published to {folder.url}: {'; '.join(problems[:5])}.")
    document = ledger.run(order.run_id)
    if document is None:
        raise Unavailable(f"The ledger has no document of run {order.run_id}; was it deleted?")
    told = [{name: output[name] for name in ("name", "size", "md5")} for output in outputs]
    written = manifest(document, ledger.kept("snapshots", order.run_id), told, published)
    for name, content in ((MANIFEST, json.dumps(written, indent=1).encode()), (SUCCESS, b"")):
        blobs.replace(Location(folder.container, f"{folder.path}/{name}"), content, etag=None)
    publication = _publication(folder, outputs)
    log("run.published", **names_of(order), url=folder.url, outputs=len(outputs), bytes=publication["bytes"])
    return publication


KINDS = {Status.PUBLISHED: "Landfall.RunPublished", Status.FAILED: "Landfall.RunFailed"}


def announce(announcer: Announcer | None, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Announce how a run ended, if anybody wants to know. Announcing again uses the same event id."""
    kind, document = KINDS[Status(payload["document"]["status"])], payload["document"]
    if announcer is None:
        return {"announced": False}
    names = ("run_id", "route", "landing", "status", "publication", "error", "timings")
    data = {name: document[name] for name in names}
    moment = datetime.fromisoformat(payload["now"])
    subject = f"/routes/{document['route']}/runs/{document['run_id']}"
    announcer.announce(kind, subject, data, event_id=f"{document['run_id']}/{document['status']}", time=moment)
    log("run.announced", run_id=document["run_id"], route=document["route"], landing=document["landing"], kind=kind)
    return {"announced": True}
