"""A log within an actor system of this process: starting it, and the way to it.

Guarantees: when a log serves, what jobs owed is settled. Leaves to others: data directories (`holding`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, Future, wait
from threading import Event

from actorstream.actors import ActorSystem, Message, Ref
from actorstream.log.addresses import LOG, catalogue_ref
from actorstream.log.answers import answer_of
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
    """Asks the log of an actor system in this process.

    `release` is called when it is closed; `is_lost` says whether the system was given up, so that asking is in vain.
    """

    def __init__(
        self,
        system: ActorSystem,
        release: Callable[[], None] | None = None,
        is_lost: Callable[[], bool] | None = None,
    ) -> None:
        self._system, self._release, self._is_lost = system, release, is_lost

    @property
    def is_lost(self) -> bool:
        """See `Transport`."""
        return self._is_lost is not None and self._is_lost()

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
