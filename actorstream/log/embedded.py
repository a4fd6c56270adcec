"""Starting a log within an actor system, and asking it: the transport of whoever shares the process with it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol, TypeVar

from actorstream.actors import ActorSystem, Message, Ref
from actorstream.log.addresses import LOG, catalogue_ref
from actorstream.log.messages import DescribeTopics, Refused, TopicsDescribed
from actorstream.log.refusals import error_of
from actorstream.log.settings import FlushSetting, LogSettings
from actorstream.log.storage import SEGMENT_BYTES_MAX
from actorstream.log.supervisor import Log
from actorstream.log.target import Target, target_ref

ASK_TIMEOUT = "30s"
"""How long a question to the log may take, unless asked otherwise."""

M = TypeVar("M", bound=Message)


class Transport(Protocol):
    """A way to the actors of one log."""

    def ask_future(self, target: Target, message: Message, timeout: str | int = ASK_TIMEOUT) -> Future[Message]:
        """Ask; the answer may be `Refused`. `timeout`: a duration, or microseconds."""
        ...

    def wait(self, answer: Future[Message]) -> Message:
        """The answer, when it is there.

        Raises:
            AskTimeout: there was none in time.
            ActorTerminated: whoever was asked is gone.
        """
        ...

    def now_us(self) -> int:
        """What time it is for the log."""
        ...

    def close(self) -> None:
        """Let go."""
        ...


class EmbeddedTransport:
    """Asks the log of an actor system in this process."""

    def __init__(self, system: ActorSystem, release: Callable[[], None] | None = None) -> None:
        self._system, self._release = system, release

    def ask_future(self, target: Target, message: Message, timeout: str | int = ASK_TIMEOUT) -> Future[Message]:
        """See `Transport`."""
        return self._system.ask_future(target_ref(target), message, timeout)

    def wait(self, answer: Future[Message]) -> Message:
        """See `Transport`; drives a simulation."""
        if self._system.runtime == "simulation":
            self._system.run(until=answer.done)
        return answer.result()

    def now_us(self) -> int:
        """See `Transport`."""
        return self._system.host.clock.now_us()

    def close(self) -> None:
        """See `Transport`."""
        if self._release is not None:
            self._release()
            self._release = None


def ask(transport: Transport, target: Target, message: Message, answer: type[M], timeout: str | int = ASK_TIMEOUT) -> M:
    """Ask, wait, and raise what was refused.

    Raises:
        ActorstreamError: the question could not be served; the error says why.
    """
    return answer_of(transport.wait(transport.ask_future(target, message, timeout)), answer)


def answer_of(message: Message, answer: type[M]) -> M:
    """An answer of the expected kind.

    Raises:
        ActorstreamError: it was refused.
    """
    if isinstance(message, Refused):
        raise error_of(message)
    assert isinstance(message, answer), f"{type(message).__name__} where {answer.__name__} was asked for"
    return message


def start_log(
    system: ActorSystem,
    *,
    flush: FlushSetting = "interval",
    segment_bytes_max: int = SEGMENT_BYTES_MAX,
    settle: Callable[[ActorSystem], None] | None = None,
) -> Ref:
    """Start the log of the system's disk, and wait until it serves.

    `settle` is called before this returns, to complete what jobs owe before anybody reads.

    Raises:
        Corrupt: the log's own records are damaged.
        UnsupportedFormat: a newer version wrote them.
    """
    settings = LogSettings(flush=flush, segment_bytes_max=segment_bytes_max)
    log = system.spawn(Log, settings, name=LOG, restart="transient")
    answer_of(system.ask(catalogue_ref(), DescribeTopics(), timeout=ASK_TIMEOUT), TopicsDescribed)
    if settle is not None:
        settle(system)
    return log
