"""A data directory held by this process, with the log in it, shared by all in the process who want it.

Guarantees: a directory is opened once in a process, however many ask for it; the last one to let go closes it. A
process that holds it only for clients (producers, consumers, commands) lets go when another wants to run a job in it;
its clients then go on through that one. Leaves to others: finding the holder (`reaching`), going on (`patience`).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Final

from actorstream.actors import ActorSystem
from actorstream.actors.nodes.loading import on_data
from actorstream.errors import ActorTerminated, AskTimeout, DirectoryInUse
from actorstream.host import Host, SystemClock, system_entropy
from actorstream.log.directory import DataDirectory
from actorstream.log.embedded import EmbeddedTransport, start_log
from actorstream.log.frames import StepAside, SteppedAside
from actorstream.log.gateway import Gateway
from actorstream.log.remote import ConnectionLost, RemoteTransport
from actorstream.log.settings import FlushSetting
from actorstream.log.storage import SEGMENT_BYTES_MAX
from actorstream.log.transport import ask

ATTEMPTS = 1500
"""How often to try while the holder lets go, or is starting or ending."""

PAUSE_SECONDS = 0.002
"""Shorter than the time between two clients that come one after the other, which cannot be asked in between."""

YIELD_US = 1_000_000
"""How long the clients of a process that let go for another leave the directory to that one."""

LOST_AFTER = "60s"
"""How long another process of a log's system may be silent, or a function of its user run, before it is killed."""


class EmbeddedLog:
    """A data directory that this process holds, the actors of its log, and the socket by which others reach it.

    Open it with `EmbeddedLog.open`; `system` is the actor system, in which others may start actors of their own.
    """

    def __init__(self, directory: DataDirectory, system: ActorSystem, gateway: Gateway, nodes: int) -> None:
        self.directory, self.system, self.nodes = directory, system, nodes
        self.is_shut = False
        self._gateway = gateway

    @staticmethod
    def open(
        path: str | os.PathLike[str],
        *,
        create: bool = True,
        flush: FlushSetting = "interval",
        segment_bytes_max: int = SEGMENT_BYTES_MAX,
        nodes: int = 0,
    ) -> EmbeddedLog:
        """Hold the data directory at `path`, or share it with whoever in this process holds it; then its settings hold.

        With `nodes` its actor system has so many further processes.

        Each call needs a `close`. A process that holds it for clients alone is asked to let go.

        Raises:
            DirectoryInUse: another process holds it, and a job runs there.
            BadInput: it is not there and `create` is false, or it cannot be a directory.
            Corrupt, UnsupportedFormat: it cannot be opened.
        """
        on_data()
        wanted = _Wanted(os.path.realpath(path), create, flush, segment_bytes_max, nodes)
        return _OPEN.open(wanted, is_client=False)

    @staticmethod
    def open_client(path: str | os.PathLike[str], *, create: bool = True) -> EmbeddedTransport:
        """A way to the log in `path`, held for this client; closing it lets go.

        Raises:
            DirectoryInUse: another process holds it.
            BadInput, Corrupt, UnsupportedFormat: as `open`.
        """
        on_data()
        log = _OPEN.open(_Wanted(os.path.realpath(path), create), is_client=True)
        return EmbeddedTransport(log.system, lambda: _OPEN.close(log, is_client=True), lambda: log.is_shut)

    def transport(self) -> EmbeddedTransport:
        """A way to the log; this log must outlive it."""
        return EmbeddedTransport(self.system)

    def close(self) -> None:
        """Let go; the last one in this process stops the actors and frees the directory."""
        _OPEN.close(self, is_client=False)

    def shut(self) -> None:
        """Stop the actors and free the directory, whoever still shares it."""
        self.is_shut = True
        try:
            self._gateway.close()
            self.system.stop()
        finally:
            self.directory.close()


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which log to open, and how."""

    path: str
    create: bool
    flush: FlushSetting = "interval"
    segment_bytes_max: int = SEGMENT_BYTES_MAX
    nodes: int = 0


@dataclass(slots=True)
class _Shared:
    """An open log and how many share it."""

    log: EmbeddedLog
    owners: int = 0
    clients: int = 0


class _Open:
    """The logs that this process has open, by their real path."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._shared: dict[tuple[int, str], _Shared] = {}  # A forked child shares none of them.
        self._yielded: dict[str, int] = {}  # Until when, for the directories that others asked for.
        self._clock = SystemClock()

    def open(self, wanted: _Wanted, *, is_client: bool) -> EmbeddedLog:
        key = os.getpid(), wanted.path
        with self._lock:
            shared = self._shared.get(key)
            if shared is None:
                if is_client:
                    self._leave_to_others(wanted.path)
                log = _begin(wanted) if is_client else _take(wanted)
                shared = self._shared[key] = _Shared(log)
            shared.clients += is_client
            shared.owners += not is_client
        return shared.log

    def close(self, log: EmbeddedLog, *, is_client: bool) -> None:
        with self._lock:
            for key, shared in list(self._shared.items()):
                if shared.log is log:
                    shared.clients -= is_client
                    shared.owners -= not is_client
                    if shared.clients + shared.owners <= 0:
                        del self._shared[key]
                        log.shut()

    def step_aside(self, path: str) -> bool:
        """Let go of a directory that only clients use; False if a job runs in it."""
        with self._lock:
            key = os.getpid(), path
            shared = self._shared.get(key)
            if shared is not None and shared.owners:
                return False
            self._yielded[path] = self._clock.monotonic_us() + YIELD_US
            if shared is not None:
                del self._shared[key]
                # Not here: the answer goes through the gateway, which this closes.
                Thread(target=shared.log.shut, name="actorstream-step-aside", daemon=True).start()
            return True

    def _leave_to_others(self, path: str) -> None:
        """A client that came again at once would be faster than whoever the directory was let go for.

        Raises:
            DirectoryInUse: the directory is another's, or will be at once.
        """
        until = self._yielded.get(path)
        if until is None:
            return
        if self._clock.monotonic_us() < until:
            raise DirectoryInUse(path, None)
        del self._yielded[path]


