"""All durable state, in one SQLite file. What a turn changes, it changes in one transaction.

Everything that will happen is a row: an inbox row for each message (timers are messages with a later due time), an
activity row for each activity that has not been recorded as done. Started again, the engine goes on from these rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from local.database import open_database
from local.host.durable.protocol import events
from local.host.durable.protocol.entities import EntityState, EntityTurn
from local.host.durable.protocol.episode import TERMINAL, Message, Received, Start, Turn
from local.host.durable.protocol.events import Event, EventType
from local.host.durable.runtime import listing
from local.host.durable.runtime.listing import Entity, EntityQuery, Instance, Query, micros, moment_of

_VERSION = 2
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
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, execution TEXT NOT NULL, event TEXT NOT NULL,
    due INTEGER);
CREATE INDEX IF NOT EXISTS activity_of ON activity (id);
CREATE TABLE IF NOT EXISTS entity (
    id TEXT PRIMARY KEY, state TEXT, updated INTEGER NOT NULL) WITHOUT ROWID;
"""


class OtherVersion(Exception):
    """A file has tables that this version cannot read."""


@dataclass(frozen=True, slots=True)
class Activity:
    """An activity that has to run, at `due` or now. `event` is its TaskScheduled event."""

    seq: int
    instance: str
    execution: str
    event: Event
    due: datetime | None = None


