"""What producers had done up to an offset, in files: `<offset>.snapshot`, and `.txnindex` beside each segment.

Guarantees: a snapshot is durable, and was made when everything before its offset was durable, indexes included; so
recovery begins at the newest one. It knows the CRC of each transaction index that it builds on: if one of them is
missing or damaged, or the snapshot itself is, an older snapshot serves, or the log is read again.

Formats. Snapshot: `ASPS`, version uint16 = 1, CRC-32C uint32 of the rest, then msgpack: [producers, indexes]. Producers
are an array of [producer id, epoch, open from or nil, [[first sequence, last sequence, first offset, last offset],
...]], the longest silent first; indexes are a map from a segment's base offset to the CRC-32C of its transaction index.
Transaction index (Kafka's): entries of version int16 = 0, then producer id, first offset, last offset and last stable
offset, each int64, in order of the last offset; no file where nothing was aborted. All big-endian.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

import msgspec
from crc32c import crc32c

from actorstream.errors import UnsupportedFormat
from actorstream.host import Disk
from actorstream.host.disk import read_bytes, replace_bytes
from actorstream.log.producers import AbortedTransaction, ProducedBatch, Producer
from actorstream.log.undecodable import UNDECODABLE

SUFFIX = ".snapshot"

_MAGIC = b"ASPS"
_VERSION = 1
_PREFIX = Struct(">4sHI")
_ABORTED = Struct(">hqqqq")

_Rows = list[tuple[int, int, int | None, list[tuple[int, int, int, int]]]]


class Snapshot(NamedTuple):
    """What producers had done, and the CRCs of the transaction indexes by their segments' base offsets."""

    producers: dict[int, Producer]
    index_crcs: dict[int, int]


def snapshot_offsets(names: list[str]) -> list[int]:
    """The offsets of the snapshots among a directory's names, rising."""
    stems = [name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX)]
    return sorted(int(stem) for stem in stems if len(stem) == 20 and stem.isdigit())


def snapshot_path(directory: str, offset: int) -> str:
    """Where the snapshot of an offset lies."""
    return f"{directory}/{offset:020d}{SUFFIX}"


def write_snapshot(disk: Disk, directory: str, offset: int, snapshot: Snapshot) -> None:
    """Write what producers had done before `offset`; durable when this returns."""
    rows = [(who, known.epoch, known.open_from, known.batches) for who, known in snapshot.producers.items()]
    body = msgspec.msgpack.encode((rows, snapshot.index_crcs))
    replace_bytes(disk, snapshot_path(directory, offset), _PREFIX.pack(_MAGIC, _VERSION, crc32c(body)) + body)


def read_snapshot(disk: Disk, directory: str, offset: int) -> Snapshot | None:
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
        rows, index_crcs = msgspec.msgpack.decode(body, type=tuple[_Rows, dict[int, int]])
    except UNDECODABLE:
        return None
    producers = {
        producer_id: Producer(epoch, tuple(ProducedBatch(*batch) for batch in batches), open_from)
        for producer_id, epoch, open_from, batches in rows
    }
    return Snapshot(producers, index_crcs)


def index_path(directory: str, base_offset: int) -> str:
    """Where the transaction index of a segment lies."""
    return f"{directory}/{base_offset:020d}.txnindex"


def write_index(disk: Disk, directory: str, base_offset: int, aborted: list[AbortedTransaction]) -> int:
    """Write a segment's transaction index, durably; its CRC."""
    data = b"".join(_ABORTED.pack(0, *transaction) for transaction in aborted)
    if data:
        replace_bytes(disk, index_path(directory, base_offset), data)
    else:
        disk.remove(index_path(directory, base_offset))
    return int(crc32c(data))


def read_index(disk: Disk, directory: str, base_offset: int, crc: int) -> list[AbortedTransaction] | None:
    """What was aborted in a segment; None if the file is not the one that has this CRC."""
    path = index_path(directory, base_offset)
    data = read_bytes(disk, path) if disk.exists(path) else b""
    if crc32c(data) != crc or len(data) % _ABORTED.size:
        return None
    return [AbortedTransaction(*fields) for _, *fields in _ABORTED.iter_unpack(data)]
