"""What is written to the run folder: the outputs under their own names, then `_run.json`, then `_SUCCESS`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.core.hints import ONCE_MORE, Objection
from shared.core.inputs import Input
from shared.core.location import SAFE, Location, is_safe
from shared.core.outputs import OWN_NAMES, Output
from shared.core.record import change, dump
from shared.core.run import Published, Run
from shared.core.snapshot import File, Frozen, paired
from shared.core.steps import Publish, Source

FORMAT = 1
"""Version of the manifest's layout. Readers may rely on members staying; new ones may come."""

FILES_PER_CHUNK = 250
"""Files that one activity copies."""


def to_publish(run: Run) -> Publish:
    """What is to be published of a run: one output directly, several in a folder each."""
    written = run.written
    where = Publish(names=run.names, attempt=run.attempt, target=run.spec.publish)
    if len(written) == 1 and not run.located:
        return change(where, source=written[0].folder)
    several = len(written) > 1
    return change(where, sources=tuple(_source(one, run, several=several) for one in written))


def _source(output: Output, run: Run, *, several: bool) -> Source:
    # Around a file of a pipeline that was found there may be its other outputs. Any other has its folder for itself.
    is_among_others = output in run.located and run.job is not None and run.job.is_pipeline
    only = output.place.name if is_among_others and output.type == "uri_file" else None
    return Source(folder=output.folder, only=only, into=output.name if several else "")


def chunks(files: int) -> Iterator[tuple[int, int]]:
    """Ranges (start, stop) that cover that many files."""
    for start in range(0, files, FILES_PER_CHUNK):
        yield start, min(start + FILES_PER_CHUNK, files)


def problem_with(outputs: Sequence[File]) -> Objection | None:
    """Why these outputs cannot be published, or None."""
    if not outputs:
        return Objection(
            "The job completed, but its output folder is empty.",
            f"Check the deployment's output_action, and the job's logs. {ONCE_MORE}",
        )
    unusable = (file.name for file in outputs if not is_safe(file.name))
    if (first := next(unusable, None)) is not None:
        return Objection(
            f"The job wrote {1 + sum(1 for _ in unusable)} file(s) whose names cannot be used, {first!r} for one.",
            f"Have the job write them under other names: a usable one has {SAFE}. {ONCE_MORE}",
        )
    # With a hierarchy, a folder of such a name keeps the file from being written.
    taken = sorted({top for file in outputs if (top := file.name.partition("/")[0]) in OWN_NAMES})
    if taken:
        return Objection(
            f"The job wrote {', '.join(taken)}, which is reserved in the run folder.",
            f"Have the job write it under another name. {ONCE_MORE}",
        )
    return None


def leftovers(outputs: Iterable[Frozen], there: Iterable[File]) -> Iterator[File]:
    """The files in a run folder that are not copies of an output: foreign ones, or those of an interrupted attempt.
    Both lists are in the order of names."""
    for output, file in paired(outputs, there):
        if file is not None and file.name not in OWN_NAMES and (output is None or difference(output, file)):
            yield file


def difference(expected: Frozen, copied: File | None) -> str | None:
    """How a copy differs from its source, or None. MD5s are compared where the service has both."""
    name = expected.name
    if copied is None:
        return f"{name} is missing after the copy"
    if copied.size != expected.size:
        return f"{name} has {copied.size} bytes after the copy; its source has {expected.size}"
    if copied.md5 and expected.md5 and copied.md5 != expected.md5:
        return f"{name} does not have the MD5 of its source after the copy"
    return None


def problems_with(outputs: Iterable[Frozen], there: Iterable[File]) -> Iterator[str]:
    """Why a run folder that holds `there` cannot be sealed yet. Both lists are in the order of names."""
    for output, file in paired(outputs, there):
        if output is None:
            if file is not None and file.name not in OWN_NAMES:
                yield f"{file.name} is not one of the outputs"
        elif problem := difference(output, file):
            yield problem


def manifest(
    run: Run, files: Iterable[Frozen], outputs: Iterable[Frozen], published: datetime, *, streamed: int = 0
) -> Iterator[bytes]:
    """`_run.json`, piece by piece: what was scored, by whom, and what came out. Sizes in bytes, MD5s base64, times
    ISO 8601 UTC. `streamed`: how many of the copies that were made went through the app."""
    lists: Mapping[str, Iterator[dict[str, Any]]] = {"files": map(_scored, files), "outputs": map(told_of, outputs)}
    for number, (name, value) in enumerate(_manifest(run, published, streamed).items()):
        yield f"{',' if number else '{'}\n {json.dumps(name)}: ".encode()
        if name in lists:
            yield from _listed(lists[name])
        else:
            yield _indented(value, 1)
    yield b"\n}"


def _listed(items: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    begun = False
    for item in items:
        yield (b",\n  " if begun else b"[\n  ") + _indented(item, 2)
        begun = True
    yield b"\n ]" if begun else b"[]"


def _indented(value: Any, depth: int) -> bytes:
    return json.dumps(value, indent=1).replace("\n", "\n" + depth * " ").encode()


def _scored(file: Frozen) -> dict[str, Any]:
    return _told(file, "name", "etag", "size", "md5") | ({"staged_as": file.staged_as} if file.staged_as else {})


def _manifest(run: Run, published: datetime, streamed: int) -> dict[str, Any]:
    spec, job = run.spec, run.job
    return {
        "format": FORMAT,
        "run_id": run.run_id,
        "route": run.route,
        **({"shadow_of": run.shadow_of} if run.shadow_of is not None else {}),
        **({"request": dump(run.request)} if run.request is not None else {}),
        "landing": {
            "account_url": spec.landing.container.account_url,
            "container": spec.landing.container.name,
            "path": spec.landing.path,
        },
        "fingerprint": run.snapshot.fingerprint,
        "files": None,
        "endpoint": spec.endpoint.scoring_uri,
        "deployment": (job and job.deployment) or spec.endpoint.deployment,
        "inputs": [_given(run, one) for one in run.spec.request(run.attempt).all_inputs],
        "job": {"name": job and job.name, "id": job and job.id, "studio_url": job and job.studio_url},
        "attempt": run.attempt,
        "staged": run.spec.scores_copies,
        "timings": dump(change(run.timings, published=published)),
        "streamed": {"files": run.streamed, "outputs": streamed},
        "outputs": None,
    }


def _given(run: Run, one: Input) -> dict[str, Any]:
    """An input, as the job was given it."""
    told = {"name": one.name, "type": one.type}
    return {**told, "uri": run.assets.get(one.name, one.uri)} if one.is_data else {**told, "value": one.value}


def told_of(output: Frozen) -> dict[str, Any]:
    """What a manifest says of an output."""
    return _told(output, "name", "size", "md5")


def publication_of(folder: Location, sizes: Iterable[int], *, streamed: int = 0) -> Published:
    """What the ledger is told of a run folder that holds outputs of those sizes."""
    count = total = 0
    for size in sizes:
        count, total = count + 1, total + size
    return Published(
        url=folder.url,
        container=folder.container.name,
        path=folder.path,
        outputs=count,
        bytes=total,
        streamed=streamed,
    )


def _told(file: Frozen, *names: str) -> dict[str, Any]:
    return {name: getattr(file, name) for name in names}
