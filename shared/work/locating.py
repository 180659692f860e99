"""Finding outputs that have no path of their own: the deployment wrote them to its default place."""

from __future__ import annotations

from collections.abc import Iterable

from shared.core.hints import ONCE_MORE
from shared.core.location import Location, locate
from shared.core.outputs import Output
from shared.core.record import dump
from shared.core.steps import LocateAnswer, Located, LocateOutputs, Unpublishable
from shared.ports import BatchEndpoint, Blobs
from shared.telemetry import log


def locate_outputs(endpoint: BatchEndpoint, blobs: Blobs, given: LocateOutputs) -> LocateAnswer:
    """Where the outputs of a completed job are. Of all places where one may be, by what the service says and by what is
    documented, the first counts where something lies.

    Two at once: it only reads.
    """
    written = endpoint.outputs(given.endpoint, given.job, given.outputs)
    found = tuple(output for name, uris in written.items() if (output := _found(blobs, given, name, uris)) is not None)
    missing = sorted(set(given.outputs) - {output.name for output in found})
    if missing:
        looked = ", ".join(uri for uris in written.values() for uri in uris)
        return Unpublishable(
            f"Job {given.job.name} completed, but no output {', '.join(missing)} was found"
            + (f"; nothing lies at {looked}, or the route's datastores do not name its datastore" if looked else "")
            + ".",
            f"Give the output a path in the route. {ONCE_MORE}",
        )
    log("outputs.located", **dump(given.names), job=given.job.name, outputs={one.name: one.uri for one in found})
    return Located(found)


def _found(blobs: Blobs, given: LocateOutputs, name: str, uris: Iterable[str]) -> Output | None:
    for uri in uris:
        place = locate(uri, given.datastores)
        if place is None:
            continue
        if _is_folder(blobs, place):
            return Output(name=name, uri=uri, place=place, type="uri_folder")
        if blobs.stat(place) is not None:
            return Output(name=name, uri=uri, place=place, type="uri_file")
    return None


def _is_folder(blobs: Blobs, place: Location) -> bool:
    return next(iter(blobs.names(place.container, f"{place.path}/")), None) is not None
