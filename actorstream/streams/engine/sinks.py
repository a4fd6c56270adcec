"""The ends of paths: stages that hold what must leave the task until the task takes it.

A stage cannot send or write by itself; the task that runs it asks `take` for what has gathered, at each barrier and
whenever there is much.
"""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, NoReturn

import msgspec

from actorstream.errors import BadInput
from actorstream.log.client import UNDECODABLE, encode_records, encode_topic_key, encode_values, partition_for_key
from actorstream.streams import checks
from actorstream.streams.connector import PlainSink
from actorstream.streams.engine.batch import Batch, as_list
from actorstream.streams.engine.failure import alone, call_each, cause_of, fail, show
from actorstream.streams.engine.guard import Guard, GuardedStage, Now
from actorstream.streams.engine.keys import keys_of
from actorstream.streams.engine.pausable import Work
from actorstream.streams.engine.stage import Stage
from actorstream.streams.plan.nodes import CallSink, Collect, KeyBy, ToSink, ToTopic

_MEMO_MAX = 65_536  # Keys whose partition is remembered.


class Gathered:
    """Encoded records for one partition."""

    __slots__ = ("keys", "timestamps_ms", "values")

    def __init__(self) -> None:
        self.timestamps_ms: list[int] = []
        self.keys: list[bytes | None] = []
        self.values: list[bytes] = []

    def encode(self, *, producer_id: int, producer_epoch: int, base_sequence: int) -> bytes:
        """As transactional record batches."""
        return encode_records(
            self.timestamps_ms,
            self.keys,
            self.values,
            producer_id=producer_id,
            producer_epoch=producer_epoch,
            base_sequence=base_sequence,
            transactional=True,
        )


