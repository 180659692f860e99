"""What can go wrong, as people and retries need to distinguish it.

    LandfallError
    ├── RoutesInvalid      routes.yaml is not valid; carries every problem found
    ├── SettingsInvalid    app settings are missing or malformed; carries every one of them
    ├── InputRefused       something from outside (an event, a path, a request) is not acceptable
    ├── LedgerDamaged      a document of the ledger that has been there is gone; somebody has to look after it
    ├── UnknownVersion     a document was written by another version of Landfall; it is left as it is
    └── Unavailable        a service did not answer as it should; trying again may help
        └── Denied         it denied access to the app's identity; a new role takes a while to take effect

Outcomes that a run is expected to have (rejected by the endpoint, failed, canceled) are values, not exceptions: an
exception loses its type on the way from an activity to its orchestrator. What an activity raises becomes a Trouble
(shared/core/trouble.py) at the edge; any exception that is not in this tree is a defect of the code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class LandfallError(Exception):
    """Something went wrong that Landfall can explain."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a route: where, what, and what would be right."""

    route: str
    field: str
    message: str

    def __str__(self) -> str:
        where = f"route {self.route!r}, {self.field}" if self.route else self.field
        return f"{where}: {self.message}"


class RoutesInvalid(LandfallError):
    """The routes file was read, but all or part of it is not usable."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("routes.yaml has problems:\n" + "\n".join(f"  - {problem}" for problem in self.problems))


class SettingsInvalid(LandfallError):
    """App settings were missing or malformed."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("The app settings have problems:\n" + "\n".join(f"  - {problem}" for problem in self.problems))


class InputRefused(LandfallError):
    """Something that came from outside was not acceptable; nothing was done with it."""


class Unavailable(LandfallError):
    """A service answered with an error or not at all; the same call may succeed later."""


class Denied(Unavailable):
    """A service denied access to the app's identity: no role, or one that has not taken effect yet."""


class UnknownVersion(LandfallError):
    """A document was written by another version of Landfall; it was left as it is."""


class LedgerDamaged(LandfallError):
    """A document of the ledger that has been there was gone."""
