"""Record batches in plain Python: slow, and plain enough to be right. The twin of the compiled code."""

from __future__ import annotations

import struct

from crc32c import crc32c

Headers = list[tuple[str, bytes | None]]
Row = tuple[int, bytes | None, bytes | None, Headers]
"""Timestamp in milliseconds, key, value, headers."""


def varint(number: int) -> bytes:
    """Zigzag, seven bits a byte, the lowest first."""
    rest = (number << 1) ^ (number >> 63)
    out = bytearray()
    while rest >= 0x80:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def _text(data: bytes | None) -> bytes:
    return varint(-1) if data is None else varint(len(data)) + data


def _record(delta: int, first_ms: int, row: Row) -> bytes:
    when, key, value, headers = row
    body = b"\0" + varint(when - first_ms) + varint(delta) + _text(key) + _text(value) + varint(len(headers))
    body += b"".join(_text(name.encode()) + _text(content) for name, content in headers)
    return varint(len(body)) + body


def encode(rows: list[Row], producer: tuple[int, int, int] = (-1, -1, -1), transactional: bool = False) -> bytes:
    """One batch; offsets count from 0."""
    first_ms, last_ms = rows[0][0], max(row[0] for row in rows)
    fields = (16 if transactional else 0, len(rows) - 1, first_ms, last_ms, *producer, len(rows))
    signed = struct.pack(">hiqqqhii", *fields)
    signed += b"".join(_record(delta, first_ms, row) for delta, row in enumerate(rows))
    return struct.pack(">qiibI", 0, len(signed) + 9, -1, 2, crc32c(signed)) + signed


class _Reader:
    def __init__(self, data: bytes, position: int) -> None:
        self.data, self.position = data, position

    def number(self) -> int:
        shift = rest = 0
        while True:
            byte = self.data[self.position]
            self.position += 1
            rest |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return (rest >> 1) ^ -(rest & 1)

    def text(self) -> bytes | None:
        length = self.number()
        if length < 0:
            return None
        self.position += length
        return self.data[self.position - length : self.position]


def decode(batch: bytes) -> list[Row]:
    """The rows of one uncompressed batch."""
    first_ms, count = struct.unpack_from(">q", batch, 27)[0], struct.unpack_from(">i", batch, 57)[0]
    reader = _Reader(batch, 61)
    rows: list[Row] = []
    for _ in range(count):
        reader.number()
        reader.position += 1
        when = first_ms + reader.number()
        reader.number()
        key, value = reader.text(), reader.text()
        headers = [((reader.text() or b"").decode(), reader.text()) for _ in range(reader.number())]
        rows.append((when, key, value, headers))
    return rows