class TopicSinkStage(Stage):
    """`to(topic)`: encodes values and sorts them by partition.

    `now` gives the timestamp of records without an event time. A value that does not fit the topic follows the policy,
    but is not tried again: it would be the same.
    """

    def __init__(self, node: ToTopic, now: Now) -> None:
        super().__init__(node.name)
        self.topic = node.topic
        self._now = now
        self._guard = Guard(self, node.name, node.on_error, now)
        self._key_node = node.inputs[0] if isinstance(node.inputs[0], KeyBy) else None
        self._key = None if node.topic.key is None else checks.getter(node.topic.key)
        self._gathered: dict[int, Gathered] = {}
        self._count = 0
        self._next_partition = 0
        self._partitions: dict[bytes, int] = {}
        kind = node.topic.type
        self._decode_all = None if kind is None else msgspec.json.Decoder(list[kind]).decode  # type: ignore[valid-type]

    def push(self, batch: Batch) -> None:
        try:
            keys, values = self._encoded(batch)
        except Exception:
            if self._guard.policy.end == "fail":
                raise
            batch = batch.choose([place for place in range(len(batch)) if self._fits(batch, place)])
            if not len(batch):
                return
            keys, values = self._encoded(batch)
        if batch.times is None:
            times = [self._now() // 1000] * len(batch)
        else:
            times = [max(time // 1000, 0) for time in as_list(batch.times)]
        self._gather(times, keys, values)

    def _encoded(self, batch: Batch) -> tuple[list[bytes | None], list[bytes]]:
        try:
            values = encode_values(batch.rows())
        except BadInput:
            self._fail(batch)
        self._check(batch, values)
        return self._keys(batch), values

    def _fits(self, batch: Batch, place: int) -> bool:
        """Whether the topic takes a record; if not, it follows the policy."""
        try:
            self._encoded(batch.part(place, place + 1))
        except Exception as error:
            self._guard.give_up(cause_of(error), batch, place, batch.rows()[place])
            return False
        return True

    def _fail(self, batch: Batch) -> NoReturn:
        """Some value has no JSON: say which."""
        for place, row in enumerate(batch.rows()):
            try:
                encode_values([row])
            except BadInput as error:
                topic, partition, offset = batch.place(place)
                origin = "" if topic is None else f" (from {topic}-{partition} at offset {offset})"
                raise BadInput(f"topic {self.topic.name!r} was given {show(row)}{origin}: {error}") from error
        raise AssertionError("all values were refused, and none")

    def _check(self, batch: Batch, values: list[bytes]) -> None:
        """Refuse what no reader of the topic could read: types are promises, and only a look keeps them."""
        if self._decode_all is None:
            return
        try:
            self._decode_all(b"[" + b",".join(values) + b"]")
        except UNDECODABLE as wrong:
            for index, value in enumerate(values):
                try:
                    self._decode_all(b"[" + value + b"]")
                except UNDECODABLE as error:
                    kind = getattr(self.topic.type, "__name__", self.topic.type)
                    reason = str(error).replace("`$[0]", "`$").replace(" - at `$`", "")
                    fail(self.name, batch, index, TypeError(f"it does not fit {kind}, the type of the topic: {reason}"))
            raise wrong

    def _keys(self, batch: Batch) -> list[bytes | None]:
        if self._key is not None:
            keys: Sequence[Any] = call_each(self.name, self._key, batch, batch.rows())
        elif self._key_node is not None:
            keys = keys_of(batch, self._key_node)
        else:
            return [None] * len(batch)
        return [None if key is None else encode_topic_key(key) for key in keys]

    def _gather(self, times: list[int], keys: list[bytes | None], values: list[bytes]) -> None:
        count = self.topic.partitions
        if count == 1:
            self._into(0, times, keys, values)
        else:
            by_partition: dict[int, list[int]] = {}
            for place, key in enumerate(keys):
                partition = self._spread() if key is None else self._partition(key)
                by_partition.setdefault(partition, []).append(place)
            for partition, places in by_partition.items():
                self._into(
                    partition,
                    [times[place] for place in places],
                    [keys[place] for place in places],
                    [values[place] for place in places],
                )
        self._count += len(values)

    def _into(self, partition: int, times: list[int], keys: list[bytes | None], values: list[bytes]) -> None:
        gathered = self._gathered.setdefault(partition, Gathered())
        gathered.timestamps_ms.extend(times)
        gathered.keys.extend(keys)
        gathered.values.extend(values)

    def _partition(self, key: bytes) -> int:
        """The key's partition; remembered, because the hash is computed in Python."""
        known = self._partitions.get(key)
        if known is None:
            if len(self._partitions) >= _MEMO_MAX:
                self._partitions.clear()
            known = self._partitions[key] = partition_for_key(key, self.topic.partitions)
        return known

    def _spread(self) -> int:
        self._next_partition = (self._next_partition + 1) % self.topic.partitions
        return self._next_partition

    def gathered(self) -> int:
        """How many records have gathered."""
        return self._count

    def take(self) -> dict[int, Gathered]:
        """What has gathered, by partition, in order of partition; from now on it is the caller's."""
        taken = {partition: self._gathered[partition] for partition in sorted(self._gathered)}
        self.restored()
        return taken

    def restored(self) -> None:
        self._gathered = {}
        self._count = 0


class WritingStage(GuardedStage):
    """A sink that is written to as values come, outside of checkpoints. `written`: how many values it has taken."""

    written = 0

    def work(self, batch: Batch) -> Work:
        given_up = self.skipped + self.dead_letters
        yield from self.write(batch)
        self.written += len(batch) - (self.skipped + self.dead_letters - given_up)

    @abstractmethod
    def write(self, batch: Batch) -> Work:
        """Give the sink the values of a batch."""


class CallSinkStage(WritingStage):
    """`@stream.sink`: a function called with each value, at least once."""

    def __init__(self, node: CallSink, now: Now) -> None:
        super().__init__(node.name, node.on_error, now)
        self._function = node.function

    def write(self, batch: Batch) -> Work:
        yield from self.guard.each(self._function, batch, batch.rows())


class PlainSinkStage(WritingStage):
    """`to(sink)` of a plain sink.

    A batch that it fails on is tried again as a whole; if that does not help, one value after the other, to find those
    that it fails on.
    """

    def __init__(self, node: ToSink, now: Now) -> None:
        super().__init__(node.name, node.on_error, now)
        self._sink: PlainSink = node.sink
        self._is_columnar = bool(getattr(node.sink, "columnar", False))

    def write(self, batch: Batch) -> Work:
        error = self._written(batch)
        for wait_us in self.guard.policy.waits_us() if error is not None else ():
            yield self.guard.now() + wait_us
            error = self._written(batch)
            if error is None:
                break
        if error is None:
            return
        if self.guard.policy.end == "fail":
            self._fail(batch, error)
        for place in range(len(batch)):
            error = error if len(batch) == 1 else self._written(batch.part(place, place + 1))
            if error is not None:
                self.guard.give_up(error, batch, place, batch.rows()[place])

    def _written(self, batch: Batch) -> Exception | None:
        """What the sink raised, given these values."""
        handled = sys.exception()
        try:
            self._sink.write(batch.frame() if self._is_columnar else batch.rows())
        except Exception as error:
            return alone(error, handled)
        return None

    def _fail(self, batch: Batch, error: Exception) -> NoReturn:
        shown = "" if len(batch) == 1 else f"{len(batch)} values, of which the first is {show(batch.rows()[0])}"
        fail(self.name, batch, 0, error, shown=shown)


class CollectStage(Stage):
    """`collect`: into memory."""

    def __init__(self, node: Collect) -> None:
        super().__init__(node.name)
        self._into = node.into

    def push(self, batch: Batch) -> None:
        self._into(batch)
