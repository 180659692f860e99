from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from local import addresses
from local.supervisor import Part, PartFailed, Supervisor
from testbed.eventually import eventually_on_loop
from tests.local.stack.stacks import is_running


def supervised(state: Path, work: Callable[[Supervisor], Awaitable[None]]) -> list[str]:
    """Let `work` use a supervisor; returns what that said."""
    said: list[str] = []

    async def run() -> None:
        with (state / "lock").open("w") as lock:
            supervisor = Supervisor(state, lock.fileno(), lambda: None, said.append)
            try:
                await work(supervisor)
            finally:
                await supervisor.stop()

    asyncio.run(run())
    return said


def identity(state: Path) -> Part:
    addresses.settle(state)
    return Part("identity", "local.identity", ("--state", str(state)))


async def other_pid(supervisor: Supervisor, pid: int) -> int:
    return await eventually_on_loop(lambda: (now := supervisor.pids["identity"]) != pid and now)


def test_a_part_that_is_killed_is_started_again_and_somebody_is_told(tmp_path: Path) -> None:
    async def work(supervisor: Supervisor) -> None:
        await supervisor.start(identity(tmp_path))
        before = supervisor.pids["identity"]
        os.kill(before, signal.SIGKILL)
        assert is_running(await other_pid(supervisor, before))
        await eventually_on_loop(lambda: said)

    said: list[str] = []

    async def noted(supervisor: Supervisor) -> None:
        supervisor.say = said.append
        await work(supervisor)

    supervised(tmp_path, noted)

    assert len(said) == 1
    assert said[0].startswith("identity ended with SIGKILL and was started again (pid ")


def test_a_part_that_dies_again_and_again_is_given_up_with_the_end_of_its_log(tmp_path: Path) -> None:
    async def work(supervisor: Supervisor) -> None:
        await supervisor.start(Part("dying", "tests.local.stack.dying", ()))
        await supervisor.run()

    with pytest.raises(PartFailed, match=r"dying ended 5 times within 60 s") as failed:
        supervised(tmp_path, work)
    assert str(tmp_path / "dying.log") in str(failed.value)


def test_a_part_that_does_not_start_is_explained_by_its_log(tmp_path: Path) -> None:
    async def work(supervisor: Supervisor) -> None:
        await supervisor.start(Part("missing", "local.no_such_part", ()))

    with pytest.raises(PartFailed, match="No module named"):
        supervised(tmp_path, work)


def test_parts_are_stopped_with_the_supervisor(tmp_path: Path) -> None:
    pids: list[int] = []

    async def work(supervisor: Supervisor) -> None:
        await supervisor.start(identity(tmp_path))
        pids.extend(supervisor.pids.values())

    assert supervised(tmp_path, work) == []
    assert not any(is_running(pid) for pid in pids)
