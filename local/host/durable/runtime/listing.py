"""Instances and entities as rows, and how they are listed, a page at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from local.host.durable.protocol.episode import TERMINAL

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Conditions = list[tuple[str, Sequence[object]]]
"""SQL with question marks, and what they stand for."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which instances to list; None means any."""

    prefix: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    statuses: frozenset[str] | None = None
    after: tuple[int, str] | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity that exists. `state` is JSON text; `updated` is when its last operation ended."""

    id: str
    state: str | None
    updated: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityQuery:
    """Which entities to list; None means any. `after` is the id of the last one of the page before."""

    name: str | None = None
    updated_from: datetime | None = None
    updated_to: datetime | None = None
    after: str | None = None
    limit: int | None = None


def instances(db: sqlite3.Connection, query: Query) -> list[Instance]:
    """Oldest first."""
    conditions: _Conditions = []
    if query.prefix is not None:
        conditions.append(("substr(id, 1, ?) = ?", (len(query.prefix), query.prefix)))
    if query.statuses is not None:
        marks = ",".join("?" * len(query.statuses))
        conditions.append((f"status IN ({marks})", sorted(query.statuses)))
    if query.after is not None:
        conditions.append(("(created, id) > (?, ?)", query.after))
    conditions += _between("created", query.created_from, query.created_to)
    return [instance_of(row) for row in _rows(db, "instance", conditions, "created, id", query.limit)]


def entities(db: sqlite3.Connection, query: EntityQuery) -> list[Entity]:
    """By id."""
    prefix = f"@{query.name.lower()}@" if query.name else "@"
    conditions: _Conditions = [("substr(id, 1, ?) = ?", (len(prefix), prefix))]
    if query.after is not None:
        conditions.append(("id > ?", (query.after,)))
    conditions += _between("updated", query.updated_from, query.updated_to)
    found = _rows(db, "entity", conditions, "id", query.limit)
    return [Entity(entity, state, moment_of(updated)) for entity, state, updated in found]


def instance_of(row: tuple[str, str, str, str, str | None, str | None, str | None, int, int]) -> Instance:
    """The instance that a row of the table stands for."""
    identity, execution, name, status, input_text, output, custom, created, updated = row
    return Instance(
        id=identity,
        execution=execution,
        name=name,
        status=status,
        input=input_text,
        output=output,
        custom=custom,
        created=moment_of(created),
        updated=moment_of(updated),
    )


def page_key(instance: Instance) -> tuple[int, str]:
    """Where a listing goes on after `instance`."""
    return micros(instance.created), instance.id


def micros(moment: datetime) -> int:
    """Times are kept as microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment_of(micros: int) -> datetime:
    """The time behind a number of microseconds."""
    return _EPOCH + timedelta(microseconds=micros)


def _between(column: str, first: datetime | None, last: datetime | None) -> _Conditions:
    conditions: _Conditions = []
    if first is not None:
        conditions.append((f"{column} >= ?", (micros(first),)))
    if last is not None:
        conditions.append((f"{column} <= ?", (micros(last),)))
    return conditions


def _rows(db: sqlite3.Connection, table: str, conditions: _Conditions, order: str, limit: int | None) -> Any:
    where = " AND ".join(text for text, _ in conditions) or "1"
    values = [value for _, bound in conditions for value in bound]
    sql = f"SELECT * FROM {table} WHERE {where} ORDER BY {order} LIMIT ?"  # noqa: S608  # constants of this module
    return db.execute(sql, (*values, -1 if limit is None else limit))
