"""All durable state, in one SQLite file. What a turn changes, it changes in one transaction.

Everything that will happen is a row: an inbox row for each message (timers are messages with a later due time), an
activity row for each activity that has not been recorded as done. Started again, the engine goes on from these rows.

The journal is a write-ahead log with synchronous=NORMAL: a commit is handed to the operating system before it is
reported, so `kill -9` loses nothing. A power failure may lose the last commits; a development machine can bear that.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from local.host.durable import events
from local.host.durable.entities import EntityState, EntityTurn
from local.host.durable.episode import TERMINAL, Message, Received, Start, Turn
from local.host.durable.events import Event, EventType

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS instance (
    id TEXT PRIMARY KEY, execution TEXT NOT NULL, name TEXT NOT NULL, status TEXT NOT NULL, input TEXT, output TEXT,
    custom TEXT, created INTEGER NOT NULL, updated INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS instance_created ON instance (created, id);
CREATE TABLE IF NOT EXISTS history (
    id TEXT NOT NULL, seq INTEGER NOT NULL, event TEXT NOT NULL, PRIMARY KEY (id, seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS inbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, due INTEGER NOT NULL, execution TEXT, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS inbox_of ON inbox (id, due, seq);
CREATE INDEX IF NOT EXISTS inbox_due ON inbox (due);
CREATE TABLE IF NOT EXISTS activity (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, execution TEXT NOT NULL, event TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS activity_of ON activity (id);
CREATE TABLE IF NOT EXISTS entity (
    id TEXT PRIMARY KEY, state TEXT, updated INTEGER NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """An orchestration as the outside sees it. Texts are JSON where they can be read as such."""

    id: str
    execution: str
    name: str
    status: str
    input: str | None
    output: str | None
    custom: str | None
    created: datetime
    updated: datetime

    @property
    def terminal(self) -> bool:
        return self.status in TERMINAL


@dataclass(frozen=True, slots=True)
class Activity:
    """An activity that has to run. `event` is its TaskScheduled event."""

    seq: int
    instance: str
    execution: str
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which instances to list; None means any."""

    prefix: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    statuses: frozenset[str] | None = None
    after: tuple[int, str] | None = None
    limit: int | None = None


