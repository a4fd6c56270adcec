"""The join of windows over columns: both sides kept as frames, and joined by Polars when windows are due.

Theory of operation. A batch is kept whole, as a chunk with the columns that the join needs (`store/chunks`), until the
last window of its latest record has ended. No window is put together before it is due. Then the rows of all windows
that are due are gathered, a stretch of windows at a time so that it is not too much, and joined by window and key
(`pairing`). Windows that overlap get a row each of them: it is repeated, with the window's end, just then.

Order does not depend on batches: rows are sorted by event time, partition, source and offset before they are joined.
What comes out is in order of window, then of the left, then of the right; then follow the right's that came alone.

Who is late is judged as by panes (`panes`): by the record's own split's watermark. A record that is late for some of
its windows counts in the others; behind which end is a column of its own, where windows overlap.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any

from actorstream.model.identity import Encoder, key_group
from actorstream.model.instant import START_OF_TIME, Instant
from actorstream.streams import checks
from actorstream.streams.engine.batch import Batch, as_series
from actorstream.streams.engine.failure import failed, show
from actorstream.streams.engine.pairing import END, Pairing, key_column
from actorstream.streams.engine.pausable import PIECE_RECORDS, Work
from actorstream.streams.engine.window_join import RightSide
from actorstream.streams.engine.window_stage import WindowStage
from actorstream.streams.frame_columns import BadCell, Column
from actorstream.streams.plan.joins import KEY, LEFT, RIGHT, WindowJoin
from actorstream.streams.plan.nodes import KeyBy
from actorstream.streams.store.chunks import CHUNK_BYTES_MAX, Chunk, ChunkTable
from actorstream.streams.windows import WindowSpec

if TYPE_CHECKING:
    import polars

TIME, OFFSET, AFTER, RANK = " time", " offset", " after", " rank"

DUE_RECORDS = 131_072
"""Records of windows that are due and are joined at once, unless one window has more."""


class _Part:
    """What is left of a chunk: rows that a window may still need."""

    __slots__ = ("chunk", "first", "frame", "last", "name", "until")

    def __init__(self, until: Instant, name: bytes, chunk: Chunk) -> None:
        self.until, self.name, self.chunk = until, name, chunk
        self.frame = chunk.frame
        times = chunk.frame[TIME]
        self.first, self.last = int(times.min()), int(times.max())  # type: ignore[arg-type]

    @property
    def split(self) -> tuple[int, str]:
        """Where the rows came from, as far as it decides their order."""
        return self.chunk.partition, self.chunk.source

    def between(self, start: Instant, end: Instant) -> polars.DataFrame:
        """The rows of these times."""
        import polars

        if start <= self.first and self.last < end:
            return self.frame
        return self.frame.filter((polars.col(TIME) >= start) & (polars.col(TIME) < end))


class _Side:
    """One side: which columns of a batch it keeps, under which names, and what it has."""

    def __init__(self, node: WindowJoin, side: int, *, overlapping: bool) -> None:
        import polars

        from actorstream.streams.frames import polars_schema

        key = node.inputs[side]
        assert isinstance(key, KeyBy)
        self.kind: Any = (node.left_type, node.right_type)[side]
        self.columns = node.columns_of(side)
        self.keys = [Column(field, checks.field_type(self.kind, field)) for field in key.fields]
        self.names = {field: f"{side} {field}" for field in self.columns}  # In a join, where both sides have some.
        dtypes = polars_schema(self.kind)
        schema: dict[str, Any] = {field: dtypes[field] for field in self.columns}
        schema.update({name: polars.Int64() for name in (TIME, OFFSET, *([AFTER] if overlapping else []))})
        self.empty = polars.DataFrame(schema=schema)
        self.table = ChunkTable(("left", "right")[side], schema)
        self.parts: list[_Part] = []  # In the order in which they came.

    def frame_of(self, operator: str, batch: Batch) -> polars.DataFrame:
        """The columns of a batch that are kept, but for times and offsets."""
        from actorstream.streams.frames import rows_to_frame

        if batch.is_columns:
            frame = batch.frame()
        else:
            try:
                frame = rows_to_frame(batch.rows(), self.kind, self.columns)
            except BadCell as error:
                row = error.row or 0
                raise failed(operator, show(batch.rows()[row]), error, *batch.place(row)) from error
        return frame.select(self.columns)

    def rows(self, start: Instant, end: Instant) -> polars.DataFrame:
        """The rows of these times, in order."""
        import polars

        parts = [part for part in self.parts if part.first < end and part.last >= start]
        splits = sorted({part.split: None for part in parts})
        frames = [part.between(start, end) for part in parts]
        if len(splits) > 1:
            ranks = [splits.index(part.split) for part in parts]
            frames = [
                frame.with_columns(polars.lit(rank, dtype=polars.Int64).alias(RANK))
                for frame, rank in zip(frames, ranks, strict=True)
            ]
        if not frames:
            return self.empty
        return _in_order(polars.concat(frames))

    def named(self, rows: polars.DataFrame) -> polars.DataFrame:
        """Rows with their columns as they are called in a join: the key, and all fields of this side."""
        import polars

        keys = [polars.col(column.name).alias(key_column(place)) for place, column in enumerate(self.keys)]
        return rows.select(END, *keys, *(polars.col(field).alias(name) for field, name in self.names.items()))

    def forget(self, watermark: Instant, start: Instant) -> None:
        """Drop chunks that no window needs after `watermark`, and of the others the rows before `start`."""
        left = []
        for part in self.parts:
            if part.until <= watermark:
                self.table.drop(part.until, part.name)
                continue
            if part.first < start <= part.last:
                part.frame = part.between(start, part.last + 1)
                part.first = start
            left.append(part)
        self.parts = left

    def own(self, groups: range) -> None:
        """The table was loaded or rolled back."""
        encoder = Encoder()

        def of_groups(frame: polars.DataFrame) -> polars.DataFrame:
            import polars

            columns = [column.values(frame[column.name]) for column in self.keys]
            keys = columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))
            return frame.filter(polars.Series([key_group(key) in groups for key in encoder.encode_all(keys)]))

        self.table.adopt(groups, of_groups)
        self.parts = [_Part(*one) for one in self.table.chunks()]


def _in_order(frame: polars.DataFrame) -> polars.DataFrame:
    """By time, then split, then offset; mostly they are so already."""
    if RANK in frame.columns:
        return frame.sort(TIME, RANK, OFFSET, maintain_order=True)
    if frame[TIME].is_sorted() and frame[OFFSET].is_sorted():
        return frame
    return frame.sort(TIME, OFFSET, maintain_order=True)


class ColumnJoinStage(WindowStage):
    """See the module. The head takes the records of the left, `right_side` those of the right."""

    def __init__(self, node: WindowJoin) -> None:
        super().__init__(node)
        assert isinstance(node.window, WindowSpec)
        self._window = node.window
        self._overlapping = node.window.every_us < node.window.size_us
        self._sides = [_Side(node, side, overlapping=self._overlapping) for side in (LEFT, RIGHT)]
        self.tables = [side.table for side in self._sides]
        self.right_side = RightSide(node.name, lambda batch: self.begin(self._taken(batch, RIGHT)))
        self._pairing = Pairing(node.how, len(self._sides[LEFT].keys), self._columns(node))
        self._counts: dict[Instant, int] = {}  # pane → how many records of both sides
        self._due: list[Instant] = []  # heap of the ends of windows that hold something
        self._scheduled: dict[Instant, None] = {}
        self._retire: list[tuple[Instant, Instant]] = []  # heap of (when nobody needs it any more, pane)

    def _columns(self, node: WindowJoin) -> dict[str, str]:
        """What becomes of a pair: each field of the result, and the column that it is."""
        keys = [column.name for column in self._sides[LEFT].keys]
        names = [side.names for side in self._sides]
        return {
            one.name: key_column(keys.index(one.field)) if one.side == KEY else names[one.side][one.field]
            for one in node.fields or ()
        }

    # --- records ---------------------------------------------------------------------------------------------------

    def work(self, batch: Batch) -> Work:
        return self._taken(batch, LEFT)

    def _taken(self, batch: Batch, side: int) -> Work:
        if len(batch):
            self._take(batch, self._sides[side])
        yield from ()

    def _take(self, batch: Batch, side: _Side) -> None:
        """Keep a batch as a chunk; late records go to `late`."""
        import polars

        frame = side.frame_of(self.name, batch)
        times, spec = as_series(batch.times), self._window
        offsets = polars.zeros(len(batch), polars.Int64, eager=True) if batch.offsets is None else batch.offsets
        frame = frame.with_columns(times.alias(TIME), as_series(offsets).alias(OFFSET))
        limit = as_series(batch.own).clip(lower_bound=self._watermark)
        panes = times - times % spec.pane_us
        earliest = -(-(panes + spec.pane_us - spec.size_us) // spec.every_us) * spec.every_us + spec.size_us
        is_behind = earliest <= limit  # Late for some window.
        after = limit.zip_with(is_behind, polars.Series([START_OF_TIME]).new_from_index(0, len(batch)))
        if self._overlapping:
            frame = frame.with_columns(after.alias(AFTER))
        if is_behind.any():
            is_late = panes - panes % spec.every_us + spec.size_us <= limit
            self.put_aside(batch, is_late.arg_true().to_list())
            frame, panes = frame.filter(~is_late), panes.filter(~is_late)
        rows = max(frame.height * CHUNK_BYTES_MAX // max(int(frame.estimated_size()), 1), 1)
        for start in range(0, frame.height, rows):
            chunk = Chunk(frame[start : start + rows], batch.origin.partition, batch.origin.source)
            self._keep(side, chunk, panes[start : start + rows])

    def _keep(self, side: _Side, chunk: Chunk, panes: polars.Series) -> None:
        self._count(panes)
        until = self._window.last_end(int(panes.max()))  # type: ignore[arg-type]
        side.parts.append(_Part(until, side.table.append(until, chunk, self.groups), chunk))

    def _count(self, panes: polars.Series) -> None:
        """Remember how many records these panes have, and when their windows are due."""
        for pane, count in panes.value_counts().rows():
            if pane not in self._counts:
                heapq.heappush(self._retire, (self._window.last_end(pane), pane))
                for end in self._window.ends(pane):
                    if end > self._watermark and end not in self._scheduled:
                        self._scheduled[end] = None
                        heapq.heappush(self._due, end)
            self._counts[pane] = self._counts.get(pane, 0) + count

    # --- time ------------------------------------------------------------------------------------------------------

    def pass_time(self, watermark: Instant) -> Work:
        if watermark > self._watermark:
            yield from self._fire(watermark)
        self.pass_on(watermark)

    def _fire(self, watermark: Instant) -> Work:
        """Join the windows that are due, some at a time; then drop what nobody needs any more."""
        while self._due and self._due[0] <= watermark:
            yield from self._join(self._next_ends(watermark))
            if self._due and self._due[0] <= watermark:
                yield
        self._watermark = watermark
        while self._retire and self._retire[0][0] <= watermark:
            del self._counts[heapq.heappop(self._retire)[1]]
        every, size = self._window.every_us, self._window.size_us
        start = ((watermark - size) // every + 1) * every  # Of the window that ends next.
        for side in self._sides:
            side.forget(watermark, start)

    def _next_ends(self, watermark: Instant) -> tuple[Instant, Instant]:
        """The first and the last end of the windows that are joined next."""
        first = self._due[0]
        last, records = first, 0
        while self._due and self._due[0] <= watermark:
            here = sum(self._counts.get(pane, 0) for pane in self._window.panes(self._due[0]))
            if records and records + here > DUE_RECORDS:
                break
            records += here
            last = heapq.heappop(self._due)
            del self._scheduled[last]
        return first, last

    def _join(self, ends: tuple[Instant, Instant]) -> Work:
        left, right = (side.named(self._of_windows(side, *ends)) for side in self._sides)
        emitted = 0
        for pairs in self._pairing.pairs(left, right):
            for start in range(0, pairs.height, PIECE_RECORDS):
                piece = pairs[start : start + PIECE_RECORDS]
                self._emit_pairs(piece)
                emitted += piece.height
                if emitted >= PIECE_RECORDS:
                    emitted = 0
                    yield

    def _emit_pairs(self, pairs: polars.DataFrame) -> None:
        marks = pairs[END] - 1
        self.emit(Batch(frame=pairs.drop(END), kind=self.node.type, times=marks, own=marks, marks=marks))

    def _of_windows(self, side: _Side, first: Instant, last: Instant) -> polars.DataFrame:
        """The rows of the windows that end from `first` to `last`, both included, each in each of its windows."""
        import polars

        spec = self._window
        rows = side.rows(first - spec.size_us, last)
        time = polars.col(TIME)
        if not self._overlapping:
            return rows.with_columns((time - time % spec.size_us + spec.size_us).alias(END))
        pane = time - time % spec.pane_us
        since = polars.max_horizontal(
            pane + (spec.pane_us - spec.size_us), polars.col(AFTER) - spec.size_us + 1, first - spec.size_us
        )
        start = -(-since // spec.every_us) * spec.every_us + spec.size_us
        stop = polars.min_horizontal(pane - pane % spec.every_us + spec.size_us, last) + 1
        ends = rows.with_columns(start.alias(END), stop.alias(" stop")).filter(polars.col(END) < polars.col(" stop"))
        repeated = ends.with_columns(polars.int_ranges(END, " stop", spec.every_us).alias(END)).explode(END)
        return repeated.drop(" stop").sort(END, maintain_order=True)

    # --- recovery --------------------------------------------------------------------------------------------------

    def restored(self) -> None:
        super().restored()
        self._counts.clear()
        self._due.clear()
        self._scheduled.clear()
        self._retire.clear()
        for side in self._sides:
            side.own(self.groups)
            for part in side.parts:
                times = part.frame[TIME]
                self._count(times - times % self._window.pane_us)

    def resume_at(self, watermark: Instant) -> None:
        super().resume_at(watermark)
        self._due = [end for end in self._due if end > watermark]
        heapq.heapify(self._due)
        self._scheduled = dict.fromkeys(self._due)

    def open_windows(self) -> int:
        return len(self._due)
