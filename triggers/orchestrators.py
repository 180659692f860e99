"""The orchestrators: the life of a run, and the watch of a landing, as straight lines over their records.

They are replayed, so nothing here reads a clock or logs. What is decided is in shared/core. The generators stay
importable as they are, and are registered by a call at the end, so that tests can drive them by hand.
"""

import traceback
from collections.abc import Callable

import azure.durable_functions as df
from azure.durable_functions import DurableOrchestrationContext as Context

from shared.core import course, patience, steps, stopping, turn, watch
from shared.core.acts import Withdrawn
from shared.core.job import Stage
from shared.core.publication import chunks, to_publish
from shared.core.record import Names, change, dump
from shared.core.run import Error, Run, Status
from shared.core.slots import InLine, TakeSlot
from shared.core.trouble import Kind, Trouble, trouble_of
from shared.core.watch import Phase, Watch
from shared.core.watchers import Operation
from triggers.names import Orchestrator
from triggers.performing import (
    Line,
    StepFailed,
    ask,
    orchestrate,
    perform,
    perform_all,
    perform_if_possible,
    read_input,
    report,
)

bp = df.Blueprint()

TURNS_PER_HISTORY = 40
"""After so many turns a run's history is cut; a look at the job with its wait is two, and about eight events."""


def score(context: Context) -> Line[dict]:
    """Carry a claimed run to its end. Input: its record, wherever it was left; answers a RunEnded.

    Where it goes on is told by the record alone, so a fresh start, a new history and a run that the sweep takes up
    come in by the same door.
    """
    run, turns = (yield from read_input(context, Run)), 0
    while following := _next(run):
        if turns and turns + _turns_of(following, run) > TURNS_PER_HISTORY:  # the first turn may be longer than that
            return context.continue_as_new(dump(run))
        turns += _turns_of(following, run)
        try:
            run = yield from following(context, run)
        except OvertakenBy as later:
            return dump(steps.RunEnded(run.run_id, later.status))
        except StepFailed as failed:
            run = patience.stumbled(run, failed.step, failed.trouble, context.current_utc_datetime)
            if patience.is_left_to_the_sweep(run, failed.step, failed.trouble, context.current_utc_datetime):
                return dump(steps.RunEnded(run.run_id, run.status))
        except Exception as defect:
            yield from report(context, run.names, Orchestrator.SCORE, traceback.format_exc())
            if run.has_ended:
                return dump(steps.RunEnded(run.run_id, run.status))
            error = Error(Kind.DEFECT, trouble_of(defect).message)
            run = course.given_up(run, error, context.current_utc_datetime)
    if run.status is not Status.SUPERSEDED:
        yield from _announce(context, run)
    return dump(steps.RunEnded(run.run_id, run.status))


Turn = Callable[[Context, Run], Line[Run]]


class OvertakenBy(Exception):
    """The ledger has a later state of the run than this one: it is a run of the past, which somebody else ended."""

    def __init__(self, status: Status) -> None:
        self.status = status


def _next(run: Run) -> Turn | None:
    """Where a run goes on, from what is known about it; None: it has ended, and the ledger knows."""
    if patience.must_wait(run):
        return _wait
    if patience.must_be_recorded(run):
        return _record
    if run.has_ended:
        return None
    if run.status is Status.CANCELING:
        return _cancel
    if run.job is None:
        return _before_there_is_a_job(run)
    if not run.job.is_final:
        return _follow
    if run.job.stage is not Stage.COMPLETED:
        return _explain
    if run.status is not Status.PUBLISHING:
        return _check
    return _locate if run.must_locate else _publish


def _before_there_is_a_job(run: Run) -> Turn:
    if run.status is Status.CLAIMED:
        return _begin
    if run.unanswered is not None:
        return _search
    if run.must_renew:
        return _renew
    if run.needs_copies:
        return _stage
    return _submit if run.admitted or not run.spec.takes_slot else _take_slot


def _turns_of(turn: Turn, run: Run) -> int:
    """What a turn counts for: copying many files is many activities."""
    return len(list(chunks(run.snapshot.files))) if turn is _stage else 1


def _wait(context: Context, run: Run) -> Line[Run]:
    """Wait until it is time to go on."""
    yield context.create_timer(run.wait_until)
    return course.waited(run)


def _begin(context: Context, run: Run) -> Line[Run]:
    """Begin a run that was claimed, unless it was refused when it was."""
    yield from ()
    return course.begun(run, context.current_utc_datetime)


def _record(context: Context, run: Run) -> Line[Run]:
    """Bring the ledger up to date. The spec is fixed once there is a job."""
    now = context.current_utc_datetime
    progress = change(run.progress, recorded=run.revision, updated=now, unrecorded_since=None)
    given = steps.RecordRun(names=run.names, progress=progress, spec=run.spec if run.job is None else None)
    answer = yield from perform(context, steps.RECORD_RUN, given)
    if isinstance(answer, steps.Overtaken):
        raise OvertakenBy(answer.status)
    run = course.recorded(run)
    return stopping.stopped(run, answer.cancel, now) if isinstance(answer, Withdrawn) else run


