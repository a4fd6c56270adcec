"""`Producer`: writes records into topics.

Guarantees: each record once, and those of one partition in the order of `send`, also when an actor of the log restarts
or the process that holds the directory ends while they are under way. Whatever fails is raised by `send`, `flush` or
`close`, and by every call after it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from actorstream.errors import ActorstreamError, BadInput
from actorstream.log.messages import AllocateProducerIds, Flush, Flushed, ProducerIdsAllocated
from actorstream.log.outbox import Outbox
from actorstream.log.patience import Patience
from actorstream.log.reaching import DEFAULT_DATA
from actorstream.log.records import RECORD_BYTES_MAX, Headers
from actorstream.log.topic_writer import TopicWriter
from actorstream.log.topics import find_topic, make_topic, topic_name
from actorstream.log.transport import Transport, ask
from actorstream.model.duration import duration_us
from actorstream.model.instant import to_instant
from actorstream.model.keys import encode_topic_key
from actorstream.model.topic import Topic, TopicPartition

LINGER = "5ms"
"""How long a record may wait for others, so that they go as one batch."""


class Producer:
    """Writes records into the topics of a data directory; a context manager. One thread at a time may use it.

    Args:
        data: the data directory; held by this process, or by another one that is then asked.
        linger: how long a record may wait for others. None: until a batch is full, or `flush`.
        transport: a way to the log, in place of `data`.

    Example:
        >>> import tempfile
        >>> from actorstream.log.consumer import Consumer
        >>> from actorstream.model.topic import Topic
        >>> words = Topic("words", str)
        >>> with tempfile.TemporaryDirectory() as data:
        ...     with Producer(data=data) as producer:
        ...         for word in ("to", "be"):
        ...             producer.send(words, word, key=word[0])
        ...     with Consumer(words, data=data) as records:
        ...         [(record.key, record.value, record.offset) for record in records]
        [('t', 'to', 0), ('b', 'be', 1)]
    """

    def __init__(
        self,
        *,
        data: str | os.PathLike[str] = DEFAULT_DATA,
        linger: str | None = LINGER,
        transport: Transport | None = None,
    ) -> None:
        linger_us = None if linger is None else duration_us(linger, what="linger", zero=True)
        self._lock = threading.RLock()
        self._error: ActorstreamError | None = None
        self._writers: dict[str, TopicWriter] = {}
        self._outboxes: dict[TopicPartition, Outbox] = {}
        self._producer_id: int | None = None
        self._is_closed = False
        self._log = Patience(data, create=True, given=transport, on_replaced=self._on_replaced)
        self._linger = None if linger_us is None else Linger(linger_us / 1e6, self._send_gathered)

    def send(
        self,
        topic: Topic[Any] | str,
        value: Any,
        *,
        key: Any = None,
        timestamp: datetime | None = None,
        headers: Mapping[str, bytes | None] | Iterable[tuple[str, bytes | None]] | None = None,
    ) -> None:
        """Write one record; it is sent when a batch is full, a little later, or at `flush`.

        A `Topic` is made if the log does not have it; a name must be one that it has. Without `key` the topic's own
        `key=` counts; without that the record goes to any partition. Without `timestamp` it is now; a naive one is
        UTC.

        Raises:
            BadInput: the value does not fit the topic, the key cannot be one, or the record is too large.
            UnknownTopic: there is no topic of this name.
            TopicMismatch: the topic is there, made in another way.
            ActorstreamError: an earlier record could not be written.
        """
        with self._lock:
            writer = self._writer(topic)
            data = writer.encode([value])[0]
            encoded_key = encode_topic_key(key) if key is not None else writer.key_of(value)
            self._check_size(writer, data, encoded_key)
            now_us = self._log.transport.now_us() if timestamp is None else to_instant(timestamp)
            self._gather(writer, now_us // 1000, encoded_key, data, _pairs(headers))
        if self._linger is not None:
            self._linger.begin()

    def send_many(
        self,
        topic: Topic[Any] | str,
        values: Sequence[Any],
        *,
        keys: Sequence[Any] | None = None,
        timestamps: Sequence[datetime] | None = None,
    ) -> None:
        """Write many records, faster than one by one; as `send`, with one key and one timestamp for each.

        Raises:
            BadInput, UnknownTopic, TopicMismatch, ActorstreamError: as `send`; nothing of `values` is written if one
                of them does not fit.
        """
        with self._lock:
            writer = self._writer(topic)
            encoded = writer.encode(values)
            if keys is None:
                encoded_keys = [writer.key_of(value) for value in values]
            else:
                encoded_keys = [None if key is None else encode_topic_key(key) for key in keys]
            now_us = self._log.transport.now_us()
            times = [now_us] * len(values) if timestamps is None else [to_instant(time) for time in timestamps]
            for data, key in zip(encoded, encoded_keys, strict=True):
                self._check_size(writer, data, key)
            for data, key, time_us in zip(encoded, encoded_keys, times, strict=True):
                self._gather(writer, time_us // 1000, key, data, None)
        if self._linger is not None:
            self._linger.begin()

    def flush(self) -> None:
        """Send all, and return when the log has it.

        Raises:
            ActorstreamError: something could not be written.
        """
        with self._lock:
            self._check_open()
            self._settle_all()

    def close(self) -> None:
        """Flush, make all durable, and let go; nothing if that was done.

        Raises:
            ActorstreamError: something could not be written.
        """
        if self._is_closed:
            return
        self._is_closed = True
        if self._linger is not None:
            self._linger.stop()
        try:
            with self._lock:
                self._raise_earlier()
                self._settle_all()
                self._make_durable()
        finally:
            self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
            return
        with suppress(ActorstreamError):  # The first error is the one to see.
            self.close()

    # --- inside ------------------------------------------------------------------------------------------------

    def _writer(self, topic: Topic[Any] | str) -> TopicWriter:
        self._check_open()
        writer = self._writers.get(topic_name(topic))
        if writer is None or not (isinstance(topic, str) or writer.declared is topic):
            writer = self._writers[topic_name(topic)] = self._log.keep_trying(lambda: self._new_writer(topic))
        return writer

    def _new_writer(self, topic: Topic[Any] | str) -> TopicWriter:
        if isinstance(topic, str):
            return TopicWriter(find_topic(self._log.transport, topic), None)
        return TopicWriter(make_topic(self._log.transport, topic), topic)

    def _check_open(self) -> None:
        if self._is_closed:
            raise BadInput("the producer is closed")
        self._raise_earlier()

    def _raise_earlier(self) -> None:
        if self._error is not None:
            raise self._error

    @staticmethod
    def _check_size(writer: TopicWriter, data: bytes, key: bytes | None) -> None:
        size = len(data) + (len(key) if key else 0)
        if size > RECORD_BYTES_MAX:
            raise BadInput(f"topic {writer.spec.name!r}: a record of {size} bytes; at most {RECORD_BYTES_MAX} fit")

    def _gather(
        self, writer: TopicWriter, timestamp_ms: int, key: bytes | None, data: bytes, headers: Headers | None
    ) -> None:
        number = writer.partition_without_key if key is None else writer.partition_of(key)
        outbox = self._outbox(TopicPartition(writer.spec.name, number))
        if outbox.gather(timestamp_ms, key, data, headers):
            if key is None:
                writer.turn()
            self._send(outbox)

    def _outbox(self, place: TopicPartition) -> Outbox:
        outbox = self._outboxes.get(place)
        if outbox is None:
            outbox = self._outboxes[place] = Outbox(place, self._identity())
        return outbox

    def _identity(self) -> int:
        """This producer's id, which nobody else ever has."""
        if self._producer_id is None:
            asked = AllocateProducerIds(1, owner="")
            answer = self._log.keep_trying(lambda: ask(self._log.transport, "catalogue", asked, ProducerIdsAllocated))
            self._producer_id = answer.first
        return self._producer_id

    def _send(self, outbox: Outbox) -> None:
        outbox.pack()
        self._try(outbox, lambda: outbox.send(self._log.transport))

    def _settle_all(self) -> None:
        for outbox in self._outboxes.values():
            self._send(outbox)
        for outbox in self._outboxes.values():
            self._try(outbox, lambda outbox=outbox: outbox.settle(self._log.transport))  # type: ignore[misc]

    def _try(self, outbox: Outbox, action: Callable[[], None]) -> None:
        try:
            self._log.keep_trying(action, before_again=outbox.take_back)
        except ActorstreamError as error:
            self._error = error
            raise

    def _make_durable(self) -> None:
        transport = self._log.transport
        answers = [transport.ask_future(place, Flush(outbox.end_offset)) for place, outbox in self._outboxes.items()]
        for answer in answers:
            message = transport.wait(answer)
            assert isinstance(message, Flushed), message

    def _on_replaced(self) -> None:
        for outbox in self._outboxes.values():
            outbox.take_back()

    def _send_gathered(self) -> None:
        """What has waited long enough goes; an error is for the next call to raise."""
        with self._lock, suppress(ActorstreamError):
            if self._error is None and not self._is_closed:
                for outbox in self._outboxes.values():
                    self._send(outbox)


class Linger:
    """A thread that calls `act` so long after `begin`, once for all calls in between."""

    def __init__(self, seconds: float, act: Callable[[], None]) -> None:
        self._seconds, self._act = seconds, act
        self._begun = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Something waits from now on."""
        if not self._begun.is_set():
            self._begun.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="actorstream-linger", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Act no more."""
        self._stopped.set()
        self._begun.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            self._begun.wait()
            if self._stopped.wait(self._seconds):
                return
            self._begun.clear()
            if self._stopped.is_set():  # Just now; the line above may have cleared what was meant to wake us.
                return
            self._act()


def _pairs(
    headers: Mapping[str, bytes | None] | Iterable[tuple[str, bytes | None]] | None,
) -> Headers | None:
    if headers is None:
        return None
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    for name, content in pairs:
        if not isinstance(name, str) or not isinstance(content, bytes | None):
            raise BadInput(f"the header {name!r} is {content!r}; a header is a str and bytes or None")
    return pairs
