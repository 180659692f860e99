"""The landing entity as the host calls it: a batch of operations on the stored state."""

from __future__ import annotations

import json
import logging
from typing import Any

import azure.functions as func
import pytest

from shared.core.record import dump
from shared.core.watchers import Asking, Operation
from tests.triggers.log import told
from triggers import entities
from triggers.names import Entity

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions:DeprecationWarning")  # the SDK's advice on decoding


@pytest.fixture(scope="module")
def registered() -> Any:
    """The function that the host would call."""
    app = func.FunctionApp()
    app.register_functions(entities.bp)
    (function,) = app.get_functions()
    assert function.get_function_name() == Entity.LANDING
    return function.get_user_function()


def called(
    registered: Any, state: str | None, *operations: tuple[str, object]
) -> tuple[str | None, list[tuple[bool, Any]]]:
    """What the host keeps for the next call, None if there is no entity any more, and for each operation whether it
    failed and its answer."""
    context = {
        "self": {"name": Entity.LANDING, "key": "digits-1"},
        "exists": state is not None,
        "state": state,
        "batch": [
            {"name": name, "input": json.dumps(json.dumps(given)), "isSignal": False} for name, given in operations
        ],
    }
    answer = json.loads(registered(json.dumps(context)))
    kept = answer["entityState"] if answer["entityExists"] else None
    return kept, [(found["isError"], json.loads(found["result"])) for found in answer["results"]]


def asking(operation: Operation, who: str) -> tuple[str, object]:
    return operation, dump(Asking(who))


def test_a_landing_has_one_watcher_from_call_to_call(registered: Any) -> None:
    state, first = called(registered, None, asking(Operation.ENTER, "first"))
    state, second = called(registered, state, asking(Operation.ENTER, "second"), asking(Operation.BEGIN, "second"))
    state, leaving = called(registered, state, asking(Operation.BEGIN, "first"), asking(Operation.LEAVE, "first"))
    state, left = called(registered, state, asking(Operation.LEAVE, "first"), asking(Operation.ENTER, "third"))

    assert first == [(False, "first")]
    assert second == [(False, "first"), (False, False)]
    assert leaving == [(False, True), (False, True)]  # somebody came by: it has to look again
    assert left == [(False, False), (False, "third")]


def test_the_state_is_a_record_with_its_version(registered: Any) -> None:
    state, _ = called(registered, None, asking(Operation.ENTER, "first"))

    assert json.loads(state or "") == {"version": 1, "watcher": "first"}


def test_an_operation_that_it_does_not_know_fails_and_leaves_the_state_as_it_was(registered: Any) -> None:
    before, _ = called(registered, None, asking(Operation.ENTER, "first"))

    after, answers = called(registered, before, ("evict", dump(Asking("second"))), asking(Operation.BEGIN, "first"))

    assert [failed for failed, _ in answers] == [True, False]
    assert json.loads(after or "") == {"version": 1, "watcher": "first", "busy": True}


def test_a_state_of_another_version_is_forgotten_and_reported_once(
    registered: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Seen before: it was kept and every operation failed, so that nobody watched the landing any more, and no event
    and no sweep could change that."""
    newer = json.dumps({"version": 2, "watchers": ["a", "b"]})

    after, answers = called(registered, newer, asking(Operation.ENTER, "first"), asking(Operation.BEGIN, "first"))

    assert answers == [(False, "first"), (False, True)]
    assert json.loads(after or "") == {"version": 1, "watcher": "first", "busy": True}
    (forgotten,) = told(caplog, "landing.forgotten", logging.ERROR)
    state = "{'version': 2, 'watchers': ['a', 'b']}"
    assert forgotten == {"instance_id": "first", "key": "digits-1", "state": state}


def test_a_landing_that_nobody_watches_leaves_no_entity_behind(
    registered: Any, caplog: pytest.LogCaptureFixture
) -> None:
    state, _ = called(registered, None, asking(Operation.ENTER, "first"), asking(Operation.LEAVE, "first"))

    assert state is None
    state, ((failed, watcher),) = called(registered, state, asking(Operation.ENTER, "second"))
    assert (failed, watcher) == (False, "second")
    assert told(caplog, "landing.forgotten") == []
