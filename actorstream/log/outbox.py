"""What a producer has for one partition: records that gather, and batches under way.

Guarantees: batches arrive in order, each once, whatever is sent again. Leaves to others: when to send (`producer`).

Theory of operation. Each batch is numbered within the partition and sent as one append. At most
`BATCHES_IN_FLIGHT_MAX` are under way, as many as a partition remembers; if one gets no answer, all that are under way
are taken back and sent again in the same order, and the partition tells repetitions from new ones.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future

from actorstream.actors import Message
from actorstream.log.answers import answer_of
from actorstream.log.batch import SEQUENCE_END, iterate_batches
from actorstream.log.messages import Append, Appended
from actorstream.log.producers import BATCHES_REMEMBERED
from actorstream.log.records import ENCODED_BATCH_BYTES_MAX, Headers, encode_records
from actorstream.log.transport import Transport
from actorstream.model.topic import TopicPartition

BATCH_RECORDS_MAX = 10_000
"""So many records make a batch full."""

BATCH_BYTES_MAX = ENCODED_BATCH_BYTES_MAX
"""So many bytes of keys and values make a batch full."""

BATCHES_IN_FLIGHT_MAX = BATCHES_REMEMBERED


class Outbox:
    """See the module."""

    __slots__ = (
        "_headers",
        "_in_flight",
        "_keys",
        "_producer_id",
        "_ready",
        "_sequence",
        "_size",
        "_timestamps_ms",
        "_values",
        "end_offset",
        "place",
    )

    def __init__(self, place: TopicPartition, producer_id: int) -> None:
        self.place = place
        self.end_offset = 0  # After the last record of ours that was answered.
        self._producer_id = producer_id
        self._sequence = 0
        self._ready: deque[bytes] = deque()  # Numbered, to be sent after those under way.
        self._in_flight: deque[tuple[bytes, Future[Message]]] = deque()
        self._begin()

    def _begin(self) -> None:
        self._timestamps_ms: list[int] = []
        self._keys: list[bytes | None] = []
        self._values: list[bytes | None] = []
        self._headers: list[Headers | None] = []
        self._size = 0

    def gather(self, timestamp_ms: int, key: bytes | None, value: bytes | None, headers: Headers | None) -> bool:
        """Take a record; whether a batch is full now."""
        self._timestamps_ms.append(timestamp_ms)
        self._keys.append(key)
        self._values.append(value)
        self._headers.append(headers)
        self._size += (len(key) if key else 0) + (len(value) if value else 0)
        return self._size >= BATCH_BYTES_MAX or len(self._values) >= BATCH_RECORDS_MAX

    @property
    def is_empty(self) -> bool:
        """Whether no record waits to be sent."""
        return not self._values

    def pack(self) -> None:
        """Number what has gathered, as batches that are ready to be sent."""
        if self.is_empty:
            return
        data = encode_records(
            self._timestamps_ms,
            self._keys,
            self._values,
            headers=self._headers,
            producer_id=self._producer_id,
            producer_epoch=0,
            base_sequence=self._sequence,
        )
        self._sequence = (self._sequence + len(self._values)) % SEQUENCE_END
        self._ready.extend(data[header.position : header.end] for header in iterate_batches(data, check_crc=False))
        self._begin()

    def send(self, transport: Transport) -> None:
        """Send what is ready; waits while too much is under way.

        Raises:
            ActorstreamError: an earlier batch was refused, or got no answer (then see `take_back`).
        """
        while self._ready:
            while len(self._in_flight) >= BATCHES_IN_FLIGHT_MAX or self._oldest_is_answered:
                self._settle_oldest(transport)
            self._in_flight.append((self._ready[0], transport.ask_future(self.place, Append(self._ready[0]))))
            self._ready.popleft()

    def settle(self, transport: Transport) -> None:
        """Send what is ready, and wait for all answers.

        Raises:
            ActorstreamError: a batch was refused, or got no answer (then see `take_back`).
        """
        self.send(transport)
        while self._in_flight:
            self._settle_oldest(transport)

    def take_back(self) -> None:
        """Let all that is under way be ready again, in the same order: there will be no answer."""
        self._ready.extendleft(batch for batch, _ in reversed(self._in_flight))
        self._in_flight.clear()

    @property
    def _oldest_is_answered(self) -> bool:
        return bool(self._in_flight) and self._in_flight[0][1].done()

    def _settle_oldest(self, transport: Transport) -> None:
        answer = answer_of(transport.wait(self._in_flight[0][1]), Appended)
        self.end_offset = answer.end_offset
        self._in_flight.popleft()
