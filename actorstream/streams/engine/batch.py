"""A batch: values on their way through a task, with what is known of each.

A batch holds rows (a list of Python values) or columns (a `polars.DataFrame`), and gives the other form on request,
once. Beside the values lie columns of equal length, or None where the plan found that nobody reads them:

- `times`: event times (instants);
- `own`: the watermark of the record's own split at the record, itself included; lateness is judged by it;
- `marks`: the merged watermark on the record's path at the record, never above `own` unless a split was idle; what is
  due by it fires before the record;
- `offsets`: the record's offset in its split;
- `keys`: the record's key, where a `key_by` computed one from rows.

Where offsets are not kept, `first` is that of the first record, if it is known: who takes a batch as a whole can still
say where it began.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from actorstream.model.instant import Instant

if TYPE_CHECKING:
    import polars

_ENCODER = msgspec.msgpack.Encoder(enc_hook=lambda value: None)

Numbers = Sequence[int]  # A list, a range, or a polars Series of Int64.
Places = Any  # The same, as indices into a batch.


@dataclass(frozen=True, slots=True)
class Origin:
    """The split that records were read from."""

    source: str
    topic: str | None = None
    partition: int = 0


NOWHERE = Origin("")

_ROW_BYTES = 128  # What a row counts in flow control if it cannot be encoded.
_ROW_BYTES_MIN = 16  # What it counts at least: an object of Python is never smaller.


class Batch:
    """See the module. Not changed once it was pushed on, but for the forms it remembers."""

    __slots__ = ("_frame", "_rows", "first", "keys", "kind", "marks", "offsets", "origin", "own", "times")

    def __init__(
        self,
        rows: list[Any] | None = None,
        *,
        frame: polars.DataFrame | None = None,
        kind: Any = Any,
        times: Any = None,
        own: Any = None,
        marks: Any = None,
        offsets: Any = None,
        keys: list[Any] | None = None,
        origin: Origin = NOWHERE,
        first: int | None = None,
    ) -> None:
        assert (rows is None) != (frame is None)
        self._rows = rows
        self._frame = frame
        self.kind = kind
        self.times, self.own, self.marks, self.offsets = times, own, marks, offsets
        self.keys = keys
        self.origin = origin
        self.first = first

    def __len__(self) -> int:
        return len(self._rows) if self._rows is not None else self._frame.height  # type: ignore[union-attr]

    @property
    def size_bytes(self) -> int:
        """About how large the values are, for flow control; of many rows, three are measured."""
        if self._frame is not None:
            return int(self._frame.estimated_size())
        rows = self._rows
        assert rows is not None
        sample = rows if len(rows) <= 3 else [rows[0], rows[len(rows) // 2], rows[-1]]
        return len(rows) * sum(map(_row_bytes, sample)) // max(len(sample), 1)

    @property
    def is_columns(self) -> bool:
        """Whether the values are at hand as columns."""
        return self._frame is not None

    @property
    def has_rows(self) -> bool:
        """Whether the values are at hand as rows."""
        return self._rows is not None

    def rows(self) -> list[Any]:
        """The values as a list."""
        if self._rows is None:
            from actorstream.streams.frames import frame_to_rows

            assert self._frame is not None
            self._rows = frame_to_rows(self._frame, self.kind)
        return self._rows

    def frame(self, columns: Sequence[str] | None = None) -> polars.DataFrame:
        """The values as a frame; `columns` says which are enough."""
        if self._frame is not None:
            return self._frame
        from actorstream.streams.frames import rows_to_frame

        assert self._rows is not None
        frame = rows_to_frame(self._rows, self.kind, columns)
        if columns is None:
            self._frame = frame
        return frame

    def with_rows(self, rows: list[Any], kind: Any = Any) -> Batch:
        """Other rows, one for each of these."""
        assert len(rows) == len(self)
        return self._like(rows, None, kind)

    def with_frame(self, frame: polars.DataFrame, kind: Any) -> Batch:
        """Another frame, one row for each of these."""
        assert frame.height == len(self)
        return self._like(None, frame, kind)

    def with_keys(self, keys: list[Any] | None) -> Batch:
        """The same values with these keys; None: the keys are fields, and stay in their columns."""
        copy = self._same()
        copy.keys = keys
        return copy

    def values_alone(self, rows: list[Any], place: int, kind: Any) -> Batch:
        """Values that came of some of these, the first of the record at `place`; nothing else is kept of them."""
        first = self.place(place)[2] if rows else None
        return Batch(rows, kind=kind, origin=self.origin, first=first)

    def _like(self, rows: list[Any] | None, frame: polars.DataFrame | None, kind: Any) -> Batch:
        return Batch(
            rows,
            frame=frame,
            kind=kind,
            times=self.times,
            own=self.own,
            marks=self.marks,
            offsets=self.offsets,
            origin=self.origin,
            first=self.first,
        )

    def choose(
        self,
        places: Places,
        rows: list[Any] | None = None,
        kind: Any = None,
        *,
        frame: Any = None,
    ) -> Batch:
        """The records at `places` (in order, repeats allowed), with other values if given."""
        if rows is None and frame is None:
            rows, frame = self._chosen(places)
        return Batch(
            rows,
            frame=frame,
            kind=self.kind if kind is None else kind,
            times=_take(self.times, places),
            own=_take(self.own, places),
            marks=None if self.own is self.marks else _take(self.marks, places),
            offsets=_take(self.offsets, places),
            keys=None if self.keys is None or kind is not None else [self.keys[place] for place in places],
            origin=self.origin,
        )._share_marks(self)

    def part(self, start: int, stop: int) -> Batch:
        """The records from `start` up to `stop`."""
        part = Batch(
            None if self._rows is None else self._rows[start:stop],
            frame=None if self._rows is not None or self._frame is None else self._frame[start:stop],
            kind=self.kind,
            times=_part(self.times, start, stop),
            own=_part(self.own, start, stop),
            marks=None if self.own is self.marks else _part(self.marks, start, stop),
            offsets=_part(self.offsets, start, stop),
            keys=_part(self.keys, start, stop),
            origin=self.origin,
            first=self.first if start == 0 else None,
        )
        return part._share_marks(self)

    def _chosen(self, places: Places) -> tuple[list[Any] | None, Any]:
        if self._rows is None:
            assert self._frame is not None
            return None, self._frame[places]
        return [self._rows[place] for place in places], None

    def _share_marks(self, before: Batch) -> Batch:
        if before.own is before.marks:
            self.marks = self.own
        return self

    def below(self, floor: Instant) -> Batch:
        """The same records where no mark is above `floor`: another channel of the task is behind."""
        if self.marks is None or len(self) == 0 or self.marks[-1] <= floor:
            return self
        copy = self._same()
        copy.keys = self.keys
        marks = self.marks
        copy.marks = [min(mark, floor) for mark in marks] if isinstance(marks, list) else marks.clip(upper_bound=floor)
        return copy

    def _same(self) -> Batch:
        if self._rows is None:
            return self._like(None, self._frame, self.kind)
        copy = self._like(self._rows, None, self.kind)
        copy._frame = self._frame
        return copy

    def place(self, index: int) -> tuple[str | None, int | None, int | None]:
        """(topic, partition, offset) of one record, as far as they are known."""
        offset = self.first if index == 0 else None
        if self.offsets is not None:
            offset = int(self.offsets[index])
        if self.origin.topic is None:
            return None, None, offset
        return self.origin.topic, self.origin.partition, offset


def as_list(numbers: Any) -> list[int]:
    """A column as a list."""
    if isinstance(numbers, list):
        return numbers
    return list(numbers) if isinstance(numbers, range) else numbers.to_list()


def as_series(numbers: Any) -> polars.Series:
    """A column as a Series of Int64."""
    import polars

    return numbers if isinstance(numbers, polars.Series) else polars.Series(numbers, dtype=polars.Int64)


def _row_bytes(row: Any) -> int:
    """The size of a row's encoding; what has none counts little, or, if it cannot be read at all, a guess."""
    try:
        return max(len(_ENCODER.encode(row)), _ROW_BYTES_MIN)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return _ROW_BYTES


def _part(numbers: Any, start: int, stop: int) -> Any:
    return None if numbers is None else numbers[start:stop]


def _take(numbers: Any, places: Places) -> Any:
    if numbers is None:
        return None
    if isinstance(numbers, range) and not isinstance(places, list | range):
        return places.cast(int) * numbers.step + numbers.start
    if isinstance(numbers, list | range):
        return [numbers[place] for place in places]
    return numbers.gather(places)
