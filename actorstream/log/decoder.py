"""From the answer to a fetch to values: what is aborted or a marker is left out, what does not fit is named.

Values are decoded in bulk, as one JSON array a batch; only when that fails they are looked at one by one, to name the
one that is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from actorstream.errors import BadInput
from actorstream.log.batch import BatchHeader, iterate_batches
from actorstream.log.control import is_commit
from actorstream.log.messages import Fetched
from actorstream.log.records import DecodedBatch, Headers, decode_batch
from actorstream.log.undecodable import UNDECODABLE
from actorstream.model.utc import as_utc

_SHOWN_MAX = 120  # bytes of a bad value in a message


class Decoded(NamedTuple):
    """Records of one batch, as columns of equal length."""

    values: list[Any]
    offsets: Sequence[int]
    timestamps_ms: list[int]
    keys: list[bytes | None]
    headers: list[Headers] | None


class Undecodable(NamedTuple):
    """A value that is not what its topic, or its source, holds; `raw`: its bytes, or what could be read of it."""

    raw: object
    error: BadInput


class TopicDecoder:
    """Decodes the values of one topic to `kind`.

    Args:
        with_headers: whether to give the records' headers, too.
        keep_bad: whether a value that cannot be decoded is given as an `Undecodable`, in its place.
    """

    def __init__(self, kind: Any = Any, *, with_headers: bool = False, keep_bad: bool = False) -> None:
        self._keep_bad = keep_bad
        self.kind = Any if kind is None else kind
        self._with_headers = with_headers
        self._decode_one = msgspec.json.Decoder(self.kind).decode
        self._decode_all = msgspec.json.Decoder(list[self.kind]).decode  # type: ignore[name-defined]

    def decode(self, answer: Fetched, start_offset: int, end_offset: int) -> list[Decoded]:
        """The committed records in [start_offset, end_offset) of a fetch's answer, batch by batch.

        Raises:
            BadInput: a value does not parse, or does not fit the type; names topic, partition and offset.
            BadBatch: the bytes are not record batches.
        """
        found = []
        for header in visible_batches(answer):
            if header.next_offset <= start_offset or header.base_offset >= end_offset:
                continue
            batch = decode_batch(answer.batches, header)
            found.append(self._cut(answer, batch, start_offset, end_offset))
        return [one for one in found if one.values]

    def _cut(self, answer: Fetched, batch: DecodedBatch, start_offset: int, end_offset: int) -> Decoded:
        """The part of a batch that was asked for, decoded."""
        offsets = batch.offsets
        first = sum(offset < start_offset for offset in offsets) if offsets[0] < start_offset else 0
        last = len(offsets) if offsets[-1] < end_offset else sum(offset < end_offset for offset in offsets)
        part = slice(first, last)
        headers = batch.headers[part] if self._with_headers else None
        values = self._values(answer, batch.values[part], offsets[part])
        return Decoded(values, offsets[part], batch.timestamps_ms[part], batch.keys[part], headers)

    def _values(self, answer: Fetched, raw: list[bytes | None], offsets: Sequence[int]) -> list[Any]:
        try:
            return self._good_values(answer, raw, offsets)
        except BadInput:
            if not self._keep_bad:
                raise
            return [self._value_or_bad(answer, one, offset) for one, offset in zip(raw, offsets, strict=True)]

    def _value_or_bad(self, answer: Fetched, raw: bytes | None, offset: int) -> Any:
        try:
            return self._good_values(answer, [raw], [offset])[0]
        except BadInput as error:
            return Undecodable(raw or b"", error)

    def _good_values(self, answer: Fetched, raw: list[bytes | None], offsets: Sequence[int]) -> list[Any]:
        try:
            if None in raw:
                values = [None if one is None else self._decode_one(one) for one in raw]
                return values if self.kind is Any else [one and as_utc([one], self.kind)[0] for one in values]
            values = self._decode_all(b"[" + b",".join(raw) + b"]")  # type: ignore[arg-type]
        except UNDECODABLE:
            self._name_the_bad_one(answer, raw, offsets)
            raise
        if len(values) != len(raw):
            self._name_the_bad_one(answer, raw, offsets)
        return as_utc(values, self.kind)

    def _name_the_bad_one(self, answer: Fetched, raw: list[bytes | None], offsets: Sequence[int]) -> None:
        for one, offset in zip(raw, offsets, strict=True):
            if one is None:
                continue
            try:
                self._decode_one(one)
            except UNDECODABLE as error:
                shown = one[:_SHOWN_MAX].decode(errors="replace")
                raise BadInput(
                    f"{answer.topic}-{answer.partition} at offset {offset}: the value {shown} does not fit "
                    f"{getattr(self.kind, '__name__', self.kind)}: {error}"
                ) from error


def visible_batches(answer: Fetched) -> list[BatchHeader]:
    """The batches of a fetch's answer that a reader of committed records may see, without markers.

    Source: KIP-98, "Discarding aborted transactional messages".
    """
    pending = sorted(answer.aborted, key=lambda one: one[1])
    aborted: set[int] = set()
    visible = []
    for header in iterate_batches(answer.batches, check_crc=False):
        while pending and pending[0][1] <= header.last_offset:
            aborted.add(pending.pop(0)[0])
        if header.is_control:
            if is_commit(answer.batches, header) is False:
                aborted.discard(header.producer_id)
        elif not (header.is_transactional and header.producer_id in aborted):
            visible.append(header)
    return visible


class RawDecoder:
    """Gives records as they are: bytes."""

    def decode(self, answer: Fetched) -> list[tuple[int, bytes | None, bytes | None]]:
        """(offset, key, value) of each record that a reader of committed records may see."""
        found: list[tuple[int, bytes | None, bytes | None]] = []
        for header in visible_batches(answer):
            batch = decode_batch(answer.batches, header)
            found.extend(zip(batch.offsets, batch.keys, batch.values, strict=True))
        return found
