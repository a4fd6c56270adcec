"""The changes of a state between two checkpoints, as the changelog holds them.

One record holds the changes of one state in one checkpoint: its key names the state, its value is MessagePack,
`[format, [[group, namespace, key, value or nil], ...]]`, sorted by key group, so that a reader that owns some of the
groups can stop early.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from actorstream.errors import BadInput, UnsupportedFormat
from actorstream.log.client import UNDECODABLE

FORMAT = 1


class Change(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One entry set to `value`, or taken away (None)."""

    group: int
    namespace: int
    key: bytes
    value: bytes | None


class _Record(msgspec.Struct, frozen=True, array_like=True):
    format: int
    changes: list[Change]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Record).decode


def encode_changes(changes: Iterable[Change]) -> bytes:
    """The value of a changelog record."""
    return _encode(_Record(FORMAT, sorted(changes, key=lambda change: change.group)))


def decode_changes(data: bytes, where: str) -> list[Change]:
    """The changes in a changelog record.

    Raises:
        UnsupportedFormat: written by a newer version.
        BadInput: not a changelog record.
    """
    try:
        record = _decode(data)
    except UNDECODABLE as error:
        raise BadInput(f"{where}: not a record of a changelog: {error}") from error
    if record.format > FORMAT:
        raise UnsupportedFormat(where, record.format, FORMAT)
    return record.changes
