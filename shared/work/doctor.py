"""The doctor: tries everything that a route needs, as the app's own identity, and leaves nothing behind.

Each check stands for itself: one that fails leaves the others going. What is written lies in folders of its own beside
what the routes write, and is removed whatever happens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial

from shared.core.checkup import (
    FOLDER,
    Check,
    Need,
    Report,
    Request,
    Verdict,
    history,
    in_words,
    not_tried,
    outcome,
    outcome_of,
    ways_of_listing,
)
from shared.core.deployment import asked_by, misfits
from shared.core.location import Location, fixed_prefix
from shared.core.open_facts import (
    Fact,
    Findings,
    Way,
    deployment_header,
    lists_jobs,
    not_seen,
    queue_encoding,
    together,
    unknown_job,
)
from shared.core.probe import output_folder, publish_folder
from shared.core.route import Route
from shared.core.snapshot import File
from shared.errors import InputRefused, LandfallError, Unavailable
from shared.ports import Blobs, Copied
from shared.routes import Routes
from shared.telemetry import log
from shared.threads import each
from shared.work.probing import Means, Told, resume, send, under_way
from shared.work.sampling import Sample, sample
from shared.work.scratch import clean, missing_directories

CHECKS_AT_ONCE = 8
FOLLOWED = timedelta(seconds=150)
"""How long after it began a request still follows a job: Azure's front door ends a request after 230 seconds. Source:
Azure docs, functions-bindings-http-webhook-trigger, "Limits"."""
CONTENT = b"Landfall's doctor was here, and should have removed this. You can.\n"


def examine(means: Means, asked: Request) -> Report:
    """All that is asked for. Raises InputRefused for a request that cannot be carried out, and SettingsInvalid or
    RoutesInvalid where nothing can be used."""
    until, identity = means.now() + FOLLOWED, _identity(means)
    if asked.probe is not None:
        told = [resume(means, asked.probe, stop=asked.stop, until=until)]
    else:
        routes = _chosen(means.routes, asked.route)
        parts: list[Callable[[], Told]] = [partial(_ledger, means), partial(_queue, means)]
        for route in routes:
            parts += [partial(_storage, means, route), partial(_endpoint, means, route)]
        told = [_problems(means.routes, asked.route), *each(lambda part: part(), parts, at_once=CHECKS_AT_ONCE)]
        told += [send(means, route, asked, until=until) for route in routes if asked.submit]
    checks = tuple(check for one in told for check in one.checks)
    failed = [f"{check.route}: {check.name}" if check.route else check.name for check in checks if _has_failed(check)]
    log("doctor.checked", checks=len(checks), failed=failed, route=asked.route, probe=asked.probe)
    return Report(
        checks=checks,
        findings=together(one.findings for one in told),
        identity=identity,
        probe=next((one.following for one in told if one.following is not None), None),
    )


def _has_failed(check: Check) -> bool:
    return check.verdict is Verdict.FAILED


def _identity(means: Means) -> tuple[str, ...]:
    with suppress(Unavailable):  # every check will say so
        return tuple(means.questions.identity())
    return ()


def _chosen(routes: Routes, name: str | None) -> Sequence[Route]:
    if name is None:
        return routes.usable
    chosen = [route for route in routes.usable if route.name == name]
    if not chosen:
        known = ", ".join(route.name for route in routes.usable) or "none"
        raise InputRefused(f"route is {name!r}; it must be one that can be used: {known}.")
    return chosen


def _problems(routes: Routes, name: str | None) -> Told:
    return Told(
        tuple(
            Check(
                name="routes.yaml",
                route=problem.route or None,
                verdict=Verdict.FAILED,
                tried=f"Read {problem.field}.",
                came_back=problem.message,
                advice="Correct it; until then the route is left out.",
            )
            for problem in routes.problems
            if name is None
        )
    )


class _Place:
    """A folder of the doctor's own in a container, and the trouble with writing there."""

    def __init__(self, blobs: Blobs, need: Need, folder: Location, route: str | None) -> None:
        self._blobs, self._need, self._route = blobs, need, route
        self.folder = folder
        self.blob = folder.at("written")
        self.trouble: LandfallError | None = None
        self._made: tuple[Location, ...] = ()

    def write(self) -> None:
        """Write a blob and read it."""
        try:
            self._made = missing_directories(self._blobs, self.folder)
            self._blobs.create(self.blob, CONTENT)
            stored = self._blobs.read(self.blob)
            if stored is None or stored.content != CONTENT:
                raise Unavailable(f"{self.blob.url} was written, and is not there as it was written.")
        except LandfallError as trouble:
            self.trouble = trouble

    def clean(self) -> None:
        """Remove whatever is there."""
        try:
            clean(self._blobs, self.folder, self._made)
        except LandfallError as trouble:
            self.trouble = self.trouble or trouble

    def check(self, name: str) -> Check:
        container = self.folder.container
        return outcome(
            name,
            self._route,
            f"Write, read and remove {self.blob.url}.",
            self.trouble,
            self._need,
            in_words(container),
        )