_OPEN: Final = _Open()


def _begin(wanted: _Wanted) -> EmbeddedLog:
    """Open the directory and start its log.

    Raises:
        DirectoryInUse: another process holds it.
    """
    directory = DataDirectory.open(wanted.path, create=wanted.create)
    system = None
    try:
        host = Host(SystemClock(), system_entropy(), directory.disk)
        system = ActorSystem(wanted.nodes, host=host, lost_after=LOST_AFTER)
        start_log(system, flush=wanted.flush, segment_bytes_max=wanted.segment_bytes_max)
        gateway = Gateway.open(system, wanted.path, lambda: _OPEN.step_aside(wanted.path))
        return EmbeddedLog(directory, system, gateway, wanted.nodes)
    except BaseException:
        if system is not None:
            system.stop()
        directory.close()
        raise


def _take(wanted: _Wanted) -> EmbeddedLog:
    """Open the directory; whoever holds it only for clients is asked to let go.

    Raises:
        DirectoryInUse: another process runs a job in it.
    """
    pause = Event()  # Nobody sets it.
    for _ in range(ATTEMPTS - 1):
        try:
            return _begin(wanted)
        except DirectoryInUse:
            if not _will_be_free(wanted.path):
                raise
            pause.wait(PAUSE_SECONDS)
    return _begin(wanted)


def _will_be_free(path: str) -> bool:
    """Ask the holder to let go; False if it refuses."""
    try:
        holder = RemoteTransport.connect(path)
    except ConnectionLost:
        return True  # It is starting or ending.
    try:
        return ask(holder, "catalogue", StepAside(), SteppedAside).done
    except (ActorTerminated, AskTimeout):
        return True
    finally:
        holder.close()
