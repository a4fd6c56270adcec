"""One partition's log on a disk: segments, who wrote them, what producers did, and how all that comes back.

Guarantees: offsets are dense and batches lie in order; what was below a completed flush is there after any crash; what
is read was checked. A log that is damaged where it was durable is refused, naming file and position, and nothing is
changed. Leaves to others: who may append, when to flush, what readers may see (`partition`).

Theory of operation. Batches are appended to the newest segment; when it is full it is sealed: flushed, its indexes, the
producers' snapshot and its transaction index written, and only then a new one begins. So a sealed segment is whole, and
recovery has one segment to look at: it begins at the newest snapshot, walks over the batches, checks each, and ends the
log where the good part ends, if the rest was never promised (`scan` says how that is known). Closing leaves a snapshot
at the end, so that opening again walks over nothing.

Layout: `<20 digits>.log .index .timeindex .txnindex .snapshot`, `leader-epoch-checkpoint`, `recovery-point`,
`partition.json {format, topic_id}`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from actorstream.errors import DiskFull, OffsetOutOfRange
from actorstream.host import Disk
from actorstream.log.batch import BatchHeader, assign
from actorstream.log.control import is_commit
from actorstream.log.epochs import LeaderEpochs
from actorstream.log.identity import check_identity
from actorstream.log.recovery import Recovered, recover
from actorstream.log.recovery_point import RecoveryPoint
from actorstream.log.segment import Segment, remove_segment
from actorstream.log.snapshot import Snapshot, snapshot_offsets, snapshot_path, write_index, write_snapshot

SEGMENT_BYTES_MAX = 64 << 20
"""Where a segment is full, unless asked otherwise."""

OPEN_SEALED_MAX = 4
"""So many sealed segments stay open for readers."""

PLACES_MAX = 64
"""So many places where a reader will go on are remembered."""


class Read(NamedTuple):
    """Whole batches, and the offset after them."""

    batches: bytes
    next_offset: int


class PartitionLog:
    """See the module. Open it with `PartitionLog.open`."""

    def __init__(
        self, disk: Disk, directory: str, epochs: LeaderEpochs, point: RecoveryPoint, recovered: Recovered
    ) -> None:
        self.directory = directory
        self.producers = recovered.producers
        self.cut_bytes = recovered.cut_bytes  # How much of a torn tail opening dropped.
        self.segment_bytes_max = SEGMENT_BYTES_MAX
        self._disk, self._epochs, self._point = disk, epochs, point
        self._sealed = recovered.sealed  # Base offsets, rising.
        self._active = recovered.active
        self._index_crcs = recovered.index_crcs
        self._open_sealed: dict[int, Segment] = {}
        self._places: dict[int, tuple[int, int]] = {}  # Offset -> (segment's base offset, position).

    @classmethod
    def open(
        cls, disk: Disk, directory: str, *, topic_id: str = "", segment_bytes_max: int = SEGMENT_BYTES_MAX
    ) -> PartitionLog:
        """Open the log in `directory`, or make an empty one; recovers from whatever crash there was.

        Raises:
            Corrupt: what was durable is damaged; nothing was changed.
            UnsupportedFormat: a newer version wrote it.
        """
        assert 0 < segment_bytes_max < 1 << 31, "positions in an index are int32"
        check_identity(disk, directory, topic_id)
        epochs = LeaderEpochs(disk, directory)
        point = RecoveryPoint(disk, directory)
        recovered = recover(disk, directory, epochs, point)
        log = cls(disk, directory, epochs, point, recovered)
        log.segment_bytes_max = segment_bytes_max
        epochs.begin(0, log.end_offset)
        return log

    @property
    def start_offset(self) -> int:
        """The first offset that is there."""
        return self._sealed[0] if self._sealed else self._active.base_offset

    @property
    def end_offset(self) -> int:
        """The offset that the next record gets."""
        return self._active.end_offset

    @property
    def flushed_offset(self) -> int:
        """Everything below is durable."""
        return self._point.offset

    @property
    def leader_epoch(self) -> int:
        """What new batches carry."""
        return self._epochs.last

    @property
    def active_offset(self) -> int:
        """Where the newest segment begins."""
        return self._active.base_offset

    @property
    def fullness(self) -> float:
        """How full the newest segment is; an append that would bring it beyond 1 begins another."""
        return self._active.size / self.segment_bytes_max

    # --- writing -----------------------------------------------------------------------------------------------

    def append(self, data: bytes | bytearray, headers: list[BatchHeader]) -> tuple[int, int]:
        """Write batches that `check_batches` passed; their first offset, and the log's new end.

        Raises:
            DiskFull: nothing of it is in the log.
        """
        if self._active.size and self._active.size + len(data) > self.segment_bytes_max:
            self.roll()
        first_offset = self.end_offset
        placed = bytearray(data)
        headers = assign(placed, headers, first_offset, self._epochs.last)
        self._active.append(placed, headers)
        for header in headers:
            if header.producer_id >= 0:
                self.producers.apply(header, commit=is_commit(placed, header) if header.is_control else None)
        return first_offset, self.end_offset

    def roll(self) -> None:
        """Seal the newest segment and begin another. Blocks until the sealed one is durable.

        Raises:
            DiskFull: the segment goes on as it was.
        """
        self._seal()
        base_offset = self._active.base_offset
        active = Segment(self._disk, self.directory, self.end_offset, create=True)
        self._disk.sync_dir(self.directory)
        self._remember_open(self._active)
        self._sealed.append(base_offset)
        self._active = active
        self._places.pop(active.base_offset, None)  # Who reads on from here must do so in the new segment.
        self._drop_old_snapshots()

    def _seal(self) -> None:
        """Make everything durable: batches first, then what is derived from them, the snapshot last."""
        active, end_offset = self._active, self.end_offset
        self.flush()
        active.store_indexes()
        for base_offset in [*self._sealed, active.base_offset]:
            if base_offset not in self._index_crcs or base_offset == active.base_offset:
                self._index_crcs[base_offset] = self._write_index(base_offset)
        snapshot = Snapshot(self.producers.producers, self._index_crcs)
        write_snapshot(self._disk, self.directory, end_offset, snapshot)

    def _write_index(self, base_offset: int) -> int:
        """Write a segment's transaction index; its CRC."""
        end_offset = self._end_of_sealed(base_offset) if base_offset in self._sealed else self.end_offset
        aborted = [one for one in self.producers.aborted if base_offset <= one.last_offset < end_offset]
        return write_index(self._disk, self.directory, base_offset, aborted)

    def _drop_old_snapshots(self) -> None:
        """Keep the two newest: the second stands in if the first fails its check."""
        for offset in snapshot_offsets(self._disk.list(self.directory))[:-2]:
            self._disk.remove(snapshot_path(self.directory, offset))

    def begin_epoch(self, epoch: int) -> None:
        """A new leader writes from the end on; durable when this returns."""
        self._epochs.begin(epoch, self.end_offset)

    # --- durability --------------------------------------------------------------------------------------------

    def flush_work(self) -> tuple[Callable[[], None], int]:
        """Blocking work for another thread, to be called once, and the offset that `flushed` may then be told."""
        return self._active.shared.sync_work(), self.end_offset

    def flushed(self, offset: int) -> None:
        """Everything below `offset` is durable now."""
        self._point.rise(offset)

    def flush(self) -> None:
        """Make everything durable. Blocks.

        Raises:
            SyncFailed: never to be tried again.
        """
        if self._point.offset < self.end_offset:
            work, offset = self.flush_work()
            work()
            self.flushed(offset)

    # --- reading -----------------------------------------------------------------------------------------------

    def read(self, offset: int, bytes_max: int, *, end_offset: int | None = None) -> Read:
        """Whole batches from the one that holds `offset` on, below `end_offset`; at least one if there is any.

        Raises:
            OffsetOutOfRange: the log does not hold `offset`.
            Corrupt: the bytes there are not what was written.
        """
        end_offset = self.end_offset if end_offset is None else min(end_offset, self.end_offset)
        if not self.start_offset <= offset <= self.end_offset:
            raise OffsetOutOfRange(self.directory.rpartition("/")[2], offset, self.start_offset, self.end_offset)
        if offset >= end_offset:
            return Read(b"", offset)
        base_offset, position = self._places.pop(offset, (None, None))
        segment = self._segment_of(offset) if base_offset is None else self._segment(base_offset)
        found = segment.read(offset, bytes_max, end_offset=end_offset, position=position)
        self._remember_place(found.next_offset, segment, found.next_position)
        return Read(found.batches, found.next_offset)

    def offset_at(self, timestamp_ms: int) -> int:
        """The first offset whose timestamp is not before this; -1 if there is none."""
        for base_offset in [*self._sealed, self._active.base_offset]:
            offset = self._segment(base_offset).offset_at(timestamp_ms)
            if offset is not None:
                return offset
        return -1

    def _segment_of(self, offset: int) -> Segment:
        if offset >= self._active.base_offset:
            return self._active
        return self._segment(max(base for base in self._sealed if base <= offset))

    def _segment(self, base_offset: int) -> Segment:
        if base_offset == self._active.base_offset:
            return self._active
        segment = self._open_sealed.pop(base_offset, None)
        if segment is None:
            segment = Segment(self._disk, self.directory, base_offset)
            segment.load(self._end_of_sealed(base_offset))
        self._remember_open(segment)
        return segment

    def _end_of_sealed(self, base_offset: int) -> int:
        following = self._sealed.index(base_offset) + 1
        return self._sealed[following] if following < len(self._sealed) else self._active.base_offset

    def _remember_open(self, segment: Segment) -> None:
        self._open_sealed[segment.base_offset] = segment
        if len(self._open_sealed) > OPEN_SEALED_MAX:
            oldest = next(iter(self._open_sealed))
            self._open_sealed.pop(oldest).close()

    def _remember_place(self, offset: int, segment: Segment, position: int) -> None:
        if offset < segment.end_offset or segment is self._active:
            self._places[offset] = segment.base_offset, position
        if len(self._places) > PLACES_MAX:
            del self._places[next(iter(self._places))]

    # --- dropping ----------------------------------------------------------------------------------------------

    def trim(self, offset: int) -> None:
        """Remove the sealed segments that lie wholly below `offset`."""
        while self._sealed and self._end_of_sealed(self._sealed[0]) <= offset:
            oldest = self._sealed.pop(0)
            self._index_crcs.pop(oldest, None)
            if oldest in self._open_sealed:
                self._open_sealed.pop(oldest).close()
            remove_segment(self._disk, self.directory, oldest)
            self._disk.sync_dir(self.directory)  # Each before the next, or a crash could leave a gap.
        self._places.clear()
        self.producers.forget_before(self.start_offset)

    def trim_older(self, timestamp_ms: int, offset: int) -> None:
        """Remove the oldest sealed segments, wholly below `offset`, whose records are all older than this."""
        end_offset = self.start_offset
        for base_offset in self._sealed:
            if self._segment(base_offset).max_timestamp_ms >= timestamp_ms:
                break
            end_offset = self._end_of_sealed(base_offset)
        self.trim(min(end_offset, offset))

    def truncate(self, offset: int) -> None:
        """Drop what lies at or after `offset`, a batch's beginning, durably.

        Raises:
            OffsetOutOfRange: the log does not hold `offset`.
        """
        if not self.start_offset <= offset <= self.end_offset:
            raise OffsetOutOfRange(self.directory, offset, self.start_offset, self.end_offset)
        if offset == self.end_offset:
            return
        self._point.lower(offset)
        for snapshot in snapshot_offsets(self._disk.list(self.directory)):
            if snapshot > offset:
                self._disk.remove(snapshot_path(self.directory, snapshot))
        last = self._segment_of(offset)
        position = last.position_of(offset)
        later = [base for base in [*self._sealed, self._active.base_offset] if base > last.base_offset]
        self._close_segments()
        for base_offset in reversed(later):  # The newest first: what is left is without a gap at any time.
            remove_segment(self._disk, self.directory, base_offset)
            self._disk.sync_dir(self.directory)
        last = Segment(self._disk, self.directory, last.base_offset)
        last.cut(position)
        last.close()
        self._epochs.cut(offset)
        recovered = recover(self._disk, self.directory, self._epochs, self._point)
        self._sealed, self._active, self.producers = recovered.sealed, recovered.active, recovered.producers
        self._index_crcs = recovered.index_crcs

    def close(self, *, clean: bool = True) -> None:
        """Let go of the files; if `clean`, flush first, so that opening again has nothing to walk over."""
        try:
            if clean:
                with suppress(DiskFull):  # Then opening has something to walk over.
                    self._seal()
                    self._drop_old_snapshots()
        finally:
            self._close_segments()
            self._point.close()

    def _close_segments(self) -> None:
        for segment in [*self._open_sealed.values(), self._active]:
            segment.close()
        self._open_sealed.clear()
        self._places.clear()