def _renew(context: Context, run: Run) -> Line[Run]:
    """Read the route and the landing again before another attempt."""
    given = steps.RenewSpec(
        names=run.names,
        attempt=run.attempt,
        take=run.may_be_sent_late,
        fingerprint=run.snapshot.fingerprint,
        copies=run.spec.scores_copies,
        shadow_of=run.shadow_of,
        changes=run.changes,
    )
    answer = yield from perform(context, steps.RENEW_SPEC, given)
    return course.renewed(run, answer, context.current_utc_datetime)


def _stage(context: Context, run: Run) -> Line[Run]:
    """Copy the snapshot's files, and nothing else, to the run's own folder."""
    spec = run.spec
    parts = [
        steps.StageInput(
            names=run.names,
            drop=run.snapshot.drop,
            source=spec.folder,
            target=spec.copies,
            start=start,
            stop=stop,
        )
        for start, stop in chunks(run.snapshot.files)
    ]
    answers = yield from perform_all(context, steps.STAGE_INPUT, parts)
    changed = next((answer.changed for answer in answers if answer.changed is not None), None)
    streamed = sum(answer.streamed for answer in answers)
    return course.staged(run, changed, context.current_utc_datetime, streamed=streamed)


def _take_slot(context: Context, run: Run) -> Line[Run]:
    """Take a slot of the endpoint, so that no more runs have a job than there is room for."""
    given = TakeSlot(
        names=run.names,
        endpoint=run.spec.endpoint,
        settings=run.spec.settings,
        claimed=run.timings.claimed,
        before=run.slot,
    )
    answer = yield from perform(context, steps.TAKE_SLOT, given)
    now = context.current_utc_datetime
    if isinstance(answer, Withdrawn):
        return stopping.withdrawn(run, answer.cancel, now)
    if isinstance(answer, InLine):
        return turn.lined_up(run, answer, now)
    return turn.admitted(run, answer.slot, now)


def _submit(context: Context, run: Run) -> Line[Run]:
    """Send the POST of the attempt, unless it may have been sent before."""
    given = steps.SubmitJob(
        names=run.names, attempt=run.attempt, request=run.spec.request(run.attempt), unplaced=run.spec.unplaced
    )
    since = context.current_utc_datetime
    answer = yield from perform(context, steps.SUBMIT_JOB, given)
    if isinstance(answer, Withdrawn):  # before anything was sent
        return stopping.withdrawn(run, answer.cancel, context.current_utc_datetime)
    return course.answered(run, answer, context.current_utc_datetime, since=since)


def _search(context: Context, run: Run) -> Line[Run]:
    """Look for the job of an attempt that got no clear answer."""
    given = steps.SearchJob(
        names=run.names, attempt=run.attempt, sent=run.sent, own=run.own_jobs, whole=run.searches_to_the_end
    )
    found = yield from perform(context, steps.SEARCH_JOB, given)
    return course.searched(run, found, context.current_utc_datetime)


def _follow(context: Context, run: Run) -> Line[Run]:
    """Look at the job, and cancel jobs that have turned up for abandoned attempts."""
    given = steps.ObserveJob(
        names=run.names,
        endpoint=run.spec.endpoint,
        job=_job_of(run).job,
        has_run=run.timings.running is not None,
    )
    seen = yield from perform(context, steps.OBSERVE_JOB, given)
    if run.abandoned:
        twins = steps.CancelTwins(names=run.names, abandoned=run.abandoned, own=run.own_jobs)
        yield from perform_if_possible(context, steps.CANCEL_TWINS, twins, times=1)
    return course.observed(run, seen.job, context.current_utc_datetime, cancel=seen.cancel)


def _cancel(context: Context, run: Run) -> Line[Run]:
    """Ask for the job to be canceled."""
    answer = yield from perform(context, steps.CANCEL_JOB, _job_of(run))
    return stopping.canceled(run, answer.accepted, context.current_utc_datetime)


def _explain(context: Context, run: Run) -> Line[Run]:
    """Ask the service why the job failed; the run ends whether it says so or not."""
    told = yield from perform_if_possible(context, steps.EXPLAIN_FAILURE, _job_of(run))
    return course.explained(run, told.message if told else None, context.current_utc_datetime)


def _check(context: Context, run: Run) -> Line[Run]:
    """Compare the landing with the snapshot, unless copies were scored: was exactly the snapshot scored?"""
    if run.spec.scores_copies:
        return course.exact(run, context.current_utc_datetime)
    given = steps.CheckLanding(
        names=run.names,
        drop=run.snapshot.drop,
        folder=run.spec.folder,
        file=run.spec.landing.name if run.spec.takes_file else None,
    )
    answer = yield from perform(context, steps.CHECK_LANDING, given)
    return course.checked(run, answer.verdict, context.current_utc_datetime)


def _locate(context: Context, run: Run) -> Line[Run]:
    """Find the outputs that the job wrote to its deployment's default place."""
    job = _job_of(run)
    given = steps.LocateOutputs(
        names=run.names,
        endpoint=job.endpoint,
        job=job.job,
        outputs=run.spec.unplaced,
        datastores=run.spec.datastores,
    )
    answer = yield from perform(context, steps.LOCATE_OUTPUTS, given)
    return course.located(run, answer, context.current_utc_datetime)


