"""Which actions of an orchestrator are new, and whether it has ended. Pure.

The SDK returns every action since the start. They are awaited one after another over the history, as the extension does
it; an action whose id the history does not hold yet is new and has to be scheduled.

Rule 1: ids come from one counter, taken in order by every activity, sub-orchestration, timer, and entity call or
        signal; not by waits for external events and not by continue-as-new.
Rule 2: an orchestration with open tasks (timers that were not cancelled, activities, sub-orchestrations) has not ended,
        even though its generator has returned. Waits for events and entity calls are not open tasks.
Rule 3: an action that disagrees with the history is an error. The SDK does not look; the extension does.

Source: Azure/azure-functions-durable-extension, OutOfProcOrchestrationShim.cs; Azure/durabletask,
TaskOrchestrationContext.cs, TaskOrchestrationExecutor.cs and RetryInterceptor.cs.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

from local.host.durable.protocol.events import COMPLETING, FAILURES, SCHEDULING, Event, EventType, event, moment, stamp
from local.host.durable.protocol.http_calls import NAME as HTTP_ACTIVITY

Action = Mapping[str, Any]
LONGEST_RETRY_DELAY = timedelta(days=6)
MOST_ACTIONS = 100_000
"""Source: Azure docs, durable-functions host.json: maxOrchestrationActions."""


class ActionType(IntEnum):
    """The numbers that stand in `actionType`."""

    CALL_ACTIVITY = 0
    CALL_ACTIVITY_WITH_RETRY = 1
    CALL_SUB_ORCHESTRATOR = 2
    CALL_SUB_ORCHESTRATOR_WITH_RETRY = 3
    CONTINUE_AS_NEW = 4
    CREATE_TIMER = 5
    WAIT_FOR_EXTERNAL_EVENT = 6
    CALL_ENTITY = 7
    CALL_HTTP = 8
    SIGNAL_ENTITY = 9
    SCHEDULED_SIGNAL_ENTITY = 10
    WHEN_ANY = 11
    WHEN_ALL = 12


class Refused(Exception):
    """The orchestrator asked for something that cannot be done; the message becomes the instance's failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`scheduled`: events for what is new, in order of their ids. `ended`: nothing is awaited and nothing is open."""

    scheduled: Sequence[Event]
    ended: bool
    continue_as_new: str | None


@dataclass(slots=True, eq=False)
class _Node:
    """Something that is awaited."""

    done: bool = False
    failed: bool = False
    waiting: list[Callable[[_Node], None]] = field(default_factory=list)

    def then(self, callback: Callable[[_Node], None]) -> None:
        if self.done:
            callback(self)
        else:
            self.waiting.append(callback)

    def end(self, *, failed: bool = False) -> None:
        if self.done:
            return
        self.done, self.failed = True, failed
        waiting, self.waiting = self.waiting, []
        for callback in waiting:
            callback(self)


def replay(
    actions: Sequence[Action],
    history: Sequence[Event],
    *,
    execution: str,
    new_id: Callable[[], str],
    most: int = MOST_ACTIONS,
) -> Outcome:
    """Await `actions` over `history`, which includes the messages of this episode. Raises Refused, also if there are
    more than `most` of them.

    `new_id` names new entity requests.
    """
    if counted(actions) > most:
        raise Refused(
            f"Maximum amount of orchestration actions ({most:,}) has been reached. This value can be configured in "
            "host.json file as MaxOrchestrationActions."
        )
    return _Replay(actions, history, execution, new_id).run()


def counted(actions: Sequence[Action]) -> int:
    """How many actions the extension counts: a task with retries is one, a wait for an event is one, and those in a
    group are counted one by one. Continue-as-new is none. Source: the extension, DurableOrchestrationContext.cs
    (IncrementActionsOrThrowException)."""
    return sum(
        counted(action["compoundActions"])
        if action["actionType"] in (ActionType.WHEN_ANY, ActionType.WHEN_ALL)
        else action["actionType"] != ActionType.CONTINUE_AS_NEW
        for action in actions
    )


