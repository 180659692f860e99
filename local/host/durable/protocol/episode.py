"""One turn of an orchestration: its history and new messages in, everything that has to be written out. Pure.

An episode appends OrchestratorStarted, the messages in order of arrival, an event for each new action, and
OrchestratorCompleted. While it runs its events are not played; afterwards all of them are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local.host.durable.protocol import events, identities
from local.host.durable.protocol.events import COMPLETING, Event, EventType, Parent, event, moment
from local.host.durable.protocol.replay import MOST_ACTIONS, Outcome, Refused, replay

STATE_LABEL = "\n\n$OutOfProcData$:"
"""What the SDK puts between the message of a failing orchestrator and its state.
Source: azure-functions-durable, TaskOrchestrationExecutor.py."""
CUSTOM_STATUS_LIMIT = 16 * 1024
"""Bytes of UTF-16. Source: Azure docs, durable-functions-custom-orchestration-status."""

CONTROL = {EventType.EXECUTION_SUSPENDED: "Suspended", EventType.EXECUTION_RESUMED: "Running"}
"""Messages that the orchestrator takes no part in, and the status that they lead to."""
TERMINAL = frozenset({"Completed", "Failed", "Terminated", "Canceled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A row for an inbox. `execution` None: for whichever execution the instance has when it arrives.

    `due` None: now. The body is a history event, or an entity request.
    """

    to: str
    body: dict[str, Any]
    execution: str | None = None
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A message that has arrived."""

    seq: int
    execution: str | None
    body: Event


@dataclass(frozen=True, slots=True)
class Reading:
    """What to do with the messages of an instance: forget the `stale`, and then either obey `control` or run an episode
    with `messages`. `more`: others stay for the next turn."""

    stale: Sequence[Received]
    control: Received | None
    messages: Sequence[Received]
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """An execution to begin: a new instance, a sub-orchestration, or the next execution of a continued one."""

    instance: str
    execution: str
    name: str
    input_text: str | None
    version: str | None = None
    parent: Parent | None = None

    def event(self, now: datetime) -> Event:
        return events.execution_started(
            now,
            name=self.name,
            instance=self.instance,
            execution=self.execution,
            input_text=self.input_text,
            version=self.version,
            parent=self.parent,
        )


@dataclass(slots=True, kw_only=True)
class Turn:
    """What one episode leaves behind; written in one transaction together with the removal of its messages.

    `custom` None: unchanged. `output` is JSON text, except for failures and terminations, where it is plain text.
    """

    instance: str
    execution: str
    status: str = "Running"
    output: str | None = None
    custom: str | None = None
    appended: list[Event] = field(default_factory=list)
    activities: list[Event] = field(default_factory=list)
    children: list[Start] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    restart: Start | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the orchestrator function gave back: its text, or the message and the friendly form of its exception."""

    text: str | None
    error: str | None = None
    friendly: str | None = None


@dataclass(frozen=True, slots=True)
class Episode:
    """An episode that is under way."""

    instance: str
    execution: str
    past: Sequence[Event]
    fresh: Sequence[Event]
    now: datetime

    @property
    def started(self) -> Event:
        """The ExecutionStarted event; always the second of the history."""
        return self.past[1] if self.past else self.fresh[1]

    @property
    def name(self) -> str:
        return str(self.started["Name"])

    @property
    def terminated(self) -> Event | None:
        """A request to terminate among the new messages."""
        return next((e for e in self.fresh if e["EventType"] == EventType.EXECUTION_TERMINATED), None)


def read(received: Sequence[Received], execution: str, status: str) -> Reading:
    """Sort messages, given in order of arrival. Suspending and resuming are turns of their own; while an instance is
    suspended all messages but these and a termination stay where they are."""
    stale = [r for r in received if r.execution not in (None, execution)]
    fresh = [r for r in received if r.execution in (None, execution)]
    if status == "Suspended":
        fresh = [r for r in fresh if r.body["EventType"] in (*CONTROL, EventType.EXECUTION_TERMINATED)]
    at = next((i for i, r in enumerate(fresh) if r.body["EventType"] in CONTROL), len(fresh))
    if at == 0 and fresh:
        return Reading(stale, fresh[0], [])
    return Reading(stale, None, fresh[:at], more=at < len(fresh))