def _publish(context: Context, run: Run) -> Line[Run]:
    """Lay the attempt's outputs in the lakehouse storage."""
    answer = yield from orchestrate(context, Orchestrator.PUBLISH, to_publish(run), steps.PUBLISH)
    return course.published(run, answer, context.current_utc_datetime)


def _announce(context: Context, run: Run) -> Line[None]:
    """Tell subscribers how the run has ended."""
    given = steps.AnnounceRun(
        names=run.names,
        status=run.status,
        publication=run.publication,
        error=run.error,
        timings=run.timings,
        now=context.current_utc_datetime,
        shadow_of=run.shadow_of,
    )
    yield from perform_if_possible(context, steps.ANNOUNCE_RUN, given)


def _job_of(run: Run) -> steps.JobOf:
    assert run.job is not None, "who has no job neither cancels nor explains one"
    return steps.JobOf(run.names, run.spec.endpoint, run.job)


def publish(context: Context) -> Line[dict]:
    """The completion function: lay an attempt's outputs in the run folder, all or nothing. Input: a Publish; answers
    Sealed, Unpublishable or the Trouble that is in the way."""
    given = yield from read_input(context, steps.Publish)
    try:
        listed = yield from perform(context, steps.LIST_OUTPUTS, given)
        if not isinstance(listed, steps.Listed):
            return dump(listed)  # cannot be published, or has been all along
        parts = [steps.CopyOutputs(publish=given, start=start, stop=stop) for start, stop in chunks(listed.files)]
        answers = yield from perform_all(context, steps.COPY_OUTPUTS, parts)
        streamed = sum(answer.files for answer in answers if isinstance(answer, steps.Streamed))
        seal = steps.SealPublication(given, context.current_utc_datetime, streamed)
        return dump((yield from perform(context, steps.SEAL_PUBLICATION, seal)))
    except StepFailed as failed:
        return dump(Trouble(failed.trouble.kind, str(failed)))


def watch_landing(context: Context) -> Line[str]:
    """Watch one landing until it is ready and its run has ended. Input: a Watch; answers what came of it."""
    state = yield from read_input(context, Watch)
    names = state.names(context.instance_id)
    while state.phase is not Phase.DONE:
        if state.history_is_long:
            return context.continue_as_new(dump(watch.started_over(state)))
        try:
            if state.failures and state.wait_until is not None:
                yield context.create_timer(state.wait_until)
                state = watch.rested(state)
            state = yield from _watch_on(context, state, names)
        except StepFailed as failed:
            state = watch.stumbled(state, failed.trouble, context.current_utc_datetime)
        except Exception as defect:
            yield from report(context, names, f"{Orchestrator.WATCH_LANDING}, {state.phase}", traceback.format_exc())
            state = watch.given_up(state, trouble_of(defect))
    return state.result


def _watch_on(context: Context, state: Watch, names: Names) -> Line[Watch]:
    """What the watch's phase says, and what becomes of it."""
    me, asked_at = context.instance_id, context.current_utc_datetime
    match state.phase:
        case Phase.SETTLING:
            yield context.create_timer(state.not_before)
            return watch.settled(state)
        case Phase.ENTERING:
            watcher = yield from ask(context, state.key, Operation.ENTER, urgent=state.is_urgent)
            return watch.entered(state, str(watcher), me, context.current_utc_datetime)
        case Phase.LOOKING:
            look = yield from perform(context, steps.LOOK, steps.LookAt(names, asked_at))
            return watch.saw(state, look, asked_at=asked_at, now=context.current_utc_datetime)
        case Phase.WAITING:
            yield context.create_timer(state.wait_until)
            return watch.waited(state)
        case Phase.BEGINNING:
            return watch.begun(state, (yield from ask(context, state.key, Operation.BEGIN)))
        case Phase.CLAIMING:
            given = steps.ClaimRun(
                names=names,
                fingerprint=state.fingerprint or "",
                refusal=state.refusal,
                copies=state.copies,
                now=asked_at,
            )
            return watch.claimed(state, (yield from perform(context, steps.CLAIM_RUN, given)))
        case Phase.SCORING:
            run = state.the_run
            ended = yield from orchestrate(
                context, Orchestrator.SCORE, run, steps.SCORE, run.run_id, beside=state.shadow
            )
            return watch.scored(state, ended, context.current_utc_datetime)
        case Phase.LEAVING:
            return watch.left(state, (yield from ask(context, state.key, Operation.LEAVE)))
        case Phase.GIVING_UP:
            yield from ask(context, state.key, Operation.RELEASE)
            return watch.released(state)
    raise AssertionError(state.phase)


for name, orchestrator in (
    (Orchestrator.WATCH_LANDING, watch_landing),
    (Orchestrator.SCORE, score),
    (Orchestrator.PUBLISH, publish),
):
    bp.function_name(name.value)(bp.orchestration_trigger(context_name="context")(orchestrator))