class Store:
    """Used from one thread."""

    def __init__(self, path: Path | str) -> None:
        """Open or create the file; ":memory:" keeps everything in memory."""
        if isinstance(path, Path):
            path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, cached_statements=256)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def start(self, start: Start, now: datetime) -> str | None:
        """Begin an instance. If its id is taken by one that has not ended, return that one's status instead."""
        with self._transaction():
            return self._start(start, now)

    def post(self, messages: Iterable[Message], now: datetime) -> None:
        """Put messages in their inboxes."""
        with self._transaction():
            self._post(messages, now)

    def take(self, instance: str, now: datetime, limit: int | None) -> list[Received]:
        """The messages that are due, in order of arrival. They stay until a turn consumes them."""
        rows = self._db.execute(
            "SELECT seq, execution, body FROM inbox WHERE id = ? AND due <= ? ORDER BY due, seq LIMIT ?",
            (instance, _micros(now), -1 if limit is None else limit),
        )
        return [Received(seq, execution, json.loads(body)) for seq, execution, body in rows]

    def drop(self, received: Iterable[Received]) -> None:
        """Forget messages that mean nothing."""
        rows = list(received)
        if rows:
            with self._transaction():
                self._consume(rows)

    def instance(self, instance: str) -> Instance | None:
        row = self._db.execute("SELECT * FROM instance WHERE id = ?", (instance,)).fetchone()
        return _instance(row) if row else None

    def history(self, instance: str) -> list[Event]:
        """The events of the current execution, all of them played."""
        rows = self._db.execute("SELECT event FROM history WHERE id = ? ORDER BY seq", (instance,))
        return [json.loads(text) for (text,) in rows]

    def commit(self, turn: Turn, received: Iterable[Received], now: datetime) -> list[Activity]:
        """Write a turn and consume its messages; returns its activities as rows that can be run.

        A child whose id is taken is not started; what its parent is told of that is added to the turn's messages.
        """
        with self._transaction():
            self._consume(received)
            if turn.restart is not None:
                self._continue(turn.restart, turn.custom, now)
            else:
                self._append(turn.instance, turn.appended)
                self._db.execute(
                    "UPDATE instance SET status = ?, output = ?, custom = coalesce(?, custom), updated = ? "
                    "WHERE id = ?",
                    (turn.status, turn.output, turn.custom, _micros(now), turn.instance),
                )
            turn.messages += [told for child in turn.children for told in self._start_child(child, now)]
            self._post(turn.messages, now)
            if turn.status in TERMINAL:
                self._db.execute("DELETE FROM inbox WHERE id = ?", (turn.instance,))
            return [self._activity(turn, event) for event in turn.activities]

    def set_status(self, instance: str, status: str, control: Received, now: datetime) -> None:
        """Suspend or resume: a change of status that the orchestrator does not take part in."""
        with self._transaction():
            self._consume([control])
            started = events.event(EventType.ORCHESTRATOR_STARTED, now)
            self._append(instance, [started, control.body, events.event(EventType.ORCHESTRATOR_COMPLETED, now)])
            self._db.execute(
                "UPDATE instance SET status = ?, updated = ? WHERE id = ?", (status, _micros(now), instance)
            )

    def activities(self) -> list[Activity]:
        """All that have been scheduled and not been recorded as done."""
        rows = self._db.execute("SELECT seq, id, execution, event FROM activity ORDER BY seq")
        return [Activity(seq, instance, execution, json.loads(text)) for seq, instance, execution, text in rows]

    def activity_ended(self, activity: Activity, result: Event, now: datetime) -> None:
        """Record a result. Only the first counts; it is gone if the instance was purged or replaced meanwhile."""
        with self._transaction():
            if self._db.execute("DELETE FROM activity WHERE seq = ?", (activity.seq,)).rowcount:
                self._post([Message(to=activity.instance, execution=activity.execution, body=result)], now)

    def entity(self, entity: str) -> EntityState | None:
        row = self._db.execute("SELECT state FROM entity WHERE id = ?", (entity,)).fetchone()
        return EntityState(row[0]) if row else None

    def entities(self, name: str | None) -> list[tuple[str, str | None, datetime]]:
        """Ids, states and times of last change of all entities (of one name)."""
        prefix = f"@{name.lower()}@" if name else "@"
        rows = self._db.execute(
            "SELECT id, state, updated FROM entity WHERE substr(id, 1, ?) = ? ORDER BY id", (len(prefix), prefix)
        )
        return [(entity, state, _time(updated)) for entity, state, updated in rows]

    def commit_entity(self, turn: EntityTurn, received: Iterable[Received], now: datetime) -> None:
        """Write an entity's turn and consume its messages."""
        with self._transaction():
            self._consume(received)
            if turn.state is None:
                self._db.execute("DELETE FROM entity WHERE id = ?", (str(turn.entity),))
            else:
                self._db.execute(
                    "INSERT OR REPLACE INTO entity VALUES (?, ?, ?)", (str(turn.entity), turn.state.text, _micros(now))
                )
            self._post(turn.messages, now)

    def waiting(self, now: datetime) -> list[str]:
        """Instances and entities with messages that are due."""
        rows = self._db.execute("SELECT id FROM inbox WHERE due <= ? GROUP BY id ORDER BY min(seq)", (_micros(now),))
        return [instance for (instance,) in rows]

    def next_due(self, after: datetime) -> datetime | None:
        """When the first message later than `after` is due."""
        (due,) = self._db.execute("SELECT min(due) FROM inbox WHERE due > ?", (_micros(after),)).fetchone()
        return None if due is None else _time(due)

    def due_between(self, after: datetime, until: datetime) -> list[str]:
        """For whom messages have become due later than `after` and not later than `until`, earliest first."""
        rows = self._db.execute(
            "SELECT id FROM inbox WHERE due > ? AND due <= ? GROUP BY id ORDER BY min(due), min(seq)",
            (_micros(after), _micros(until)),
        )
        return [instance for (instance,) in rows]

    def query(self, query: Query) -> list[Instance]:
        """Oldest first."""
        conditions: list[tuple[str, Sequence[object]]] = []
        if query.prefix is not None:
            conditions.append(("substr(id, 1, ?) = ?", (len(query.prefix), query.prefix)))
        if query.created_from is not None:
            conditions.append(("created >= ?", (_micros(query.created_from),)))
        if query.created_to is not None:
            conditions.append(("created <= ?", (_micros(query.created_to),)))
        if query.statuses is not None:
            marks = ",".join("?" * len(query.statuses))
            conditions.append((f"status IN ({marks})", sorted(query.statuses)))
        if query.after is not None:
            conditions.append(("(created, id) > (?, ?)", query.after))
        where = " AND ".join(text for text, _ in conditions) or "1"
        values = [value for _, bound in conditions for value in bound]
        rows = self._db.execute(
            f"SELECT * FROM instance WHERE {where} ORDER BY created, id LIMIT ?",  # noqa: S608  # constants above
            (*values, -1 if query.limit is None else query.limit),
        )
        return [_instance(row) for row in rows]

    def purge(self, instances: Iterable[str]) -> int:
        """Forget these instances and all that is theirs."""
        with self._transaction():
            return sum(self._forget(instance) for instance in instances)

    def _start(self, start: Start, now: datetime) -> str | None:
        taken = self._db.execute("SELECT status FROM instance WHERE id = ?", (start.instance,)).fetchone()
        if taken is not None:
            if taken[0] not in TERMINAL:
                return str(taken[0])
            self._forget(start.instance)
        self._db.execute(
            "INSERT INTO instance VALUES (?, ?, ?, 'Pending', ?, NULL, NULL, ?, ?)",
            (start.instance, start.execution, start.name, start.input_text, _micros(now), _micros(now)),
        )
        self._post([Message(to=start.instance, execution=start.execution, body=start.event(now))], now)
        return None

    def _start_child(self, child: Start, now: datetime) -> list[Message]:
        status = self._start(child, now)
        if status is None or child.parent is None:
            return []
        reason = f"An Orchestration instance with the status {status} already exists."
        told = events.sub_orchestration_ended(child.parent, now, result=None, failure=reason)
        return [Message(to=child.parent.instance, execution=child.parent.execution, body=told)]

    def _continue(self, start: Start, custom: str | None, now: datetime) -> None:
        """The next execution: a new history. Events that have not been delivered yet stay in the inbox."""
        self._db.execute("DELETE FROM history WHERE id = ?", (start.instance,))
        self._db.execute(
            "UPDATE instance SET execution = ?, status = 'Running', input = ?, custom = coalesce(?, custom), "
            "updated = ? WHERE id = ?",
            (start.execution, start.input_text, custom, _micros(now), start.instance),
        )
        # It has to be read before anything that is already in the inbox, so it is due before all of it.
        self._insert(start.instance, 0, start.execution, start.event(now))

    def _append(self, instance: str, appended: Sequence[Event]) -> None:
        (last,) = self._db.execute("SELECT max(seq) FROM history WHERE id = ?", (instance,)).fetchone()
        first = 0 if last is None else last + 1
        self._db.executemany(
            "INSERT INTO history VALUES (?, ?, ?)",
            [(instance, first + i, json.dumps(e | {"IsPlayed": True})) for i, e in enumerate(appended)],
        )

    def _activity(self, turn: Turn, event: Event) -> Activity:
        cursor = self._db.execute(
            "INSERT INTO activity (id, execution, event) VALUES (?, ?, ?)",
            (turn.instance, turn.execution, json.dumps(event)),
        )
        return Activity(cursor.lastrowid or 0, turn.instance, turn.execution, event)

    def _post(self, messages: Iterable[Message], now: datetime) -> None:
        for message in messages:
            self._insert(message.to, _micros(message.due or now), message.execution, message.body)

    def _insert(self, to: str, due: int, execution: str | None, body: Event) -> None:
        self._db.execute(
            "INSERT INTO inbox (id, due, execution, body) VALUES (?, ?, ?, ?)", (to, due, execution, json.dumps(body))
        )

    def _consume(self, received: Iterable[Received]) -> None:
        self._db.executemany("DELETE FROM inbox WHERE seq = ?", [(r.seq,) for r in received])

    def _forget(self, instance: str) -> int:
        for table in ("history", "inbox", "activity"):
            self._db.execute(f"DELETE FROM {table} WHERE id = ?", (instance,))  # noqa: S608  # constants above
        return self._db.execute("DELETE FROM instance WHERE id = ?", (instance,)).rowcount


def page_key(instance: Instance) -> tuple[int, str]:
    """Where a listing goes on after `instance`."""
    return _micros(instance.created), instance.id


def _instance(row: tuple[str, str, str, str, str | None, str | None, str | None, int, int]) -> Instance:
    identity, execution, name, status, input_text, output, custom, created, updated = row
    return Instance(
        id=identity, execution=execution, name=name, status=status, input=input_text, output=output, custom=custom,
        created=_time(created), updated=_time(updated),
    )  # fmt: skip


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _time(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)
