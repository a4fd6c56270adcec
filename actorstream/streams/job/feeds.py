"""Where a source task gets its batches: a partition of a topic, or a reader. Pure but for the reader's own I/O.

A feed hands out batches in order and knows the position after the last one it handed out; `seek` goes back to one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from typing import Any

from actorstream.errors import BadInput
from actorstream.log.client import Fetched, TopicDecoder, Undecodable
from actorstream.streams.connector import BadValue, Chunk, Reader, Source
from actorstream.streams.engine.batch import Batch, Origin

ROWS_MAX = 8_192
"""Rows of one batch: small enough that other messages come between, large enough that nothing shows per batch."""

ROWS_MIN = 256
"""Rows of one batch where receivers are slow: a barrier waits behind few, and still nothing shows per batch."""

COLUMN_ROWS_MAX = 262_144

FETCH_BYTES_MAX = 1 << 20


class Feed(ABC):
    """See the module. `rows_max`: rows of a batch that `take` gives, if its position lets it be cut."""

    origin: Origin
    rows_max = ROWS_MAX

    @abstractmethod
    def seek(self, position: Any) -> None:
        """Go to a position of a checkpoint; None: the beginning."""

    @abstractmethod
    def position(self) -> Any:
        """Where to go on after the last batch handed out; JSON-like data."""

    @abstractmethod
    def take(self) -> tuple[Batch, list[int] | None] | None:
        """The next batch and its log timestamps (µs), or None if none is at hand."""

    @abstractmethod
    def is_at_end(self) -> bool:
        """Whether everything up to the end was handed out."""

    def wants_more(self) -> bool:
        """Whether it should be given more to hand out."""
        return not self.is_at_end()

    @abstractmethod
    def close(self) -> None:
        """Let go of what it holds."""


class TopicFeed(Feed):
    """One partition of a topic.

    `end`: stop there (a bounded run), or None to go on for ever.
    """

    def __init__(self, topic: str, partition: int, decoder: TopicDecoder, source: str, *, end: int | None) -> None:
        self.origin = Origin(source, topic, partition)
        self._decoder = decoder
        self.end = end
        self.start = 0
        self.seek(None)

    def seek(self, position: Any) -> None:
        self._queue: deque[tuple[Batch, list[int], int]] = deque()
        self._position = self.start if position is None else int(position)
        self.next_fetch = self._position
        self.log_end: int | None = None

    def position(self) -> int:
        return self._position

    def fetched(self, answer: Fetched) -> bool:
        """Take in an answer; gives whether it brought anything."""
        end = answer.next_offset if self.end is None else min(answer.next_offset, self.end)
        self.log_end = answer.last_stable_offset
        before = len(self._queue)
        for decoded in self._decoder.decode(answer, self.next_fetch, end):
            offsets = decoded.offsets
            for start in range(0, len(decoded.values), ROWS_MAX):
                stop = min(start + ROWS_MAX, len(decoded.values))
                batch = Batch(
                    decoded.values[start:stop], kind=self._decoder.kind, offsets=offsets[start:stop], origin=self.origin
                )
                times = [ms * 1000 for ms in decoded.timestamps_ms[start:stop]]
                self._queue.append((batch, times, offsets[stop - 1] + 1))
        self.next_fetch = answer.next_offset
        if not self._queue:
            self._position = end  # Nothing but markers and aborted records lay between.
        return len(self._queue) > before

    def take(self) -> tuple[Batch, list[int]] | None:
        if not self._queue:
            return None
        batch, times, end = self._queue.popleft()
        if len(batch) > self.rows_max:
            rest = batch.part(self.rows_max, len(batch)), times[self.rows_max :], end
            self._queue.appendleft(rest)
            batch, times, end = batch.part(0, self.rows_max), times[: self.rows_max], int(rest[0].offsets[0])
        self._position = end
        if not self._queue:
            self._position = self.next_fetch if self.end is None else min(self.next_fetch, self.end)
        return batch, times

    def is_at_end(self) -> bool:
        return self.end is not None and self._position >= self.end

    def has_reached(self, offset: int) -> bool:
        """Whether everything below `offset` was handed out."""
        return self._position >= offset

    def wants_more(self) -> bool:
        return len(self._queue) < 2 and (self.end is None or self.next_fetch < self.end)

    def close(self) -> None:
        self._queue.clear()

    def is_silent(self) -> bool:
        """Whether the log has been read to its end."""
        return not self._queue and self.log_end is not None and self.next_fetch >= self.log_end


class ReaderFeed(Feed):
    """A connector's reader."""

    def __init__(self, source: Source, name: str, columns: tuple[str, ...] | None, *, keep_bad: bool = False) -> None:
        self.origin = Origin(name)
        self._keep_bad = keep_bad
        self._source = source
        self._columns = columns
        self._reader: Reader | None = None
        self._at: Any = None
        self.seek(None)

    @property
    def blocks(self) -> bool:
        """Whether a read may take long, and so must not happen on the loop: it waits for something, or for much."""
        return self._columns is not None or bool(getattr(self._source, "blocking", True))

    def seek(self, position: Any) -> None:
        self.close()
        self._chunk: Chunk | None = None
        self._position = position
        self._ended = False

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def position(self) -> Any:
        return self._position

    def read(self) -> Chunk | None:
        """Read on; may block."""
        if self._reader is None:
            self._reader = self._source.open(self._position, columns=self._columns)
        try:
            return self._reader.read(self.rows_max if self._columns is None else COLUMN_ROWS_MAX)
        except BadValue as error:
            if not self._keep_bad:
                raise
            return Chunk([Undecodable(error.value, error)], error.position, error.first_offset)

    def was_read(self, chunk: Chunk | None) -> bool:
        """Take in what `read` gave; gives whether it brought anything."""
        if chunk is None:
            self._ended = True
            return False
        self._chunk = chunk
        return len(chunk.values) > 0

    def take(self) -> tuple[Batch, None] | None:
        chunk = self._chunk
        if chunk is None:
            return None
        self._chunk = None
        self._position = chunk.position
        if not len(chunk.values):
            return None  # Nothing there, or nothing that mattered.
        offsets = range(chunk.first_offset, chunk.first_offset + len(chunk.values))
        kind = self._source.type
        if self._columns is None or _is_bad(chunk):
            values = chunk.values if isinstance(chunk.values, list) else list(chunk.values)
            return Batch(values, kind=kind, offsets=offsets, origin=self.origin), None
        return Batch(frame=_frame(chunk), kind=kind, offsets=offsets, origin=self.origin), None

    def is_at_end(self) -> bool:
        return self._ended and self._chunk is None

    def wants_more(self) -> bool:
        return self._chunk is None and not self._ended


def _is_bad(chunk: Chunk) -> bool:
    """Whether it is a value that could not be read, in its place."""
    return isinstance(chunk.values, list) and isinstance(chunk.values[0], Undecodable)


def _frame(chunk: Chunk) -> Any:
    import polars

    if not isinstance(chunk.values, polars.DataFrame):
        raise BadInput(
            "a source that was opened for columns gave rows; give a polars.DataFrame, or set columnar = False"
        )
    return chunk.values
