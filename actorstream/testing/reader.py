"""Somebody who reads what a job commits while it runs, and notices when it does not stay as it was read.

Guarantees: what is read of a partition is compared, offset by offset, with all that was read of it before: by an
earlier reader, too, before a crash. Nothing may be taken back, changed, or appear where there was nothing.
"""

from __future__ import annotations

from typing import Any

from actorstream.actors import Actor, Context, Message, Terminated, receives
from actorstream.log.client import Fetch, Fetched, Refused, TopicDecoder, partition_ref
from actorstream.model.topic import Topic

READER = "reader-"
"""How the names of readers begin."""

_WAIT_US = 20_000
_FETCH_BYTES = 1 << 20


class Seen:
    """What was read of one partition: its committed records by offset, and how far."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.records: dict[int, Any] = {}  # offset → (key, value), in order
        self.end = 0
        self.aborted = 0
        self.problem: str | None = None

    def lose_power(self) -> None:
        """Unless its log makes all durable at once, nobody may count on what lay behind the last committed record.

        It was aborted, or a marker. Whoever keeps a position makes what is before it durable first.
        """
        self.end = next(reversed(self.records)) + 1 if self.records else 0

    def take(self, decoder: TopicDecoder, answer: Fetched, start: int) -> None:
        """Compare what a fetch from `start` brought with what was there before."""
        found: dict[int, Any] = {}
        for decoded in decoder.decode(answer, start, answer.next_offset):
            found.update(zip(decoded.offsets, zip(decoded.keys, decoded.values, strict=True), strict=True))
        for offset in range(start, min(answer.next_offset, self.end)):
            self._compare(offset, found.get(offset), self.records.get(offset))
        if answer.next_offset > self.end:
            self.records.update((offset, one) for offset, one in found.items() if offset >= self.end)
            self.aborted += len(answer.aborted)
            self.end = answer.next_offset

    def reached(self, end: int) -> None:
        """Whoever reads now gets as far as `end`; all that was ever read must lie before it."""
        last = next(reversed(self.records), -1)
        if end <= last and self.problem is None:
            self.problem = f"{self.name} at offset {last}: a record that had been read is undecided again"

    def _compare(self, offset: int, found: Any, before: Any) -> None:
        if found == before or self.problem is not None:
            return
        what = "was taken back" if found is None else "appeared later" if before is None else "was changed"
        self.problem = f"{self.name} at offset {offset}: a record {what}: {before or found!r}"


class Again(Message):
    """Try again: the partition was not there."""


class Reader(Actor, accepts=Fetched | Refused | Terminated | Again):
    """Reads one partition from its beginning, for ever."""

    def __init__(self, topic: Topic[Any], partition: int, seen: Seen) -> None:
        self._ref = partition_ref(topic.name, partition)
        self._decoder = TopicDecoder(topic.type)
        self._seen = seen
        self._next = 0

    def started(self, context: Context) -> None:
        context.watch(self._ref)
        self._fetch(context)

    def _fetch(self, context: Context) -> None:
        context.send(self._ref, Fetch(self._next, max_bytes=_FETCH_BYTES, wait_us=_WAIT_US))

    @receives(Fetched)
    def on_fetched(self, answer: Fetched, context: Context) -> None:
        """Look at what came, and read on."""
        self._seen.take(self._decoder, answer, self._next)
        self._next = answer.next_offset
        self._fetch(context)

    @receives(Refused)
    def on_refused(self, refused: Refused, context: Context) -> None:
        """An offset that was there is none any more."""
        self._seen.problem = (
            self._seen.problem or f"{self._seen.name}: offset {self._next} was refused: {refused.reason}"
        )

    @receives(Terminated)
    def on_terminated(self, terminated: Terminated, context: Context) -> None:
        """The partition has failed, or does not exist yet."""
        context.unwatch(self._ref)
        context.schedule(_WAIT_US, Again())

    @receives(Again)
    def on_again(self, again: Again, context: Context) -> None:
        """Ask the partition's next incarnation."""
        context.watch(self._ref)
        self._fetch(context)
