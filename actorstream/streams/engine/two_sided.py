"""What stages have in common that take in records of two streams: two ways in, one order of time."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from actorstream.model.instant import END_OF_TIME, START_OF_TIME, Instant
from actorstream.streams.engine.batch import Batch, as_list
from actorstream.streams.engine.buckets import Buckets
from actorstream.streams.engine.failure import fail
from actorstream.streams.engine.keys import KeyEncoder, keys_of
from actorstream.streams.engine.pausable import PausableStage, Work
from actorstream.streams.engine.stage import Stage
from actorstream.streams.plan.joins import Join
from actorstream.streams.plan.nodes import KeyBy

LEFT, RIGHT = 0, 1

Waited = tuple[Instant, Instant, int, int, Any]
"""As of when a record is taken, its time, partition, offset and value."""

Turn = tuple[bytes, Waited]
"""A record whose turn it is, behind its key."""


def waiting(name: str, kind: Any) -> Buckets:
    """Where records wait until the watermark has passed them, so that they are taken in order of time."""
    return Buckets(name, tuple[int, int, int, int, kind])


def in_order(turn: Turn) -> tuple[Instant, bytes, Instant, int, int]:
    """What decides whose turn comes first, however the records came: time and key, then partition and offset."""
    key, (as_of, time, partition, offset, _) = turn
    return as_of, key, time, partition, offset


def held(watermark: Instant, hold_us: int) -> Instant:
    """The watermark of what comes out, if that may be so much older."""
    return watermark if watermark in (START_OF_TIME, END_OF_TIME) else watermark - hold_us


class TwoSidedStage(PausableStage):
    """See the module. The head takes the records of the left, `right_side` those of the right.

    Attributes:
        watermark: how far time has come with what was handled last.
    """

    def __init__(self, node: Join) -> None:
        super().__init__(node.name)
        self.node = node
        # Under a policy the pairs themselves go on, to a stage that calls the function (`call`).
        self._calls = node.on_error is None or node.on_error.is_plain
        self.right_side = _RightSide(self)
        left, right = node.inputs
        assert isinstance(left, KeyBy)
        assert isinstance(right, KeyBy)
        self._keys = (left, right)
        self._encoders = (KeyEncoder(left), KeyEncoder(right))
        self.watermark: Instant = START_OF_TIME

    def encoded(self, batch: Batch, side: int) -> list[bytes]:
        """The keys of records of one side."""
        return self._encoders[side].encode_all(keys_of(batch, self._keys[side]))

    def work(self, batch: Batch) -> Work:
        yield from self.take(batch, LEFT)

    def push_right(self, batch: Batch) -> None:
        """Take a batch of the right."""
        self.begin(self.take(batch, RIGHT))

    def wait(self, where: Buckets, batch: Batch, keys: list[bytes]) -> None:
        """Let the records of a batch wait; one that is late by its own split's watermark waits for that."""
        partition = batch.origin.partition
        offsets = [0] * len(batch) if batch.offsets is None else as_list(batch.offsets)
        columns = (as_list(batch.times), as_list(batch.own), offsets, batch.rows())
        for key, time, own, offset, value in zip(keys, *columns, strict=True):
            where.add(key, (max(time, own), time, partition, offset, value))

    @abstractmethod
    def take(self, batch: Batch, side: int) -> Work:
        """Process a batch of one side."""

    def joined(self, batch: Batch, place: int, left: Any, right: Any) -> Any:
        """What becomes of a pair, met by record `place` of a batch."""
        function: Callable[..., Any] | None = self.node.function
        if function is None or not self._calls:
            return left, right
        try:
            return function(left, right)
        except Exception as error:
            fail(self.name, batch, place, error, (left, right))

    def restored(self) -> None:
        super().restored()
        self.watermark = START_OF_TIME


class _RightSide(Stage):
    """The way in for the records of the right."""

    def __init__(self, head: TwoSidedStage) -> None:
        super().__init__(f"{head.name}.right")
        self._head = head

    def push(self, batch: Batch) -> None:
        self._head.push_right(batch)