class Store:
    """Used from one thread."""

    def __init__(self, path: Path | str) -> None:
        """Open or create the file; ":memory:" keeps everything in memory."""
        self._db = open_database(path)
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and version != _VERSION:
            raise OtherVersion(f"{path} was created by another version of this host. Remove it to start afresh.")
        self._db.executescript(_SCHEMA)
        self._db.execute(f"PRAGMA user_version = {_VERSION}")

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

    def start(self, start: Start, now: datetime, *, over: bool = False) -> str | None:
        """Begin an instance. If its id is taken by one that has not ended, return that one's status instead; with
        `over`, begin in its place."""
        with self._transaction():
            return self._start(start, now, over=over)

    def post(self, messages: Iterable[Message], now: datetime) -> None:
        """Put messages in their inboxes."""
        with self._transaction():
            self._post(messages, now)

    def take(self, instance: str, now: datetime, limit: int | None) -> list[Received]:
        """The messages that are due, in order of arrival. They stay until a turn consumes them."""
        rows = self._db.execute(
            "SELECT seq, execution, body FROM inbox WHERE id = ? AND due <= ? ORDER BY due, seq LIMIT ?",
            (instance, micros(now), -1 if limit is None else limit),
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
        return listing.instance_of(row) if row else None

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
                    (turn.status, turn.output, turn.custom, micros(now), turn.instance),
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
                "UPDATE instance SET status = ?, updated = ? WHERE id = ?", (status, micros(now), instance)
            )

    def activities(self) -> list[Activity]:
        """All that have been scheduled and not been recorded as done."""
        rows = self._db.execute("SELECT seq, id, execution, event, due FROM activity ORDER BY seq")
        return [
            Activity(seq, instance, execution, json.loads(text), None if due is None else moment_of(due))
            for seq, instance, execution, text, due in rows
        ]

    def activities_ended(self, ended: Sequence[tuple[Activity, Message]], now: datetime) -> list[bool]:
        """Record results, and say which of them counted: only the first for an activity does, and it is gone if the
        instance was purged or replaced meanwhile."""
        with self._transaction():
            return [self._activity_ended(activity, result, now) for activity, result in ended]

    def _activity_ended(self, activity: Activity, result: Message, now: datetime) -> bool:
        first = self._db.execute("DELETE FROM activity WHERE seq = ?", (activity.seq,)).rowcount > 0
        if first:
            self._post([result], now)
        return first

    def activity_goes_on(self, activity: Activity, following: Event, due: datetime) -> Activity | None:
        """Have the activity do something else later; None if it is gone."""
        with self._transaction():
            found = self._db.execute(
                "UPDATE activity SET event = ?, due = ? WHERE seq = ?",
                (json.dumps(following), micros(due), activity.seq),
            ).rowcount
        return replace(activity, event=following, due=due) if found else None

    def rewind(self, rewound: Mapping[str, Sequence[Event]], message: Message, now: datetime) -> None:
        """Give instances that have failed these histories, and have the one that `message` is for look at it."""
        with self._transaction():
            for instance, history in rewound.items():
                self._db.execute("DELETE FROM history WHERE id = ?", (instance,))
                self._append(instance, history)
                self._db.execute(
                    "UPDATE instance SET status = 'Pending', output = NULL, updated = ? WHERE id = ?",
                    (micros(now), instance),
                )
                self._post([replace(message, to=instance)], now)

    def entity(self, entity: str) -> EntityState | None:
        row = self._db.execute("SELECT state FROM entity WHERE id = ?", (entity,)).fetchone()
        return EntityState(row[0]) if row else None

    def entities(self, query: EntityQuery) -> list[Entity]:
        """Entities that exist, by id."""
        return listing.entities(self._db, query)

    def commit_entity(self, turn: EntityTurn, received: Iterable[Received], now: datetime) -> None:
        """Write an entity's turn and consume its messages."""
        with self._transaction():
            self._consume(received)
            if turn.state is None:
                self._db.execute("DELETE FROM entity WHERE id = ?", (str(turn.entity),))
            else:
                self._db.execute(
                    "INSERT OR REPLACE INTO entity VALUES (?, ?, ?)", (str(turn.entity), turn.state.text, micros(now))
                )
            self._post(turn.messages, now)

    def waiting(self, now: datetime) -> list[str]:
        """Instances and entities with messages that are due."""
        rows = self._db.execute("SELECT id FROM inbox WHERE due <= ? GROUP BY id ORDER BY min(seq)", (micros(now),))
        return [instance for (instance,) in rows]

    def next_due(self, after: datetime) -> datetime | None:
        """When the first message later than `after` is due."""
        (due,) = self._db.execute("SELECT min(due) FROM inbox WHERE due > ?", (micros(after),)).fetchone()
        return None if due is None else moment_of(due)

    def due_between(self, after: datetime, until: datetime) -> list[str]:
        """For whom messages have become due later than `after` and not later than `until`, earliest first."""
        rows = self._db.execute(
            "SELECT id FROM inbox WHERE due > ? AND due <= ? GROUP BY id ORDER BY min(due), min(seq)",
            (micros(after), micros(until)),
        )
        return [instance for (instance,) in rows]

    def query(self, query: Query) -> list[Instance]:
        """Instances, oldest first."""
        return listing.instances(self._db, query)

    def purge_entity(self, entity: str) -> bool:
        """Forget the state of an entity; whether it had one. What it has been sent since stays."""
        with self._transaction():
            return self._db.execute("DELETE FROM entity WHERE id = ?", (entity,)).rowcount > 0

    def purge(self, instances: Iterable[str]) -> int:
        """Forget these instances and all that is theirs."""
        with self._transaction():
            return sum(self._forget(instance) for instance in instances)

    def _start(self, start: Start, now: datetime, *, over: bool = False) -> str | None:
        taken = self._db.execute("SELECT status FROM instance WHERE id = ?", (start.instance,)).fetchone()
        if taken is not None:
            if taken[0] not in TERMINAL and not over:
                return str(taken[0])
            self._forget(start.instance)
        self._db.execute(
            "INSERT INTO instance VALUES (?, ?, ?, 'Pending', ?, NULL, NULL, ?, ?)",
            (start.instance, start.execution, start.name, start.input_text, micros(now), micros(now)),
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
            (start.execution, start.input_text, custom, micros(now), start.instance),
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
            self._insert(message.to, micros(message.due or now), message.execution, message.body)

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
