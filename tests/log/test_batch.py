"""Batches: what the compiled code writes is Kafka's format, and hostile bytes are refused."""

from __future__ import annotations

from itertools import pairwise

import plain_codec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actorstream.errors import BadInput
from actorstream.log.batch import (
    BadBatch,
    assign,
    check_batches,
    iterate_batches,
    number,
    read_batch,
    read_header,
)
from actorstream.log.control import control_batch, is_commit
from actorstream.log.records import RECORD_BYTES_MAX, decode_batch, encode_records

names = st.text(max_size=8)
texts = st.none() | st.binary(max_size=40)
rows = st.tuples(st.integers(0, 2**45), texts, texts, st.lists(st.tuples(names, texts), max_size=2))
producers = st.just((-1, -1, -1)) | st.tuples(st.integers(0, 2**40), st.integers(0, 32_767), st.integers(0, 2**31 - 1))


def encode(lines: list[plain_codec.Row], **options: object) -> bytes:
    times, keys, values, headers = (list(column) for column in zip(*lines, strict=True))
    return encode_records(times, keys, values, headers=headers, **options)  # type: ignore[arg-type]


@given(st.lists(rows, min_size=1, max_size=12), producers, st.booleans())
@settings(max_examples=60)
def test_compiled_code_writes_what_plain_python_writes(lines, producer, transactional) -> None:
    """Byte for byte, so a segment of ours is a segment of Kafka's."""
    transactional = transactional and producer[0] >= 0
    options = dict(zip(("producer_id", "producer_epoch", "base_sequence"), producer, strict=True))

    ours = encode(lines, transactional=transactional, **options)

    assert ours == plain_codec.encode(lines, producer, transactional)


@given(st.lists(rows, min_size=1, max_size=12))
@settings(max_examples=60)
def test_compiled_code_reads_what_plain_python_writes(lines) -> None:
    """And the plain reader reads what the compiled code writes."""
    batch = decode_batch(data := plain_codec.encode(lines), read_batch(data))

    assert list(zip(batch.timestamps_ms, batch.keys, batch.values, batch.headers, strict=True)) == lines
    assert plain_codec.decode(encode(lines)) == lines


def test_records_beyond_the_maximum_begin_a_new_batch() -> None:
    """The sequences go on from batch to batch, and no record is lost between them."""
    values = [bytes([at]) * 100 for at in range(50)]

    data = encode_records(
        [5] * 50, None, values, producer_id=7, producer_epoch=0, base_sequence=10, batch_bytes_max=700
    )

    headers = list(iterate_batches(data))
    assert len(headers) > 5
    assert [value for header in headers for value in decode_batch(data, header).values] == values
    assert all(b.base_sequence == a.last_sequence + 1 for a, b in pairwise(headers))


def test_one_large_record_gets_a_batch_of_its_own() -> None:
    """A record above the size of a batch still goes into the log."""
    data = encode_records([5, 5, 5], None, [b"a", b"b" * 5000, b"c"], batch_bytes_max=1000)

    assert [header.record_count for header in iterate_batches(data)] == [1, 1, 1]


def test_a_record_above_the_limit_is_refused() -> None:
    """The limit is named in the error."""
    with pytest.raises(BadInput, match=str(RECORD_BYTES_MAX)):
        encode_records([5], None, [bytes(RECORD_BYTES_MAX + 1)])


def test_gzip_comes_back() -> None:
    """A compressed batch decodes to the same records."""
    data = encode_records([5, 6], [b"k", None], [b"v" * 500, b"w" * 500], compression="gzip")

    batch = decode_batch(data, read_batch(data))

    assert len(data) < 500
    assert batch.values == [b"v" * 500, b"w" * 500]
    assert batch.keys == [b"k", None]


def test_a_gzip_bomb_is_refused() -> None:
    """A few bytes may not become gigabytes."""
    import gzip

    plain = encode_records([5], None, [b"x"], compression=None)
    bomb = bytearray(plain[:61]) + gzip.compress(bytes(65 << 20))
    bomb[22] |= 1
    bomb[8:12] = (len(bomb) - 12).to_bytes(4, "big")

    with pytest.raises(BadBatch, match="larger than"):
        decode_batch(bomb, read_header(bomb))


@given(st.binary(max_size=300))
def test_any_bytes_are_batches_or_bad(data) -> None:
    """Nothing but BadBatch comes out, whatever goes in."""
    try:
        headers = check_batches(data)
    except BadBatch:
        return
    assert headers


@given(st.data())
@settings(max_examples=150)
def test_hostile_records_are_refused(data) -> None:
    """Bytes of a batch changed at will, CRC made right again: it decodes, or it is bad; nothing else happens."""
    batch = bytearray(encode([(5, b"key", b"value", [("h", b"x")]), (6, None, None, [])]))
    for _ in range(data.draw(st.integers(1, 4))):
        batch[data.draw(st.integers(57, len(batch) - 1))] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]))

    try:
        decode_batch(batch, read_header(batch))
    except BadBatch:
        return


def test_offsets_and_epoch_lie_outside_the_crc() -> None:
    """A log gives batches their place without touching what the producer signed."""
    data = bytearray(encode_records([5] * 3, None, [b"a"] * 3) + encode_records([5] * 2, None, [b"b"] * 2))

    placed = assign(data, check_batches(data), 100, 7)

    assert [header.base_offset for header in placed] == [100, 103]
    assert list(iterate_batches(data)) == placed
    assert decode_batch(data, placed[1]).offsets == range(103, 105)


def test_numbering_signs_again() -> None:
    """A producer's identity lies inside the CRC, so setting it makes a new one."""
    data = bytearray(encode_records([5] * 3, None, [b"a"] * 3) + encode_records([5] * 2, None, [b"b"] * 2))

    sequence = number(data, check_batches(data), 9, 1, 2**31 - 2)

    headers = check_batches(data)
    assert [(h.producer_id, h.producer_epoch, h.base_sequence) for h in headers] == [(9, 1, 2**31 - 2), (9, 1, 1)]
    assert sequence == 3


@pytest.mark.parametrize("commit", [True, False])
def test_a_marker_says_what_it_decides(commit) -> None:
    """A marker is a control batch of one record, as Kafka writes it."""
    data = control_batch(7, 3, commit=commit, timestamp_ms=5)

    header = read_batch(data)
    batch = decode_batch(data, header)

    assert header.is_control
    assert header.is_transactional
    assert is_commit(data, header) is commit
    assert batch.keys == [bytes([0, 0, 0, int(commit)])]
    assert batch.values == [bytes(6)]


@pytest.mark.parametrize(
    ("position", "byte", "what"),
    [
        (16, 1, "magic"),
        (8, 0x40, "length"),
        (60, 9, "records"),
        (21, 1, "attributes"),
        (30, 1, "CRC"),
        (23, 0x80, "delta"),
    ],
)
def test_what_is_wrong_is_said(position, byte, what) -> None:
    """The error names what does not fit."""
    data = bytearray(encode_records([5], None, [b"value"]))
    data[position] ^= byte

    with pytest.raises(BadBatch, match=what):
        check_batches(data)