class _Replay:
    def __init__(
        self, actions: Sequence[Action], history: Sequence[Event], execution: str, new_id: Callable[[], str]
    ) -> None:
        self.actions, self.history, self.execution, self.new_id = actions, history, execution, new_id
        self.known = {past["EventId"]: past for past in history if past["EventType"] in SCHEDULING}
        self.now = moment(history[0]["Timestamp"])
        self.next_action = 0
        self.next_id = 0
        self.scheduled: list[Event] = []
        self.open: dict[int, _Node] = {}
        self.requests: dict[str, _Node] = {}
        self.waits: defaultdict[str, deque[_Node]] = defaultdict(deque)
        self.early: defaultdict[str, int] = defaultdict(int)
        self.last = _Node(done=True)
        self.restart: str | None = None

    def run(self) -> Outcome:
        for past in self.history:
            self._play(past)
        unclaimed = [past for key, past in self.known.items() if key >= self.next_id]
        if unclaimed:
            raise Refused(_non_deterministic(unclaimed[0], "nothing"))
        awaited = self.next_action == len(self.actions) and self.last.done
        return Outcome(
            scheduled=self.scheduled, ended=awaited and not self.open, continue_as_new=self.restart if awaited else None
        )

    def _play(self, past: Event) -> None:
        match past["EventType"]:
            case EventType.ORCHESTRATOR_STARTED:
                self.now = moment(past["Timestamp"])
            case EventType.EXECUTION_STARTED:
                self._advance()
            case EventType.EVENT_RAISED:
                self._raised(past["Name"])
            case kind if kind in COMPLETING:
                self._completed(past[COMPLETING[kind]], failed=kind in FAILURES)

    def _completed(self, task: int, *, failed: bool) -> None:
        node = self.open.pop(task, None)
        if node is not None:
            node.end(failed=failed)

    def _raised(self, name: str) -> None:
        request = self.requests.pop(name, None)
        if request is not None:
            request.end()
            return
        # The extension compares names without case; the SDK does not. A name that differs in case is lost, as in Azure.
        key = name.lower()
        if self.waits[key]:
            self.waits[key].popleft().end()
        else:
            self.early[key] += 1

    def _advance(self, _: _Node | None = None) -> None:
        while self.last.done and self.next_action < len(self.actions):
            self.last = self._make(self.actions[self.next_action])
            self.next_action += 1
            if not self.last.done:
                self.last.then(self._advance)

    def _make(self, action: Action) -> _Node:
        kind = action["actionType"]
        match kind:
            case ActionType.CALL_ACTIVITY | ActionType.CALL_SUB_ORCHESTRATOR:
                return self._task(action)
            case ActionType.CALL_ACTIVITY_WITH_RETRY | ActionType.CALL_SUB_ORCHESTRATOR_WITH_RETRY:
                return self._retried(action)
            case ActionType.CREATE_TIMER:
                return self._timer(moment(action["fireAt"]), cancelled=bool(action.get("isCanceled")))
            case ActionType.WAIT_FOR_EXTERNAL_EVENT:
                return self._wait(str(action["externalEventName"]).lower())
            case ActionType.CALL_ENTITY | ActionType.SIGNAL_ENTITY:
                return self._entity(action, signal=kind == ActionType.SIGNAL_ENTITY)
            case ActionType.WHEN_ANY | ActionType.WHEN_ALL:
                return self._compound(action, needed=1 if kind == ActionType.WHEN_ANY else None)
            case ActionType.CALL_HTTP:
                request = {"functionName": HTTP_ACTIVITY, "input": json.dumps(action["httpRequest"])}
                return self._task(request | {"actionType": ActionType.CALL_ACTIVITY})
            case ActionType.CONTINUE_AS_NEW:
                self.restart = json.dumps(action["input"])
                return _Node(done=True)
        name = ActionType(kind).name.lower() if kind in ActionType.__members__.values() else str(kind)
        raise Refused(f"This host does not support the orchestrator action '{name}'.")

    def _compound(self, action: Action, needed: int | None) -> _Node:
        children = [self._make(child) for child in action["compoundActions"]]
        left = len(children) if needed is None else min(needed, len(children))
        whole = _Node(done=left == 0)

        def one_ended(_: _Node) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                whole.end()

        for child in children:
            child.then(one_ended)
        return whole

    def _retried(self, action: Action) -> _Node:
        """Attempts with timers between them. After the last failure one more timer, of no length, is created before the
        task fails; the SDK counts on it."""
        options, whole = action["retryOptions"], _Node()
        attempts = 0

        def attempt(_: _Node | None = None) -> None:
            nonlocal attempts
            attempts += 1
            self._task(action).then(attempted)

        def attempted(node: _Node) -> None:
            if not node.failed:
                whole.end()
            elif attempts < options["maxNumberOfAttempts"]:
                self._timer(self.now + retry_delay(options, attempts)).then(attempt)
            else:
                self._timer(self.now).then(lambda _: whole.end(failed=True))

        attempt()
        return whole

    def _task(self, action: Action) -> _Node:
        task, name = self._take_id(), action["functionName"]
        if action["actionType"] in (ActionType.CALL_ACTIVITY, ActionType.CALL_ACTIVITY_WITH_RETRY):
            # DurableTask.Core passes arguments as an array; the one argument is the JSON text.
            text = json.dumps([action["input"]])
            made = event(EventType.TASK_SCHEDULED, self.now, task, Name=name, Version=None, Input=text)
        else:
            made = event(
                EventType.SUB_ORCHESTRATION_CREATED,
                self.now,
                task,
                Name=name,
                Version=action.get("version"),
                InstanceId=action.get("instanceId") or f"{self.execution}:{task}",
                Input=json.dumps(action["input"]),
            )
        return self._opened(task, made)

    def _timer(self, fire_at: datetime, *, cancelled: bool = False) -> _Node:
        task = self._take_id()
        if cancelled:
            self._check(task, event(EventType.TIMER_CREATED, self.now, task, FireAt=stamp(fire_at)))
            return _Node(done=True)
        return self._opened(task, event(EventType.TIMER_CREATED, self.now, task, FireAt=stamp(fire_at)))

    def _wait(self, name: str) -> _Node:
        node = _Node()
        if self.early[name]:
            self.early[name] -= 1
            node.end()
        else:
            self.waits[name].append(node)
        return node

    def _entity(self, action: Action, *, signal: bool) -> _Node:
        task = self._take_id()
        past = self.known.get(task)
        request = {
            "op": action["operation"],
            "signal": signal,
            "input": json.dumps(action["input"]),
            "id": self.new_id(),
            "parentExecution": self.execution,
        }
        made = event(
            EventType.EVENT_SENT, self.now, task, InstanceId=action["instanceId"], Name="op", Input=json.dumps(request)
        )
        self._check(task, made)
        if past is None:
            self.scheduled.append(made)
        if signal:
            return _Node(done=True)
        node = _Node()
        self.requests[json.loads((past or made)["Input"])["id"]] = node
        return node

    def _opened(self, task: int, made: Event) -> _Node:
        self._check(task, made)
        if task not in self.known:
            self.scheduled.append(made)
        node = _Node()
        self.open[task] = node
        return node

    def _take_id(self) -> int:
        self.next_id += 1
        return self.next_id - 1

    def _check(self, task: int, made: Event) -> None:
        past = self.known.get(task)
        if past is not None and _identity(past) != _identity(made):
            raise Refused(_non_deterministic(past, _spoken(made)))


