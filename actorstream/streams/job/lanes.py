"""One lane: the stable channel from a writer task into one topic. Pure.

Checkpoint n writes with the producer id of slot `n % SLOTS`; sequences run per partition and slot, from 0 in each
epoch, without gaps, as any Kafka broker expects of a producer. When the barrier of n has come, and all appends of n are
answered, the lane knows where its output of n ends in each partition: its cuts.
"""

from __future__ import annotations

from actorstream.log.client import SLOTS, Cut
from actorstream.streams.engine.sinks import Gathered


class Lane:
    """See the module.

    Guarantees: cuts are given only when every append of their checkpoint was answered.
    Leaves to others: sending, flushing.
    """

    def __init__(self, name: str, topic: str) -> None:
        self.name = name
        self.topic = topic
        self.begin(0, 0, 0)

    def begin(self, first_producer_id: int, producer_epoch: int, first_checkpoint: int) -> None:
        """Begin an epoch."""
        self._first_id = first_producer_id
        self._producer_epoch = producer_epoch
        self._open = first_checkpoint
        self._next_sequence: dict[tuple[int, int], int] = {}
        self._cuts: dict[int, dict[int, Cut]] = {}  # checkpoint → partition → cut
        self._unanswered: dict[int, int] = {}  # checkpoint → appends
        self._taken = first_checkpoint - 1

    @property
    def open_checkpoint(self) -> int:
        """The checkpoint that output belongs to now."""
        return self._open

    def encode(self, partition: int, gathered: Gathered) -> tuple[bytes, int]:
        """The batches to append now, and the sequence of their last record."""
        slot = self._open % SLOTS
        first = self._next_sequence.get((partition, slot), 0)
        count = len(gathered.values)
        self._next_sequence[partition, slot] = first + count
        self._unanswered[self._open] = self._unanswered.get(self._open, 0) + 1
        data = gathered.encode(
            producer_id=self._first_id + slot, producer_epoch=self._producer_epoch, base_sequence=first
        )
        return data, first + count - 1

    def appended(self, checkpoint: int, partition: int, last_sequence: int, end_offset: int) -> None:
        """An append of `checkpoint` was answered."""
        self._unanswered[checkpoint] -= 1
        cut = Cut(checkpoint % SLOTS, last_sequence, end_offset - 1)
        known = self._cuts.setdefault(checkpoint, {}).get(partition)
        if known is None or known.last_sequence < last_sequence:
            self._cuts[checkpoint][partition] = cut

    def unanswered(self) -> int:
        """Appends that wait for their answer."""
        return sum(self._unanswered.values())

    def seal(self, checkpoint: int) -> None:
        """The barrier of `checkpoint` has come: what follows belongs to the next."""
        assert checkpoint == self._open
        self._open = checkpoint + 1

    def is_answered(self, checkpoint: int) -> bool:
        """Whether all appends of a sealed checkpoint were answered."""
        return not self._unanswered.get(checkpoint, 0)

    def take_cuts(self, checkpoint: int) -> dict[int, Cut] | None:
        """Where the checkpoint's output ends, by partition; None if they were taken before."""
        assert self.is_answered(checkpoint)
        if self._taken >= checkpoint:
            return None
        self._taken = checkpoint
        self._unanswered.pop(checkpoint, None)
        return self._cuts.pop(checkpoint, {})