def _ledger(means: Means) -> Told:
    folder = Location(means.ledger.container, f"doctor/{_new_id(means)}")
    place = _Place(means.blobs, Need.LEDGER, folder, None)
    earlier: list[str] = []
    try:
        place.write()
        earlier = under_way(means.ledger) if place.trouble is None else []
    except Unavailable as trouble:
        place.trouble = trouble
    finally:
        place.clean()
    return Told((place.check("ledger written"), *map(_left, earlier)))


def _left(probe: str) -> Check:
    return Check(
        name="earlier probe",
        verdict=Verdict.SKIPPED,
        tried="List the probes that are under way.",
        came_back=f"The probe {probe} is not over.",
        advice=f'Follow it with {{"probe": "{probe}"}}, or add "stop": true.',
    )


def _queue(means: Means) -> Told:
    name, tried = "queue read", "Read the queue of events, and look at a message without taking it."
    asked = means.questions.queue()
    if asked is None:
        reason = "No queue is set: events are pushed to the app."
        check = Check(name=name, verdict=Verdict.SKIPPED, tried=tried, came_back=reason)
        return Told((check,), {Fact.QUEUE_ENCODING: not_seen("the app reads no queue")})
    reply, message = asked
    check = outcome_of(name, None, tried, reply, Need.QUEUE, "the events' queue and its poison queue")
    return Told((check,), {Fact.QUEUE_ENCODING: queue_encoding(message) if reply.is_success else not_seen(reply.told)})


def _storage(means: Means, route: Route) -> Told:
    """What a route needs of storage. Under `staging: never`, and where no output has a path, the app does not write to
    the output datastore."""
    landing, found = _landing(means.blobs, route)
    mark = _new_id(means)
    if route.output is None:
        return _storage_without_output(means, route, mark, landing)
    output = _Place(means.blobs, Need.OUTPUT, output_folder(route, mark)[1], route.name)
    lake = _Place(means.blobs, Need.LAKEHOUSE, publish_folder(route, mark), route.name)
    checks = [landing]
    try:
        lake.write()
        if route.staging == "never":
            checks.append(_read_only(means.blobs, route, output.folder.parent))
        else:
            output.write()
            checks += _copies(means.blobs, route, found, output, lake)
    finally:
        output.clean()
        lake.clean()
    if route.staging != "never":
        checks.append(output.check("output datastore written"))
    return Told((*checks, lake.check("lakehouse written")))


def _storage_without_output(means: Means, route: Route, mark: str, landing: Check) -> Told:
    lake = _Place(means.blobs, Need.LAKEHOUSE, publish_folder(route, mark), route.name)
    try:
        lake.write()
        read = [_read_only(means.blobs, route, Location(store, FOLDER)) for store in route.datastores.values()]
    finally:
        lake.clean()
    return Told((landing, *read, lake.check("lakehouse written")))


def _landing(blobs: Blobs, route: Route) -> tuple[Check, Sample | None]:
    where = Location(route.landing, fixed_prefix(route.folder))
    trouble, found = None, None
    try:
        found = sample(blobs, route)
    except LandfallError as error:
        trouble = error
    tried = f"List {where.url}…"
    return outcome("landing listed", route.name, tried, trouble, Need.LANDING, in_words(route.landing)), found


def _read_only(blobs: Blobs, route: Route, folder: Location) -> Check:
    trouble = None
    try:
        blobs.list_folder(folder)
    except LandfallError as error:
        trouble = error
    tried = f"List {folder.url}; the app does not write there, because it makes no copies for this route."
    return outcome("output datastore read", route.name, tried, trouble, Need.OUTPUT, in_words(folder.container))


