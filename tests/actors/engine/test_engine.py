"""An engine makes real processes, tells of their deaths, and leaves nothing."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
from pathlib import Path

import pytest

from actorstream.actors.engine.notes import LastWords
from tests.actors.engine.group import cast, members, running, wait_gone, wait_until
from tests.actors.engine.guests import Deed

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks into /proc")


def test_nodes_are_processes_of_their_own() -> None:
    """Each node that is started has a process, which is neither this one nor another node's."""
    with running() as (engine, listener):
        engine.start_node(Deed(1))
        engine.start_node(Deed(2))

        pids = listener.pids(1, 2)

    assert len({os.getpid(), *pids}) == 3


def test_nothing_is_left_after_close() -> None:
    """After `close` there is no process, no run directory and no socket."""
    with running() as (engine, listener):
        engine.start_node(Deed(1))
        group = os.getpgid(listener.pids(1)[0])
        engine.close()

        assert listener.next() == ("exited", 1, None)
        wait_gone(group, engine.directory)


def test_what_nodes_started_ends_with_them() -> None:
    """A process that a node's code has started does not outlive the engine."""
    with running() as (engine, listener):
        engine.start_node(Deed(1, "breed"))
        group = os.getpgid(listener.pids(1)[0])
        wait_until(lambda: len(members(group)) == 6, "the node's own child runs")
        engine.close()

        wait_gone(group, engine.directory)


def test_an_engine_without_nodes_starts_nothing() -> None:
    """Until the first node is ordered there is no helper process, and closing is quick."""
    with running() as (engine, listener):
        engine.close()

        assert listener.is_quiet()
        assert not os.path.lexists(engine.directory)


def test_a_killed_node_is_reported_and_another_one_started() -> None:
    """`kill_node` ends one process and no other."""
    with running() as (engine, listener):
        engine.start_node(Deed(1))
        engine.start_node(Deed(2))
        first, second = listener.pids(1, 2)
        engine.kill_node(1)

        assert listener.next() == ("exited", 1, None)
        wait_until(lambda: first not in members(os.getpgid(second)), "the process is gone")
        engine.start_node(Deed(3))
        assert listener.pids(3)


def test_a_node_that_is_killed_before_it_is_there_dies() -> None:
    """A kill that comes right after the order is not lost."""
    with running() as (engine, listener):
        engine.start_node(Deed(1))
        engine.kill_node(1)

        assert listener.next()[:2] == ("exited", 1)


def test_a_node_that_ends_says_why() -> None:
    """The last words of a node arrive with its end."""
    with running() as (engine, listener):
        engine.start_node(Deed(1, "end"))
        listener.pids(1)

        assert listener.next() == ("exited", 1, LastWords("it was told to"))


def test_a_node_that_cannot_start_says_why(capfd: pytest.CaptureFixture[str]) -> None:
    """An error in what a node runs ends its process, with the traceback."""
    with running() as (engine, listener):
        engine.start_node(Deed(1, "raise"))
        listener.pids(1)
        _, number, words = listener.next()

    assert number == 1
    assert "RuntimeError: no node today" in words.why
    assert "a node could not start" in capfd.readouterr().err


def test_a_hung_handler_ends_its_node_and_shows_where_it_was() -> None:
    """The watchdog of a node says who hung, and the stack names the line."""
    with running() as (engine, listener):
        engine.start_node(Deed(1, "hang"))
        listener.pids(1)
        _, _, words = listener.next()

    assert (words.hung.path, words.hung.handler) == ("desk/greeter", "Greet")
    assert "spin_for_ever" in words.hung.stack


def test_a_stopped_node_does_not_outlive_close() -> None:
    """A process that is stopped (SIGSTOP) is ended by force."""
    with running() as (engine, listener):
        engine.start_node(Deed(1))
        (pid,) = listener.pids(1)
        group = os.getpgid(pid)
        os.kill(pid, signal.SIGSTOP)
        engine.close()

        wait_gone(group, engine.directory)


@pytest.mark.parametrize("role", ["helper", "admin", "warden"])
def test_an_engine_that_breaks_takes_its_nodes_along_and_begins_anew(role: str) -> None:
    """If a process dies that nodes depend on, all are ended before that is said; the next node has a new engine."""
    with running() as (engine, listener):
        engine.start_node(Deed(1))
        (pid,) = listener.pids(1)
        group = os.getpgid(pid)
        os.kill(cast(pid)[role], signal.SIGKILL)

        listener.wait_broken()
        wait_until(lambda: not members(group), "all processes end")
        engine.start_node(Deed(2))
        assert listener.pids(2)


def test_thespians_logger_may_die() -> None:
    """Thespian replaces its logger; nodes do not notice."""
    with running() as (engine, listener):
        engine.start_node(Deed(1))
        (pid,) = listener.pids(1)
        os.kill(cast(pid)["logger"], signal.SIGKILL)
        engine.start_node(Deed(2))

        assert listener.pids(2)


def test_a_stranger_is_not_believed() -> None:
    """Whoever calls the driver's socket without the token is cut off, and disturbs nobody."""
    with running() as (engine, listener):
        engine.start_node(Deed(1))
        listener.pids(1)
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.connect(f"{engine.directory}/driver.sock")
            stranger.settimeout(10)
            stranger.recv(100)
            stranger.sendall(b"\x00\x00\x00\x02hi")
            assert stranger.recv(100) == b""

        engine.start_node(Deed(2))
        assert listener.pids(2)


def test_a_fork_of_the_driver_is_no_driver() -> None:
    """A child that the user's program forks does not keep the engine's connections open."""
    with running() as (engine, listener):
        engine.start_node(Deed(1))
        group = os.getpgid(listener.pids(1)[0])
        read, write = os.pipe()
        child = multiprocessing.get_context("fork").Process(target=os.read, args=(read, 1))
        child.start()
        os.kill(group, signal.SIGKILL)

        listener.wait_broken()
        os.write(write, b"!")
        child.join()
