"""The schedule about what bypasses the seams: nothing of a simulated run reaches the machine."""

from __future__ import annotations

import asyncio
import builtins
import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from actorstream import App, skip
from actorstream.errors import OutsideSimulation
from actorstream.testing import Faults, simulate
from tests.actors.nodes.survival import live
from tests.simulation import calling, workloads

REACHES = [
    (builtins, "open"),
    (os, "open"),
    (os, "fsync"),
    (os, "replace"),
    (socket, "socket"),
    (threading.Thread, "start"),
    (time, "sleep"),
]
"""How a process gets at files, sockets, threads and the time that passes."""


@pytest.fixture
def sealed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What reaches the machine is noted, and refused."""
    reached: list[str] = []
    for owner, name in REACHES:

        def refuse(*arguments: Any, what: str = name, **options: Any) -> Any:
            reached.append(what)
            raise AssertionError(f"a simulated run calls {what}{arguments!r:.200}")

        monkeypatch.setattr(owner, name, refuse)
    yield reached
    monkeypatch.undo()


def test_schedule_38_a_simulated_job_reaches_nothing_of_the_machine(request: pytest.FixtureRequest) -> None:
    """38: neither with faults nor without; what it writes is on a disk in memory, what it waits for is virtual time."""
    job = workloads.timers()
    simulate(job.app, job.inputs, seeds=range(1), faults=Faults.none())  # Loads what is loaded once.
    reached = request.getfixturevalue("sealed")

    simulate(job.app, job.inputs, seeds=range(2))

    assert reached == []


def test_schedule_38_coroutines_of_users_reach_nothing_of_the_machine(request: pytest.FixtureRequest) -> None:
    """38: they run on a loop of virtual time."""
    job = calling.calling()
    simulate(job.app, job.inputs, seeds=range(1), faults=Faults.none())
    reached = request.getfixturevalue("sealed")

    simulate(job.app, job.inputs, seeds=range(2))

    assert reached == []


def test_schedule_38_coroutines_of_users_are_told_what_they_cannot_have() -> None:
    """38: sockets, threads, executors; in every seed, whatever fails beside."""
    app = App("outside")
    numbers, answers = app.topic("numbers", int), app.topic("answers", int)

    @app.stream(numbers).map(on_error=skip)
    async def ask(number: int) -> int:
        await asyncio.sleep(1)
        return await asyncio.to_thread(abs, number)

    ask.to(answers)

    with pytest.raises(OutsideSimulation, match="there are no threads in memory"):
        simulate(app, {numbers: [1, -2]}, seeds=range(2))


def test_schedule_38_simulated_nodes_reach_nothing_of_the_machine(request: pytest.FixtureRequest) -> None:
    """38: their links are in memory, too."""
    live(0)
    reached = request.getfixturevalue("sealed")

    live(1)

    assert reached == []
