"""Which identity has which role on what, and since when. Pure.

Source: Azure docs, role-based-access-control/overview: assignments add up, and one on a parent counts for its children.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import yaml

from local.roles import scopes
from local.roles.definitions import InvalidRole, Needs, Permission, Role, built_in_roles, parse_role
from local.roles.identities import by_name

_AFTER = re.compile(r"(\d+)(s|m|h)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours"}
_MEMBERS = {"identity", "role", "scope", "effective", "after"}


class InvalidAssignments(ValueError):
    """A roles.yaml that cannot be used; the message says where and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """`identity` is an object id, `scope` a resource id. Nobody feels an assignment before it is `effective`."""

    identity: str
    role: Role
    scope: str
    effective: datetime | None = None

    def grants(self, permission: Permission, resource: str, now: datetime) -> bool:
        return (
            (self.effective is None or self.effective <= now)
            and scopes.covers(self.scope, resource)
            and self.role.allows(permission)
        )


@dataclass(frozen=True, slots=True)
class Assignments:
    """All that roles.yaml says."""

    all: tuple[Assignment, ...]

    def missing(self, identity: str, needs: Needs, resource: str, now: datetime) -> Permission | None:
        """The first permission that the identity lacks on the resource, or None if it may do what `needs` is for."""
        held = [one for one in self.all if one.identity == identity]
        lacking = [
            next((need for need in needed if not any(one.grants(need, resource, now) for one in held)), None)
            for needed in needs
        ]
        return None if None in lacking else lacking[0]


def parse(text: str, *, written: datetime) -> Assignments:
    """The assignments of a roles.yaml that was `written` at some time. Raises InvalidAssignments."""
    try:
        body = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidAssignments(f"This is not valid YAML: {error}") from error
    if not isinstance(body, dict) or body.keys() - {"roles", "assignments"}:
        raise InvalidAssignments("There must be 'assignments', a list, and may be 'roles', definitions by name.")
    listed, custom = body.get("assignments") or [], body.get("roles") or {}
    if not isinstance(listed, list) or not isinstance(custom, dict):
        raise InvalidAssignments("'assignments' must be a list, and 'roles' an object.")
    try:
        roles = {**built_in_roles(), **{str(name): parse_role(str(name), role) for name, role in custom.items()}}
    except InvalidRole as error:
        raise InvalidAssignments(str(error)) from error
    return Assignments(tuple(_assignment(one, roles, written) for one in listed))


def _assignment(body: Any, roles: Mapping[str, Role], written: datetime) -> Assignment:
    if not isinstance(body, dict) or body.keys() - _MEMBERS or not body.keys() >= {"identity", "role", "scope"}:
        raise InvalidAssignments(
            f"An assignment has identity, role and scope, and may have effective or after; not {body!r}."
        )
    role = roles.get(str(body["role"]))
    if role is None:
        raise InvalidAssignments(f"There is no role {body['role']!r}; there are {', '.join(sorted(roles))}.")
    try:
        scope = scopes.parse(str(body["scope"]))
    except scopes.InvalidScope as error:
        raise InvalidAssignments(str(error)) from error
    return Assignment(
        identity=by_name(str(body["identity"])).object_id, role=role, scope=scope, effective=_effective(body, written)
    )


def _effective(body: Mapping[str, Any], written: datetime) -> datetime | None:
    if "after" in body:
        match = _AFTER.fullmatch(str(body["after"]))
        if match is None or "effective" in body:
            raise InvalidAssignments(f"'after' is a time such as 90s, 30m or 1h, and excludes 'effective': {body!r}.")
        return written + timedelta(**{_UNITS[match[2]]: int(match[1])})
    if "effective" not in body:
        return None
    try:
        # YAML reads a time by itself where it recognises one.
        moment = datetime.fromisoformat(str(body["effective"]))
    except ValueError as error:
        raise InvalidAssignments(f"'effective' is a time in ISO format: {body!r}.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