def _copies(blobs: Blobs, route: Route, found: Sample | None, output: _Place, lake: _Place) -> Iterator[Check]:
    """Server-side copies, from the landing to the output datastore and from there to the lakehouse."""
    to_output = ("copy to the output datastore", route.name, "Copy a file of a landing to the output datastore.")
    to_lake = ("copy to the lakehouse", route.name, "Copy a blob of the output datastore to the lakehouse.")
    if output.trouble is not None:
        yield not_tried(*to_output, "The output datastore could not be written.")
        yield not_tried(*to_lake, "The output datastore could not be written.")
        return
    if found is None:
        yield not_tried(*to_output, "There is no file of up to 8 MiB in any landing of the route that could be listed.")
    else:
        source, file = found.folder.at(found.files[0].name), found.files[0]
        yield _copy(blobs, to_output, source, output.folder.at("copied"), file, Need.LANDING)
    if lake.trouble is not None:
        yield not_tried(*to_lake, "The lakehouse could not be written.")
        return
    yield _copy(blobs, to_lake, output.blob, lake.folder.at("copied"), None, Need.OUTPUT)


def _copy(
    blobs: Blobs, line: tuple[str, str, str], source: Location, target: Location, file: File | None, need: Need
) -> Check:
    """`file`: the source as it was listed; None: it is looked at now. `need`: what is needed on the source."""
    name, route, tried = line
    tried = f"{tried[:-1]}: {source.url} to {target.url}."
    try:
        file = file or blobs.stat(source)
        if file is None:
            return not_tried(name, route, tried, f"{source.url} is gone.")
        copied = blobs.copy(source, target, etag=file.etag, size=file.size, md5=file.md5)
    except LandfallError as trouble:
        return outcome(name, route, tried, trouble, need, in_words(source.container))
    if copied is Copied.SOURCE_CHANGED:
        return not_tried(name, route, tried, f"{source.url} was changed meanwhile; ask again.")
    how = (
        "It was streamed through the app: firewalls keep the storage service from reading the source."
        if copied is Copied.STREAMED
        else "The storage service copied it."
    )
    return Check(name=name, route=route, verdict=Verdict.OK, tried=tried, came_back=how)


def _endpoint(means: Means, route: Route) -> Told:
    """What a route needs of its endpoint. What was seen counts as an answer to an open fact only if the endpoint and
    the deployment are there: else the replies are about that."""
    ask, endpoint = means.questions, route.endpoint
    tried = f"Read the endpoint {endpoint.scoring_uri} and its deployment."
    default, trouble = None, None
    try:
        means.endpoint.check(endpoint)
        default = ask.default_deployment(endpoint)
    except LandfallError as error:
        trouble = error
    found = f"Its default deployment is {default}." if default else "It has no default deployment."
    check = outcome("endpoint read", route.name, tried, trouble, Need.WORKSPACE, Need.WORKSPACE, came_back=found)
    replies = [(way, ask.listed(endpoint, way)) for way in Way]
    by_history = history(ask.run_history(endpoint), route.name)
    findings: Findings = {}
    if trouble is None:
        by_way, named = dict(replies), ask.unknown_job(endpoint, names_deployment=True)
        findings = {
            Fact.SCORING_HOST_LISTS: lists_jobs(by_way[Way.SCORING_HOST]),
            Fact.FRONT_END_LISTS: lists_jobs(by_way[Way.FRONT_END]),
            Fact.UNKNOWN_JOB: unknown_job(named),
            Fact.DEPLOYMENT_HEADER: deployment_header(
                default, named, ask.unknown_job(endpoint, names_deployment=False)
            ),
        }
    fits = _fits(means, route)
    return Told((check, fits, *ways_of_listing(replies, route.name), by_history), findings)


def _fits(means: Means, route: Route) -> Check:
    """Whether the deployment takes the route's inputs, outputs and settings."""
    name, tried = "deployment fits", "Compare inputs, outputs and settings of the route with its deployment."
    deployment = means.endpoint.deployment(route.endpoint)
    if deployment is None:
        return not_tried(name, route.name, tried, "The deployment could not be read.")
    kind = "pipeline component" if deployment.is_pipeline else "model"
    if wrong := misfits(asked_by(route), deployment):
        help_ = "Correct the route. Until then its runs end as failed, and no job is made."
        verdict, came_back = Verdict.FAILED, " ".join(wrong)
        return Check(name=name, route=route.name, verdict=verdict, tried=tried, came_back=came_back, advice=help_)
    came_back = f"The {kind} deployment {deployment.name!r} takes them."
    return Check(name=name, route=route.name, verdict=Verdict.OK, tried=tried, came_back=came_back)


def _new_id(means: Means) -> str:
    return means.new_id().replace("-", "")
