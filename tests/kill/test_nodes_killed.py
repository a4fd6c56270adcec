"""Processes of nodes that are killed, or stopped, while actors live there. The goals are measured by a benchmark."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from actorstream.actors import ActorSystem
from actorstream.host.logs import silence
from tests.actors.engine.group import members, wait_gone
from tests.kill.residents import are_back, are_told, known, meet, pids_of, settle, survivors, victims, wait_until


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with silence():
        yield


def test_everybody_is_told_of_a_killed_node_and_its_actors_begin_elsewhere() -> None:
    """Three times: each watcher is told once of each end, and nothing is left behind in the end."""
    with ActorSystem(nodes=3) as system:
        names = settle(system, 6)
        group = os.getpgid(pids_of(known(system))[0])
        for _ in range(3):
            before = known(system)
            pid = before.lives["r0"][-1][1]
            dead, watchers = victims(before, pid), survivors(before, pid)

            os.kill(pid, signal.SIGKILL)
            after = wait_until(system, lambda now: are_told(now, dead, watchers) and are_back(now, dead))  # noqa: B023

            meet(system, names)
            assert dead
            assert all(after.told[watcher, path, dead[path]] == 1 for watcher in watchers for path in dead)
            assert all(after.lives[name][-1][1] != pid for name in dead)
        directory = system._nodes._engine.directory  # type: ignore[union-attr]

    wait_gone(group, directory)


def test_a_node_that_stands_still_is_given_up_and_never_acts_again() -> None:
    """After `lost_after` its actors run elsewhere; when its process would go on it is dead."""
    with ActorSystem(nodes=2, lost_after="1s") as system:
        settle(system, 4)
        before = known(system)
        pid = before.lives["r0"][-1][1]
        dead, watchers = victims(before, pid), survivors(before, pid)
        group = os.getpgid(pid)

        stopped = time.monotonic()
        os.kill(pid, signal.SIGSTOP)
        after = wait_until(system, lambda now: are_told(now, dead, watchers) and are_back(now, dead))

        assert time.monotonic() - stopped >= 0.9
        assert pid not in members(group)
        lives = {name: after.lives[name] for name in dead}
        wait_until(system, lambda _: len(system.nodes) == 3)
        assert {name: known(system).lives[name] for name in dead} == lives


def test_nothing_is_lost_by_whom_a_busy_machine_delays() -> None:
    """A node that stands still for less than `lost_after` goes on as if nothing had been."""
    with ActorSystem(nodes=2, lost_after="20s") as system:
        settle(system, 4)
        before = known(system)
        pid = before.lives["r0"][-1][1]

        os.kill(pid, signal.SIGSTOP)
        os.kill(pid, signal.SIGCONT)
        for name in before.lives:
            system.find(name)

        after = known(system)
        assert (after.lives, after.told) == (before.lives, before.told)
