"""The processes of an engine, as the operating system shows them, and an engine with whoever listens to it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from actorstream.actors.engine import EngineSettings, HostInfo, LastWords, ThespianEngine
from tests.actors.engine.guests import ENTRY

SECONDS_MAX = 20.0
"""How long anything may take before a test fails."""

Event = tuple[Any, ...]


class Listener:
    """Keeps what an engine says, in order."""

    def __init__(self) -> None:
        self.said: Queue[Event] = Queue(1_000)

    def on_started(self, number: int, pid: int, host: str) -> None:
        self.said.put(("started", number, pid, host))

    def on_exited(self, number: int, last_words: LastWords | None) -> None:
        self.said.put(("exited", number, last_words))

    def on_hosts(self, hosts: Sequence[HostInfo]) -> None:
        self.said.put(("hosts", list(hosts)))

    def on_broken(self, why: str) -> None:
        self.said.put(("broken", why))

    def next(self) -> Event:
        """What is said next."""
        return self.said.get(timeout=SECONDS_MAX)

    def wait_broken(self) -> None:
        """Wait until the engine has broken; that its nodes have ended may be said before."""
        while self.next()[0] != "broken":
            pass

    def is_quiet(self) -> bool:
        """Whether nothing more has been said."""
        try:
            self.said.get_nowait()
        except Empty:
            return True
        return False

    def pids(self, *numbers: int) -> list[int]:
        """Wait until these nodes have started; their processes."""
        started = {event[1]: event[2] for event in (self.next() for _ in numbers) if event[0] == "started"}
        return [started[number] for number in numbers]


@contextmanager
def running(stop_seconds: float = 0.0, **settings: Any) -> Iterator[tuple[ThespianEngine, Listener]]:
    """An engine whose nodes are guests."""
    listener = Listener()
    engine = ThespianEngine(
        listener,
        lambda function: function(),
        entry=ENTRY,
        settings=EngineSettings(stop_seconds=stop_seconds, **settings),
    )
    try:
        yield engine, listener
    finally:
        engine.close()


def members(group: int) -> list[int]:
    """The processes of a process group that have not died."""
    found = []
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit():
            state = _state(int(directory.name))
            if state is not None and state[0] not in "ZX" and state[2] == group:
                found.append(int(directory.name))
    return found


def parent(pid: int) -> int:
    """The parent of a process that lives."""
    state = _state(pid)
    assert state is not None
    return state[1]


def cast(node: int) -> dict[str, int]:
    """Who is who around a node's process."""
    group = os.getpgid(node)
    warden = parent(node)
    admin = parent(warden)
    loggers = [pid for pid in members(group) if parent(pid) == admin and pid != warden]
    return {"helper": group, "admin": admin, "warden": warden, "logger": loggers[0], "node": node}


def wait_until(condition: Callable[[], bool], what: str, seconds: float = SECONDS_MAX) -> None:
    """Wait for something that happens soon."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it did not happen: {what}"
        time.sleep(0.01)


def wait_gone(group: int, directory: str) -> None:
    """Wait until nothing is left of an engine."""
    wait_until(lambda: not members(group), "all processes end")
    wait_until(lambda: not os.path.lexists(directory), "the run directory is removed")


def _state(pid: int) -> tuple[str, int, int] | None:
    """The state, parent and group of a process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], int(fields[1]), int(fields[2])
