"""What a role allows. Pure, but for the reading of Azure's own definitions.

Source: Azure docs, role-based-access-control/role-definitions: actions minus notActions, dataActions minus
notDataActions; neither kind implies the other; names ignore case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_BUILT_IN = Path(__file__).with_name("definitions.yaml")
_MEMBERS = ("actions", "notActions", "dataActions", "notDataActions")


@dataclass(frozen=True, slots=True)
class Permission:
    """One thing that an operation needs: an action of the control plane, or a data action."""

    name: str
    is_data: bool = False


Needs = tuple[tuple[Permission, ...], ...]
"""What an operation needs: all permissions of any one of these alternatives."""


def action(name: str) -> Needs:
    """The need of a single action."""
    return ((Permission(name),),)


def data_action(*alternatives: str) -> Needs:
    """The need of one of these data actions."""
    return tuple((Permission(name, is_data=True),) for name in alternatives)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role by the name that Azure shows, with patterns as Azure writes them."""

    name: str
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()

    def allows(self, permission: Permission) -> bool:
        allowed, excepted = self.actions, self.not_actions
        if permission.is_data:
            allowed, excepted = self.data_actions, self.not_data_actions
        return _any_matches(allowed, permission.name) and not _any_matches(excepted, permission.name)


class InvalidRole(ValueError):
    """A definition has members that no role has, or members of another type."""


def parse_role(name: str, body: object) -> Role:
    """A role whose members have Azure's names. Raises InvalidRole."""
    if not isinstance(body, dict) or body.keys() - set(_MEMBERS):
        raise InvalidRole(f"The role {name!r} must be an object with only {', '.join(_MEMBERS)}.")
    for member, patterns in body.items():
        if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
            raise InvalidRole(f"{member} of the role {name!r} must be a list of actions.")
    actions, not_actions, data_actions, not_data_actions = (tuple(body.get(member, ())) for member in _MEMBERS)
    return Role(
        name=name,
        actions=actions,
        not_actions=not_actions,
        data_actions=data_actions,
        not_data_actions=not_data_actions,
    )


@cache
def built_in_roles() -> Mapping[str, Role]:
    """Azure's built-in roles by their names."""
    definitions: dict[str, Any] = yaml.safe_load(_BUILT_IN.read_text("utf-8"))
    return {name: parse_role(name, body) for name, body in definitions.items()}


def _any_matches(patterns: Iterable[str], name: str) -> bool:
    return any(_compiled(pattern).fullmatch(name) for pattern in patterns)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """`*` stands for anything, and `/*/` for a single slash too.

    The latter is inferred: AzureML Data Scientist is described as unable to create computes, which is the action
    `workspaces/computes/write`, and only its `workspaces/computes/*/write` can be what forbids it.
    """
    anything = re.escape(pattern).replace(r"/\*/", "/(?:.*/)?").replace(r"\*", ".*")
    return re.compile(anything, re.IGNORECASE)