def begin(
    instance: str, execution: str, past: Sequence[Event], messages: Sequence[Event], now: datetime
) -> Episode | None:
    """The episode that these messages make; None if they mean nothing to this execution (not started, or twice)."""
    ended = {_ends(e) for e in past}
    fresh = [m for m in messages if _ends(m) is None or _ends(m) not in ended]
    first = past[1] if past else next(iter(fresh), None)
    if not fresh or first is None or first["EventType"] != EventType.EXECUTION_STARTED:
        return None
    return Episode(instance, execution, past, [event(EventType.ORCHESTRATOR_STARTED, now), *fresh], now)


def context(episode: Episode) -> str:
    """The JSON that the orchestrator function gets.

    Source: durable extension, OrchestrationTriggerAttributeBindingProvider.OrchestrationContextToString.
    """
    started = episode.started
    parent = events.parent_of(started)
    return json.dumps(
        {
            "history": [*episode.past, *episode.fresh],
            "input": None if started["Input"] is None else json.loads(started["Input"]),
            "instanceId": episode.instance,
            "isReplaying": started["IsPlayed"],
            "parentInstanceId": parent.instance if parent else None,
            "upperSchemaVersion": 1,
            "upperSchemaVersionNew": 2,
            "longRunningTimerIntervalDuration": "3.00:00:00",
            "maximumShortTimerDuration": "6.00:00:00",
            "defaultHttpAsyncRequestSleepTimeMillseconds": 30000,
        }
    )


def conclude(
    episode: Episode,
    answer: Answer,
    *,
    refuse: Callable[[Event], str | None],
    new_id: Callable[[], str],
    most_actions: int = MOST_ACTIONS,
) -> Turn:
    """Everything that follows from the orchestrator's answer, which may have `most_actions`.

    `refuse` says why a scheduling event cannot be carried out (an unknown function), or None; `new_id` makes ids.
    """
    turn = _turn(episode)
    try:
        state = _state(answer)
        turn.custom = _custom_status(state)
        outcome = replay(
            state["actions"][0],
            [*episode.past, *episode.fresh],
            execution=episode.execution,
            new_id=new_id,
            most=most_actions,
        )
        _schedule(turn, outcome, episode, refuse, new_id)
    except Refused as refusal:
        return _failed(_turn(episode), episode, str(refusal))
    if not outcome.ended or not (state["isDone"] or state.get("error")):
        turn.appended.append(event(EventType.ORCHESTRATOR_COMPLETED, episode.now))
        return turn
    if state.get("error"):
        return _failed(turn, episode, state["error"])
    if outcome.continue_as_new is not None:
        turn.restart = Start(
            instance=episode.instance,
            execution=new_id(),
            name=episode.name,
            input_text=outcome.continue_as_new,
            version=episode.started["Version"],
            parent=events.parent_of(episode.started),
        )
        return turn
    return _ended(turn, episode, "Completed", json.dumps(state.get("output")))


def terminate(episode: Episode, request: Event) -> Turn:
    """Termination overrides whatever the orchestrator would have done; the output is the reason."""
    return _ended(_turn(episode), episode, "Terminated", str(request["Input"] or ""))


def _turn(episode: Episode) -> Turn:
    return Turn(instance=episode.instance, execution=episode.execution, appended=list(episode.fresh))


def _failed(turn: Turn, episode: Episode, reason: str) -> Turn:
    return _ended(turn, episode, "Failed", f"Orchestrator function '{episode.name}' failed: {reason}")