def retry_delay(options: Mapping[str, Any], attempt: int) -> timedelta:
    """How long to wait after failed attempt number `attempt` (from 1)."""
    first = timedelta(milliseconds=options["firstRetryIntervalInMilliseconds"])
    longest = LONGEST_RETRY_DELAY
    if options.get("maxRetryIntervalInMilliseconds"):
        longest = min(longest, timedelta(milliseconds=options["maxRetryIntervalInMilliseconds"]))
    try:
        return min(first * float(options.get("backoffCoefficient") or 1.0) ** (attempt - 1), longest)
    except OverflowError:
        return longest


def _identity(scheduling: Event) -> tuple[object, ...]:
    kind = scheduling["EventType"]
    if kind == EventType.TIMER_CREATED:
        return (kind,)
    if kind == EventType.EVENT_SENT:
        return (kind, scheduling["InstanceId"], json.loads(scheduling["Input"])["op"])
    return (kind, str(scheduling["Name"]).lower())


def _spoken(scheduling: Event) -> str:
    match scheduling["EventType"]:
        case EventType.TASK_SCHEDULED:
            return f"a call of activity '{scheduling['Name']}'"
        case EventType.SUB_ORCHESTRATION_CREATED:
            return f"a call of sub-orchestrator '{scheduling['Name']}'"
        case EventType.TIMER_CREATED:
            return "a timer"
    return f"operation '{json.loads(scheduling['Input'])['op']}' on entity '{scheduling['InstanceId']}'"


def _non_deterministic(past: Event, now: str) -> str:
    return (
        f"Non-Deterministic workflow detected: with sequence ID {past['EventId']} the history has {_spoken(past)}, "
        f"but replaying the orchestrator gave {now}. Was its code changed while this instance was running, or does it "
        "use time, randomness or I/O that is not replayed?"
    )
