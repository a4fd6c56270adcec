"""Opening a partition's log again: which segments there are, where the log ends, what producers had done.

Guarantees: everything below the recovery point is in the log that comes back, or `Corrupt` is raised before anything is
changed. See `storage` for why there is one segment to look at, and `scan` for how damage is judged.
"""

from __future__ import annotations

from typing import NamedTuple

from actorstream.errors import Corrupt
from actorstream.host import Disk
from actorstream.log.batch import BadBatch
from actorstream.log.control import is_commit
from actorstream.log.epochs import LeaderEpochs
from actorstream.log.producers import AbortedTransaction, Producer, ProducerStates
from actorstream.log.recovery_point import RecoveryPoint
from actorstream.log.scan import Scan, find_whole_batch, is_whole_batch, looks_lost
from actorstream.log.segment import Segment
from actorstream.log.snapshot import read_index, read_snapshot, snapshot_offsets, snapshot_path


class Recovered(NamedTuple):
    """A log as it was found; `sealed` are the base offsets of all segments but the newest.

    `index_crcs` are those of transaction indexes that can be relied upon; the others are to be written again.
    """

    sealed: list[int]
    active: Segment
    producers: ProducerStates
    index_crcs: dict[int, int]
    cut_bytes: int


class _Start(NamedTuple):
    """A snapshot to begin from, or the beginning of the log."""

    offset: int
    producers: dict[int, Producer]
    aborted: list[AbortedTransaction]
    index_crcs: dict[int, int]


def segment_offsets(names: list[str]) -> list[int]:
    """The base offsets of the segments among a directory's names, rising."""
    stems = [name.removesuffix(".log") for name in names if name.endswith(".log")]
    return sorted(int(stem) for stem in stems if len(stem) == 20 and stem.isdigit())


def recover(disk: Disk, directory: str, epochs: LeaderEpochs, point: RecoveryPoint) -> Recovered:
    """The log in `directory`; an empty one is begun if there is none.

    Raises:
        Corrupt: what was durable is damaged; nothing was changed.
        UnsupportedFormat: a newer version wrote it.
    """
    names = disk.list(directory)
    bases = segment_offsets(names)
    if not bases:
        return _begin(disk, directory, point)
    sealed, active = bases[:-1], Segment(disk, directory, bases[-1])
    if sealed:
        _check_seam(disk, directory, sealed[-1], active.base_offset)
    start = _start(disk, directory, names, bases)
    producers = ProducerStates(start.producers, start.aborted)
    _replay(disk, directory, sealed, start.offset, producers)
    from_offset = max(start.offset, active.base_offset)
    position = active.load(from_offset)
    cut_bytes = _walk(disk, active, position, epochs, point, producers)
    _forget_later_snapshots(disk, directory, names, active.end_offset)
    epochs.cut(active.end_offset)
    if point.offset < active.end_offset:  # What a killed process left in the page cache is promised from now on.
        active.shared.file.sync()
        point.rise(active.end_offset)
    index_crcs = {base: crc for base, crc in start.index_crcs.items() if base in sealed}
    return Recovered(sealed, active, producers, index_crcs, cut_bytes)


def _begin(disk: Disk, directory: str, point: RecoveryPoint) -> Recovered:
    if point.offset > 0:
        raise Corrupt(disk.show(directory), 0, f"there are no segments, but {point.offset} records had been flushed")
    active = Segment(disk, directory, 0, create=True)
    disk.sync_dir(directory)
    return Recovered([], active, ProducerStates(), {}, 0)


def _check_seam(disk: Disk, directory: str, base_offset: int, next_base_offset: int) -> None:
    """The newest sealed segment must end where the next begins; the others are looked at when they are read."""
    segment = Segment(disk, directory, base_offset)
    try:
        segment.load(next_base_offset)
    finally:
        segment.close()


def _start(disk: Disk, directory: str, names: list[str], bases: list[int]) -> _Start:
    """The newest snapshot that can be read, and whose transaction indexes can."""
    for offset in reversed(snapshot_offsets(names)):
        snapshot = read_snapshot(disk, directory, offset) if offset >= bases[0] else None
        if snapshot is None:
            continue
        crcs = {base: crc for base, crc in snapshot.index_crcs.items() if base in bases}
        aborted = [read_index(disk, directory, base, crc) for base, crc in sorted(crcs.items())]
        if None not in aborted:
            known = [transaction for index in aborted for transaction in index or ()]
            return _Start(offset, snapshot.producers, known, crcs)
    return _Start(bases[0], {}, [], {})


def _replay(disk: Disk, directory: str, sealed: list[int], start_offset: int, producers: ProducerStates) -> None:
    """Let the producers follow the sealed segments from `start_offset` on; there are none if snapshots are whole."""
    for index, base_offset in enumerate(sealed):
        following = sealed[index + 1] if index + 1 < len(sealed) else None
        if following is not None and following <= start_offset:
            continue
        file = disk.open(f"{directory}/{base_offset:020d}.log")
        scan = Scan(file, 0, base_offset)
        try:
            for _, header, chunk in scan.batches():
                if header.base_offset >= start_offset:
                    producers.apply(header, commit=is_commit(chunk, header) if header.is_control else None)
        except BadBatch as bad:
            raise Corrupt(disk.show(f"{directory}/{base_offset:020d}.log"), bad.position, bad.what) from None
        finally:
            file.close()


def _walk(
    disk: Disk, active: Segment, position: int, epochs: LeaderEpochs, point: RecoveryPoint, producers: ProducerStates
) -> int:
    """Follow the newest segment from `position` to its end; the number of bytes that were cut there."""
    file = active.shared.file
    scan = Scan(file, position, active.end_offset, epoch_at=epochs.epoch_at)
    try:
        for at, header, chunk in scan.batches():
            commit = is_commit(chunk, header) if header.is_control else None
            active.add(at, header)
            producers.apply(header, commit=commit)
    except BadBatch as bad:
        _judge(disk, active, bad, point.offset)
    if active.end_offset < point.offset:
        what = f"the log ends at offset {active.end_offset}, but {point.offset} had been flushed"
        raise Corrupt(disk.show(active.path), active.size, what)
    cut_bytes = file.size() - active.size
    if cut_bytes:
        active.cut(active.size)
    return cut_bytes


def _judge(disk: Disk, active: Segment, bad: BadBatch, durable_offset: int) -> None:
    """Raise if the damage where the good part ends is corruption, not the loss of something never promised."""
    file, position, offset = active.shared.file, active.size, active.end_offset
    if offset < durable_offset or is_whole_batch(file, position):
        raise Corrupt(disk.show(active.path), position, bad.what) from None
    following = find_whole_batch(file, position, offset + 1)
    if following is not None and not looks_lost(file.read(position, following - position), position):
        raise Corrupt(disk.show(active.path), position, bad.what) from None


def _forget_later_snapshots(disk: Disk, directory: str, names: list[str], end_offset: int) -> None:
    """A snapshot is never ahead of the log."""
    for offset in snapshot_offsets(names):
        if offset > end_offset:
            disk.remove(snapshot_path(directory, offset))
