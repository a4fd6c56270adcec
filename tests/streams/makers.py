"""Records, times and sources that the tests of streams share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from actorstream import App, Record
from actorstream.streams.connector import Chunk
from actorstream.streams.frames import rows_to_frame

START = datetime(2024, 1, 1, tzinfo=UTC)


class Event(Record):
    """Something that happened: whose, how much, when."""

    key: str
    value: int
    at: datetime


def at(seconds: float) -> datetime:
    """A time, in seconds from the start of the tests' day."""
    return START + timedelta(seconds=seconds)


def seconds(time: datetime) -> float:
    """The other way."""
    return (time - START).total_seconds()


def event(second: float, key: str = "a", value: int = 1) -> Event:
    """An event at a second."""
    return Event(key, value, at(second))


def us(second: float) -> int:
    """An instant, in seconds from 1970."""
    return round(second * 1_000_000)


class Pieces:
    """A source that gives its values in the pieces it is told; as rows, or as frames of the columns asked for."""

    bounded = True
    replayable = True

    def __init__(self, pieces: Sequence[Sequence[Any]], *, kind: Any = Event, columnar: bool = False) -> None:
        self.pieces = [list(piece) for piece in pieces]
        self.type = kind
        self.columnar = columnar
        self.asked: tuple[str, ...] | None = None

    def open(self, position: int | None, *, columns: tuple[str, ...] | None = None) -> _PiecesReader:
        """A reader from the piece of that number."""
        self.asked = columns
        return _PiecesReader(self, position or 0, columns)


class _PiecesReader:
    def __init__(self, source: Pieces, piece: int, columns: tuple[str, ...] | None) -> None:
        self._source, self._next, self._columns = source, piece, columns

    def read(self, limit: int) -> Chunk | None:
        """The next piece, whatever the limit."""
        if self._next == len(self._source.pieces):
            return None
        rows: Any = self._source.pieces[self._next]
        first = sum(map(len, self._source.pieces[: self._next]))
        self._next += 1
        if self._columns is not None:
            rows = rows_to_frame(rows, self._source.type, self._columns)
        return Chunk(rows, self._next, first)

    def close(self) -> None:
        """Nothing is held."""


def events_of(app: App, events: Sequence[Event], **options: Any) -> Any:
    """A stream of events by their time."""
    return app.stream(events, **{"event_time": "at", "name": "events", **options})


def cut(values: Sequence[Any], sizes: Sequence[int]) -> list[list[Any]]:
    """The values in pieces of these sizes, over and over."""
    pieces, start, turn = [], 0, 0
    while start < len(values):
        size = sizes[turn % len(sizes)]
        pieces.append(list(values[start : start + size]))
        start, turn = start + size, turn + 1
    return pieces
