"""Publishing a run's results to the lakehouse storage, all or nothing.

What is sealed is never changed again, however late another execution comes. Whoever lists the outputs first pins the
list in the ledger; nothing that equals it is removed, copies are only made where there is no blob yet, and the manifest
and `_SUCCESS` are written once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from shared.core.location import Location
from shared.core.outputs import MANIFEST, SUCCESS
from shared.core.publication import (
    leftovers,
    manifest,
    problem_with,
    problems_with,
    publication_of,
    told_of,
)
from shared.core.record import Done, dump
from shared.core.run import Published, Status
from shared.core.snapshot import File, Frozen
from shared.core.steps import (
    AnnounceRun,
    CopyAnswer,
    CopyOutputs,
    ListAnswer,
    Listed,
    Publish,
    Sealed,
    SealPublication,
    Source,
    Streamed,
    Unpublishable,
)
from shared.errors import LedgerDamaged, Unavailable
from shared.ports import Announcer, Blobs, Copied
from shared.spool import document, spooled
from shared.telemetry import log
from shared.threads import each
from shared.work.copying import COPIES_AT_ONCE, copy_frozen
from shared.work.ledger import Ledger


def list_outputs(blobs: Blobs, ledger: Ledger, given: Publish) -> ListAnswer:
    """Pin what the attempt has written, and remove what else lies in the run folder.

    A run folder that is sealed stays as it is, and this is the publication that it holds: somebody was stopped before
    the ledger was told.

    Two at once: the first one's list serves both. Only blobs that are no copy of an output are removed, in the version
    that was seen; so no copy is ever removed, however late this is done.
    """
    target = given.target
    if (sealed := _sealed(blobs, target)) is not None:
        return Sealed(sealed)
    written = spooled(_written(blobs, given.all_sources))
    if problem := problem_with(written):
        where = ", ".join(source.folder.url for source in given.all_sources)
        return Unpublishable(f"{problem.message.rstrip('.')} ({where}).", problem.do)
    frozen = (Frozen(name=f.name, etag=f.etag, size=f.size, md5=f.md5) for f in written)
    outputs = ledger.pin_outputs(given.names.run, given.attempt, frozen)
    for leftover in leftovers(outputs, spooled(blobs.list_below(target))):
        blobs.delete(target.at(leftover.name), etag=leftover.etag)
    return Listed(len(outputs))


def _written(blobs: Blobs, sources: Iterable[Source]) -> Iterator[File]:
    for source in sources:
        for file in blobs.list_below(source.folder):
            if source.only in (None, file.name):
                yield replace(file, name=source.published_as(file.name))


def copy_outputs(blobs: Blobs, ledger: Ledger, given: CopyOutputs) -> CopyAnswer:
    """Copy outputs into the run folder.

    Two at once: a copy never changes an existing blob.
    """
    publish = given.publish
    outputs = ledger.outputs(given.names.run, publish.attempt)[given.start : given.stop]

    def copy(output: Frozen) -> Copied:
        source = publish.written_at(output.name)
        copied = copy_frozen(blobs, source, publish.target.at(output.name), output)
        if copied is Copied.SOURCE_CHANGED:
            raise Unavailable(f"{source.url} changed after the outputs were listed.")
        return copied

    streamed = each(copy, outputs, at_once=COPIES_AT_ONCE).count(Copied.STREAMED)
    return Streamed(streamed) if streamed else Done()


def seal(blobs: Blobs, ledger: Ledger, given: SealPublication) -> Sealed:
    """Compare every copy with its source, then write the manifest, then `_SUCCESS`.

    Two at once: both have compared the same copies, and whoever comes first writes. Where `_SUCCESS` is, nothing is
    written.
    """
    target, names = given.publish.target, given.names
    if (sealed := _sealed(blobs, target)) is not None:
        return Sealed(sealed)
    outputs = ledger.outputs(names.run, given.publish.attempt)
    if problems := list(islice(problems_with(outputs, spooled(blobs.list_below(target))), 5)):
        raise Unavailable(f"Could not publish to {target.url}: {'; '.join(problems)}.")
    run = ledger.run(names.run)
    if run is None:
        raise LedgerDamaged(f"The ledger has no record of run {names.run}; was it deleted?")
    files = ledger.snapshot(run.run_id, run.snapshot.drop)
    with document(manifest(run, files, outputs, given.now, streamed=given.streamed)) as content:
        is_first = blobs.create(target.at(MANIFEST), content)
    if not is_first:
        _require_own_manifest(blobs, target, outputs)
    blobs.create(target.at(SUCCESS), b"")
    publication = publication_of(target, (output.size for output in outputs), streamed=given.streamed)
    told = {"outputs": publication.outputs, "bytes": publication.bytes, "streamed": publication.streamed}
    log("run.published", **dump(names), url=target.url, **told)
    return Sealed(publication)


def _require_own_manifest(blobs: Blobs, folder: Location, outputs: Iterable[Frozen]) -> None:
    """The manifest that is there tells of these outputs, or is removed so that the next try can write its own."""
    there = blobs.read(folder.at(MANIFEST))
    if there is not None and _outputs_in(there.content) != list(map(told_of, outputs)):
        blobs.delete(folder.at(MANIFEST), etag=there.etag)
        raise Unavailable(f"{folder.url}/{MANIFEST} does not list this run's outputs; it was removed.")


def _outputs_in(content: bytes) -> object:
    try:
        return json.loads(content)["outputs"]
    except (ValueError, LookupError, TypeError):
        return None


def _sealed(blobs: Blobs, folder: Location) -> Published | None:
    written = blobs.read(folder.at(MANIFEST))
    if written is None or blobs.stat(folder.at(SUCCESS)) is None:
        return None
    told = json.loads(written.content)
    streamed = told.get("streamed", {}).get("outputs", 0)  # manifests of before have no such member
    return publication_of(folder, [output["size"] for output in told["outputs"]], streamed=streamed)


KINDS = {
    Status.PUBLISHED: "Landfall.RunPublished",
    Status.FAILED: "Landfall.RunFailed",
    Status.CANCELED: "Landfall.RunCanceled",
}
SHADOW_KINDS = {
    Status.PUBLISHED: "Landfall.ShadowPublished",
    Status.FAILED: "Landfall.ShadowFailed",
    Status.CANCELED: "Landfall.ShadowCanceled",
}
"""Of their own, so that nobody who waits for results takes a shadow's for one."""


def announce(announcer: Announcer | None, given: AnnounceRun) -> Done:
    """Announce how a run has ended, if anybody wants to know.

    Two at once: both announcements have the same event id.
    """
    kinds = KINDS if given.shadow_of is None else SHADOW_KINDS
    kind, names = kinds.get(given.status), given.names
    if announcer is None or kind is None:
        return Done()
    told = dump(given)
    data = {
        "run_id": names.run,
        "route": names.route,
        "landing": names.landing,
        **{name: told.get(name) for name in ("status", "publication", "timings")},
        "error": given.error.shown if given.error is not None else None,
        **({"shadow_of": given.shadow_of} if given.shadow_of is not None else {}),
    }
    subject, event_id = f"/routes/{names.route}/runs/{names.run}", f"{names.run}/{given.status}"
    announcer.announce(kind, subject, data, event_id=event_id, time=given.now)
    log("run.announced", **dump(names), kind=kind)
    return Done()
