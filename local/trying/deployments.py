"""Batch deployments on the local Azure ML: they are parsed and served, and a job of each runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from local.addresses import ACCOUNT
from local.azureml.workspace.catalog import read
from local.azureml.workspace.deployments import Deployment
from local.commands import CommandFailed, files_in
from local.python import own_python
from local.scoring import FINAL, Cloud, started
from local.trying.checklist import Line, Verdict

JOB_SECONDS = 600.0
MADE_UP = {f"{name}.csv": b"x,y\n1,2\n3,4\n" for name in ("one", "two")}
"""What is scored when there is no --input."""


def lines(folder: Path, data: Path | None, state: Path) -> Iterator[Line]:
    """The checklist of a folder of deployments, one line as soon as it is known. Raises CommandFailed for bad data."""
    given = None if data is None else {blob: path.read_bytes() for path, blob in files_in(data, "landing")}
    catalog = read(folder)
    for name, why in catalog.refused.items():
        yield Line(Verdict.FAILED, f"the endpoint in {name} is parsed", why)
    if not catalog.endpoints:
        if not catalog.refused:
            yield Line(
                Verdict.FAILED, "there is an endpoint", f"endpoint.yml has to be in {folder} or directly below it"
            )
        return
    for endpoint in catalog.endpoints.values():
        default = f"default deployment {endpoint.default}" if endpoint.default else "no default deployment"
        yield Line(Verdict.WORKS, f"{endpoint.name} is parsed", f"deployments: {len(endpoint.deployments)}; {default}")
        for name, why in endpoint.refused.items():
            yield Line(Verdict.FAILED, f"{endpoint.name}/{name} is parsed", why)
    with started(state, folder) as cloud:
        for name, content in (given or MADE_UP).items():
            cloud.put(f"{ACCOUNT}/landing/data/{name}", content)
        for endpoint in catalog.endpoints.values():
            for deployment in endpoint.deployments.values():
                yield _scores(cloud, deployment, is_given=given is not None)


def _scores(cloud: Cloud, deployment: Deployment, *, is_given: bool) -> Line:
    """One job at a time: their models may need all the memory that there is."""
    name = f"{deployment.endpoint}/{deployment.name}"
    what = f"{name} scores {'the input' if is_given else 'made-up files'}"
    if deployment.component is not None:
        return Line(
            Verdict.OPEN, what, f"not tried: it is of a pipeline; run it with '{own_python()} -m local up' and a route"
        )
    try:
        job = cloud.submit(deployment.endpoint, deployment.name, to=name)
    except CommandFailed as error:
        return Line(Verdict.FAILED, f"{name} is served", str(error))
    status = cloud.end_of(deployment.endpoint, job, within=JOB_SECONDS)
    if status == "Completed":
        written = ", ".join(f"{output} {len(content):,} bytes" for output, content in cloud.outputs(name).items())
        if written:
            return Line(Verdict.WORKS, what, written)
        why = "nothing was written; its error_threshold may allow that every file fails"
    else:
        why = (cloud.why(job) or status).splitlines()[-1] if status in FINAL else f"after {JOB_SECONDS:g} s"
    if is_given:
        return Line(Verdict.FAILED, what, f"{status}: {why}")
    # Nobody knows here what it takes.
    return Line(Verdict.OPEN, what, f"{status}: {why}. Give it data with --input")
