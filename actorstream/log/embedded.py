"""A log in this process: started within an actor system, or opened with its data directory and shared.

Guarantees: a data directory is opened once in a process, however many ask for it; the last one to let go closes it.
When a log serves, what jobs owed is settled.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, Future, wait
from threading import Event, Lock
from typing import Final

from actorstream.actors import ActorSystem, Message, Ref
from actorstream.host import Host, SystemClock, system_entropy
from actorstream.log.addresses import LOG, catalogue_ref
from actorstream.log.answers import answer_of
from actorstream.log.directory import DataDirectory
from actorstream.log.gateway import Gateway
from actorstream.log.messages import DescribeTopics, TopicsDescribed
from actorstream.log.settings import FlushSetting, LogSettings
from actorstream.log.settle import settle
from actorstream.log.storage import SEGMENT_BYTES_MAX
from actorstream.log.supervisor import Log
from actorstream.log.target import Target, target_ref
from actorstream.log.transport import ASK_TIMEOUT_US


def start_log(
    system: ActorSystem,
    *,
    flush: FlushSetting = "interval",
    segment_bytes_max: int = SEGMENT_BYTES_MAX,
) -> Ref:
    """Start the log on the system's disk, and return when it serves and what jobs owed is settled.

    Raises:
        Corrupt: the log's own records are damaged.
        UnsupportedFormat: a newer version wrote them.
    """
    settings = LogSettings(flush=flush, segment_bytes_max=segment_bytes_max)
    log = system.spawn(Log, settings, name=LOG, restart="transient")
    answer_of(system.ask(catalogue_ref(), DescribeTopics(), timeout=ASK_TIMEOUT_US), TopicsDescribed)
    settle(system)
    return log


class EmbeddedTransport:
    """Asks the log of an actor system in this process; `release` is called when it is closed."""

    def __init__(self, system: ActorSystem, release: Callable[[], None] | None = None) -> None:
        self._system, self._release = system, release

    def ask_future(self, target: Target, message: Message, timeout_us: int = ASK_TIMEOUT_US) -> Future[Message]:
        """See `Transport`."""
        return self._system.ask_future(target_ref(target), message, timeout_us)

    def wait(self, answer: Future[Message]) -> Message:
        """See `Transport`; drives a simulation."""
        if self._system.runtime == "simulation":
            self._system.run(until=answer.done)
            return answer.result(timeout=0)
        return answer.result()

    def wait_any(self, answers: Collection[Future[Message]]) -> None:
        """See `Transport`; drives a simulation."""
        if self._system.runtime == "simulation":
            self._system.run(until=lambda: any(answer.done() for answer in answers))
        else:
            wait(answers, return_when=FIRST_COMPLETED)

    def pause(self, length_us: int) -> None:
        """See `Transport`; drives a simulation."""
        if self._system.runtime == "simulation":
            end_us = self.now_us() + length_us
            self._system.run(until=lambda: self.now_us() >= end_us)
        else:
            Event().wait(length_us / 1e6)

    def now_us(self) -> int:
        """See `Transport`."""
        return self._system.host.clock.now_us()

    def close(self) -> None:
        """See `Transport`."""
        release, self._release = self._release, None
        if release is not None:
            release()


class EmbeddedLog:
    """A data directory that this process holds, the actors of its log, and the socket by which others reach it.

    Open it with `EmbeddedLog.open`; `system` is the actor system, in which others may start actors of their own.
    """

    def __init__(self, directory: DataDirectory, system: ActorSystem, gateway: Gateway) -> None:
        self.directory, self.system = directory, system
        self._gateway = gateway

    @staticmethod
    def open(
        path: str | os.PathLike[str],
        *,
        create: bool = True,
        flush: FlushSetting = "interval",
        segment_bytes_max: int = SEGMENT_BYTES_MAX,
    ) -> EmbeddedLog:
        """Hold the data directory at `path`, or share it with whoever in this process holds it; then its settings hold.

        Each call needs a `close`.

        Raises:
            DirectoryInUse: another process holds it.
            BadInput, Corrupt, UnsupportedFormat: see `DataDirectory.open`, `start_log`.
        """
        return _OPEN.open(os.path.realpath(path), create, flush, segment_bytes_max)

    def transport(self) -> EmbeddedTransport:
        """A way to the log; this log must outlive it."""
        return EmbeddedTransport(self.system)

    def close(self) -> None:
        """Let go; the last one in this process stops the actors and frees the directory."""
        _OPEN.close(self)

    def shut(self) -> None:
        """Stop the actors and free the directory, whoever still shares it."""
        try:
            self._gateway.close()
            self.system.stop()
        finally:
            self.directory.close()


def _begin(path: str, create: bool, flush: FlushSetting, segment_bytes_max: int) -> EmbeddedLog:
    directory = DataDirectory.open(path, create=create)
    system = None
    try:
        system = ActorSystem(host=Host(SystemClock(), system_entropy(), directory.disk))
        start_log(system, flush=flush, segment_bytes_max=segment_bytes_max)
        return EmbeddedLog(directory, system, Gateway.open(system, path))
    except BaseException:
        if system is not None:
            system.stop()
        directory.close()
        raise


class _Shared:
    """The logs that this process has open, by their real path, and how often."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: dict[tuple[int, str], tuple[EmbeddedLog, int]] = {}  # A forked child shares none of them.

    def open(self, path: str, create: bool, flush: FlushSetting, segment_bytes_max: int) -> EmbeddedLog:
        key = os.getpid(), path
        with self._lock:
            log, users = self._open.get(key) or (_begin(path, create, flush, segment_bytes_max), 0)
            self._open[key] = log, users + 1
        return log

    def close(self, closed: EmbeddedLog) -> None:
        with self._lock:
            key = next((key for key, (log, _) in self._open.items() if log is closed), None)
            if key is None:
                return
            log, users = self._open.pop(key)
            if users > 1:
                self._open[key] = log, users - 1
            else:
                log.shut()


_OPEN: Final = _Shared()
