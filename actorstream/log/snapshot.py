"""What producers had done up to an offset, in files: `<offset>.snapshot`, and `.txnindex` beside each segment.

Guarantees: a snapshot is durable, and was made when everything before its offset was durable, indexes included; so
recovery begins at the newest one. Both files are written whole; a snapshot that fails its check is as if it were not
there, for the log can be read again; a transaction index that does is corruption, for readers would see aborted data.

Formats. Snapshot: `ASPS`, version uint16 = 1, CRC-32C uint32 of the rest, then msgpack: an array of [producer id,
epoch, open from or nil, [[first sequence, last sequence, first offset, last offset], ...]], the longest silent first.
Transaction index (Kafka's): entries of version int16 = 0, then producer id, first offset, last offset and last stable
offset, each int64, in order of the last offset. All big-endian.
"""

from __future__ import annotations

from struct import Struct

import msgspec
from crc32c import crc32c

from actorstream.errors import Corrupt, UnsupportedFormat
from actorstream.host import Disk
from actorstream.host.disk import read_bytes, replace_bytes
from actorstream.log.producers import AbortedTransaction, ProducedBatch, Producer

SUFFIX = ".snapshot"

_MAGIC = b"ASPS"
_VERSION = 1
_PREFIX = Struct(">4sHI")
_ABORTED = Struct(">hqqqq")

_Row = tuple[int, int, int | None, list[tuple[int, int, int, int]]]


def snapshot_offsets(names: list[str]) -> list[int]:
    """The offsets of the snapshots among a directory's names, rising."""
    stems = [name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX)]
    return sorted(int(stem) for stem in stems if len(stem) == 20 and stem.isdigit())


def snapshot_path(directory: str, offset: int) -> str:
    """Where the snapshot of an offset lies."""
    return f"{directory}/{offset:020d}{SUFFIX}"


def write_snapshot(disk: Disk, directory: str, offset: int, producers: dict[int, Producer]) -> None:
    """Write what producers had done before `offset`; durable when this returns."""
    rows = [(pid, known.epoch, known.open_from, known.batches) for pid, known in producers.items()]
    body = msgspec.msgpack.encode(rows)
    replace_bytes(disk, snapshot_path(directory, offset), _PREFIX.pack(_MAGIC, _VERSION, crc32c(body)) + body)


def read_snapshot(disk: Disk, directory: str, offset: int) -> dict[int, Producer] | None:
    """What producers had done before `offset`, or None if the file fails its check.

    Raises:
        UnsupportedFormat: a newer version wrote it.
    """
    path = snapshot_path(directory, offset)
    data = read_bytes(disk, path)
    if len(data) < _PREFIX.size:
        return None
    magic, version, crc = _PREFIX.unpack_from(data)
    body = data[_PREFIX.size :]
    if magic != _MAGIC or crc != crc32c(body):
        return None
    if version > _VERSION:
        raise UnsupportedFormat(disk.show(path), version, _VERSION)
    try:
        rows = msgspec.msgpack.decode(body, type=list[_Row])
    except msgspec.DecodeError:
        return None
    return {
        producer_id: Producer(epoch, tuple(ProducedBatch(*batch) for batch in batches), open_from)
        for producer_id, epoch, open_from, batches in rows
    }


def write_aborted(disk: Disk, path: str, aborted: list[AbortedTransaction]) -> None:
    """Write a segment's transaction index; there is no file where nothing was aborted."""
    if aborted:
        replace_bytes(disk, path, b"".join(_ABORTED.pack(0, *transaction) for transaction in aborted))
    else:
        disk.remove(path)


def read_aborted(disk: Disk, path: str) -> list[AbortedTransaction]:
    """What was aborted in a segment.

    Raises:
        Corrupt: the file makes no sense.
    """
    data = read_bytes(disk, path)
    if len(data) % _ABORTED.size:
        raise Corrupt(disk.show(path), len(data) // _ABORTED.size * _ABORTED.size, "an entry is cut short")
    found: list[AbortedTransaction] = []
    for version, *fields in _ABORTED.iter_unpack(data):
        transaction = AbortedTransaction(*fields)
        follows = not found or found[-1].last_offset < transaction.last_offset
        if version != 0 or not 0 <= transaction.first_offset < transaction.last_offset or not follows:
            raise Corrupt(disk.show(path), len(found) * _ABORTED.size, "no entry of a transaction index")
        found.append(transaction)
    return found