def _ends(candidate: Event) -> int | None:
    """The id of the action that an event ends, if it ends one."""
    kind = candidate["EventType"]
    return int(candidate[COMPLETING[kind]]) if kind in COMPLETING else None


def _state(answer: Answer) -> dict[str, Any]:
    if answer.error is None:
        parsed = json.loads(answer.text or "null")
    elif STATE_LABEL in answer.error:
        parsed = json.loads(answer.error.split(STATE_LABEL, 1)[1])
    else:
        # Not a generator, or broken before the SDK came to it: the friendly form begins with a space, as in Azure.
        raise Refused(f" {answer.friendly}")
    if not isinstance(parsed, dict) or len(parsed.get("actions", ())) != 1:
        raise Refused("The orchestrator function did not return the state that azure-functions-durable 1.x returns.")
    return parsed


def _custom_status(state: dict[str, Any]) -> str | None:
    if "customStatus" not in state:
        return None
    text = json.dumps(state["customStatus"])
    # Azure measures the text as it is, without escapes.
    measured = json.dumps(state["customStatus"], ensure_ascii=False)
    if len(measured.encode("utf-16-le", "surrogatepass")) > CUSTOM_STATUS_LIMIT:
        raise Refused("The size of the JSON-serialized custom status exceeds the 16 KB (UTF-16) limit.")
    return text


def _schedule(
    turn: Turn,
    outcome: Outcome,
    episode: Episode,
    refuse: Callable[[Event], str | None],
    new_id: Callable[[], str],
) -> None:
    for made in outcome.scheduled:
        reason = refuse(made) or _wrong_child(episode, made)
        if reason is not None:
            raise Refused(reason)
        turn.appended.append(made)
        match made["EventType"]:
            case EventType.TASK_SCHEDULED:
                turn.activities.append(made)
            case EventType.TIMER_CREATED:
                turn.messages.append(_timer(episode, made))
            case EventType.SUB_ORCHESTRATION_CREATED:
                turn.children.append(_child(episode, made, new_id()))
            case EventType.EVENT_SENT:
                request = json.loads(made["Input"]) | {"parent": episode.instance}
                turn.messages.append(Message(to=made["InstanceId"], body=request))


def _wrong_child(episode: Episode, made: Event) -> str | None:
    if made["EventType"] != EventType.SUB_ORCHESTRATION_CREATED:
        return None
    parent = events.parent_of(episode.started)
    return identities.wrong_with_child(made["InstanceId"], (episode.instance, parent.instance if parent else None))


def _timer(episode: Episode, made: Event) -> Message:
    fired = event(EventType.TIMER_FIRED, episode.now, TimerId=made["EventId"], FireAt=made["FireAt"])
    # A moment that has passed is due now, not earlier: it must not overtake messages that have already arrived.
    due = max(moment(made["FireAt"]), episode.now)
    return Message(to=episode.instance, execution=episode.execution, body=fired, due=due)


def _child(episode: Episode, made: Event, execution: str) -> Start:
    parent = Parent(name=episode.name, instance=episode.instance, execution=episode.execution, task=made["EventId"])
    return Start(
        instance=made["InstanceId"],
        execution=execution,
        name=made["Name"],
        input_text=made["Input"],
        version=made["Version"],
        parent=parent,
    )


def _ended(turn: Turn, episode: Episode, status: str, output: str) -> Turn:
    turn.status, turn.output = status, output
    turn.appended += [
        event(EventType.EXECUTION_COMPLETED, episode.now, OrchestrationStatus=status, Result=output),
        event(EventType.ORCHESTRATOR_COMPLETED, episode.now),
    ]
    parent = events.parent_of(episode.started)
    if parent is not None:
        failure = None if status == "Completed" else output
        told = events.sub_orchestration_ended(parent, episode.now, result=output, failure=failure)
        turn.messages.append(Message(to=parent.instance, execution=parent.execution, body=told))
    return turn
