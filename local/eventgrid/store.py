"""Subscriptions, waiting deliveries and what topics received, in SQLite: kill -9 loses nothing that was accepted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.database import open_database
from local.eventgrid.schema import Event

_TABLES = """
CREATE TABLE IF NOT EXISTS subscription (name TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS total (name TEXT, outcome TEXT, number INTEGER NOT NULL, PRIMARY KEY (name, outcome));
CREATE TABLE IF NOT EXISTS received (id INTEGER PRIMARY KEY, topic TEXT NOT NULL, event TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS delivery (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, event TEXT NOT NULL, published REAL NOT NULL, due REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, last_status INTEGER, last_attempt REAL, given_up TEXT
);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (name, due);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to one subscription. `given_up`: why it only waits to be dead-lettered."""

    id: int
    event: Event
    published: datetime
    attempts: int
    last_status: int | None
    last_attempt: datetime | None
    given_up: str | None


class Store:
    """One connection, used from one thread. Times are those of the shared clock."""

    def __init__(self, path: Path) -> None:
        self.db = open_database(path)
        self.db.executescript(_TABLES)

    def close(self) -> None:
        self.db.close()

    def subscriptions(self) -> dict[str, Any]:
        """The JSON bodies, by name."""
        rows = self.db.execute("SELECT name, body FROM subscription ORDER BY name")
        return {name: json.loads(body) for name, body in rows}

    def put_subscription(self, name: str, body: object) -> None:
        """New or replaced; deliveries that wait already go on waiting."""
        self.db.execute("INSERT OR REPLACE INTO subscription VALUES (?, ?)", (name, json.dumps(body)))

    def delete_subscription(self, name: str) -> bool:
        """False when there was none. Its waiting deliveries go with it."""
        self.db.execute("DELETE FROM delivery WHERE name = ?", (name,))
        self.db.execute("DELETE FROM total WHERE name = ?", (name,))
        return self.db.execute("DELETE FROM subscription WHERE name = ?", (name,)).rowcount > 0

    def receive(self, topic: str, events: Sequence[Event]) -> None:
        """Keep what a custom topic was sent."""
        self.db.executemany(
            "INSERT INTO received (topic, event) VALUES (?, ?)", [(topic, json.dumps(e)) for e in events]
        )

    def received(self, topic: str) -> list[Any]:
        """Oldest first."""
        rows = self.db.execute("SELECT event FROM received WHERE topic = ? ORDER BY id", (topic,))
        return [json.loads(event) for (event,) in rows]

    def enqueue(self, deliveries: Iterable[tuple[str, Event, datetime]], *, published: datetime) -> None:
        """Queue (subscription, event, due) deliveries, all or none."""
        rows = [(name, json.dumps(event), published.timestamp(), due.timestamp()) for name, event, due in deliveries]
        self.db.execute("BEGIN")
        self.db.executemany("INSERT INTO delivery (name, event, published, due) VALUES (?, ?, ?, ?)", rows)
        self.db.execute("COMMIT")

    def due(self, name: str, now: datetime, *, limit: int, but: Iterable[int]) -> list[Delivery]:
        """Deliveries to make now, oldest first, except those with the ids `but`, which are under way."""
        rows = self.db.execute(
            """SELECT id, event, published, attempts, last_status, last_attempt, given_up FROM delivery
               WHERE name = ? AND due <= ? AND id NOT IN (SELECT value FROM json_each(?))
               ORDER BY due, id LIMIT ?""",
            (name, now.timestamp(), json.dumps(list(but)), limit),
        )
        return [
            Delivery(
                id=number,
                event=json.loads(event),
                published=_moment(published),
                attempts=attempts,
                last_status=status,
                last_attempt=_moment(last) if last is not None else None,
                given_up=given_up,
            )
            for number, event, published, attempts, status, last, given_up in rows
        ]

    def next_due(self, name: str, *, but: Iterable[int]) -> datetime | None:
        """When the next delivery is to be made; None when none waits."""
        (due,) = self.db.execute(
            "SELECT MIN(due) FROM delivery WHERE name = ? AND id NOT IN (SELECT value FROM json_each(?))",
            (name, json.dumps(list(but))),
        ).fetchone()
        return None if due is None else _moment(due)

    def postpone(
        self, delivery: Delivery, *, due: datetime, status: int | None, at: datetime, given_up: str | None = None
    ) -> None:
        """Count an attempt and wait until `due`: for the next one or, `given_up`, for dead-lettering."""
        self.db.execute(
            "UPDATE delivery SET due = ?, attempts = ?, last_status = ?, last_attempt = ?, given_up = ? WHERE id = ?",
            (due.timestamp(), delivery.attempts + 1, status, at.timestamp(), given_up, delivery.id),
        )

    def wait_for_dead_letter(self, delivery: Delivery, *, due: datetime, reason: str) -> None:
        """Make no further attempt; dead-letter at `due`."""
        self.db.execute(
            "UPDATE delivery SET due = ?, given_up = ? WHERE id = ?", (due.timestamp(), reason, delivery.id)
        )

    def finish(self, name: str, delivery: Delivery, outcome: str) -> None:
        """The delivery is over; count it under `outcome`."""
        self.db.execute("DELETE FROM delivery WHERE id = ?", (delivery.id,))
        self.count(name, outcome)

    def count(self, name: str, outcome: str) -> None:
        self.db.execute(
            "INSERT INTO total VALUES (?, ?, 1) ON CONFLICT (name, outcome) DO UPDATE SET number = number + 1",
            (name, outcome),
        )

    def totals(self, name: str) -> dict[str, int]:
        """How many deliveries ended how; pending ones are still to be made, those of them to be retried have failed
        before, given up ones wait for dead-lettering."""
        totals = dict(self.db.execute("SELECT outcome, number FROM total WHERE name = ?", (name,)).fetchall())
        pending, to_be_retried, given_up = self.db.execute(
            """SELECT COUNT(*) - COUNT(given_up), COUNT(CASE WHEN attempts > 0 AND given_up IS NULL THEN 1 END),
            COUNT(given_up) FROM delivery WHERE name = ?""",
            (name,),
        ).fetchone()
        ended = {outcome: totals.get(outcome, 0) for outcome in ("delivered", "dead_lettered", "dropped")}
        return {"pending": pending, "to_be_retried": to_be_retried, "given_up": given_up, **ended}


def _moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)
