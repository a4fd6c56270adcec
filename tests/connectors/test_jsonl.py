"""JSON lines as a source."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstream.connectors import files
from actorstream.connectors.files import json_lines
from actorstream.connectors.files.format import BadLine
from actorstream.errors import BadInput, PlanError
from actorstream.model.record import Record
from actorstream.streams.connector import Source


class Bid(Record):
    """A bid, with a default."""

    auction: int
    price: float = 0.0


class Flight(Record):
    """Something with a time."""

    at: datetime


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
ends = st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\n  \n"])


@given(lines=st.lists(st.tuples(json_values, ends), max_size=30), has_end=st.booleans(), limit=st.integers(1, 9))
def test_any_cut_and_any_restart_gives_the_same_values(read_all_session, lines, has_end: bool, limit: int):
    """However the file is cut into chunks, and wherever reading goes on after a crash."""
    values = [value for value, _ in lines]
    data = b"".join(msgspec.json.encode(value) + end for value, end in lines)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "values.jsonl")
        path.write_bytes(data if has_end else data.rstrip())

        got = read_all_session(files.jsonl(path), limit=limit)

        assert got.values == values
        assert got.errors == []
        for count, position in got.positions:
            assert read_all_session(files.jsonl(path), position).values == values[count:]


def test_it_is_a_bounded_replayable_source(tmp_path):
    """As the protocol has it."""
    source = files.jsonl(tmp_path / "bids.jsonl", Bid)

    assert isinstance(source, Source)
    assert (source.type, source.bounded, source.replayable, source.columnar) == (Bid, True, True, True)
    assert str(source) == f"files.jsonl('{tmp_path}/bids.jsonl')"


def test_fields_match_by_name(tmp_path, read_all):
    """Further ones are ignored, missing ones take defaults."""
    path = tmp_path / "bids.jsonl"
    path.write_text('{"auction": 1, "extra": [1, 2]}\n{"price": 2, "auction": 2}\n')

    assert read_all(files.jsonl(path, Bid)).values == [Bid(1), Bid(2, 2.0)]


def test_without_a_type_a_line_is_what_json_says(tmp_path, read_all):
    """Dicts, lists, numbers."""
    path = tmp_path / "any.jsonl"
    path.write_text('{"a": [1, null]}\n7\n')

    assert read_all(files.jsonl(path)).values == [{"a": [1, None]}, 7]


def test_naive_times_are_read_as_utc(tmp_path, read_all):
    """And those of other zones become UTC."""
    path = tmp_path / "flights.jsonl"
    path.write_text('{"at": "2013-01-01T12:00:00"}\n{"at": "2013-01-01T14:00:00+02:00"}\n')

    noon = datetime(2013, 1, 1, 12, tzinfo=UTC)
    values = read_all(files.jsonl(path, Flight)).values
    assert values == [Flight(noon), Flight(noon)]
    assert [value.at.tzinfo for value in values] == [UTC, UTC]


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path, read_all):
    """Some programs write one."""
    path = tmp_path / "bids.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"auction": 1}\n')

    assert read_all(files.jsonl(path, Bid)).values == [Bid(1)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"auction": "x"}', 'Expected `int`, got `str` - at `$.auction`: {"auction": "x"}'),
        (b"{}", "Object missing required field `auction`: {}"),
        (b'{"auction": 1', 'Input data was truncated: {"auction": 1'),
        (b'{"auction": 1}, {"auction": 2}', "JSON is malformed"),
        (b'{"auction": 1, "x\xff": 2, "auction": "\xff"}', "Expected `int`, got `str`"),
        (b"\xff\xfe{\x00", "JSON is malformed"),
    ],
)
def test_a_bad_line_is_named_and_can_be_read_past(tmp_path, read_all, line: bytes, reason: str):
    """By file, line, byte and content; the lines around it come out in order."""
    path = tmp_path / "bids.jsonl"
    path.write_bytes(b'{"auction":1}\n\n' + line + b'\n{"auction":3}\n' + line)

    got = read_all(files.jsonl(path, Bid))

    first, last = got.errors
    assert got.values == [Bid(1), Bid(3)]
    assert str(first).startswith(f"{path}, line 3 (byte 15): {reason}")
    assert f", line 5 (byte {30 + len(line)}): " in str(last)
    assert "\n" not in str(first)
    assert isinstance(first, BadLine)
    assert read_all(files.jsonl(path, Bid), first.position).values == [Bid(3)]


def test_a_long_bad_line_is_shortened(tmp_path, read_all):
    """Its beginning is enough to find it."""
    path = tmp_path / "bids.jsonl"
    path.write_text('{"auction": "' + "x" * 1000 + '"}\n')

    (error,) = read_all(files.jsonl(path, Bid)).errors

    assert len(str(error)) < 400
    assert "xxx..." in str(error)


def test_two_values_in_a_line_are_two_values(tmp_path, read_all):
    """However the file is cut, and also beside a bad line."""
    path = tmp_path / "bids.jsonl"
    path.write_text('{"auction": 1}{"auction": 2}\n{"auction": 3} {"auction": 4}\nbad\n')

    for limit in (1, 100):
        assert read_all(files.jsonl(path, Bid), limit=limit).values == [Bid(1), Bid(2), Bid(3), Bid(4)]


def test_a_line_beyond_the_bound_is_refused_and_can_be_read_past(tmp_path, read_all, monkeypatch):
    """So that no file can fill the memory."""
    monkeypatch.setattr(json_lines, "LINE_BYTES_MAX", 2048)
    monkeypatch.setattr(json_lines, "BLOCK_BYTES_MAX", 512)
    path = tmp_path / "any.jsonl"
    path.write_text(f'1\n"{"x" * 5000}"\n3\n')

    got = read_all(files.jsonl(path))

    assert got.values == [1, 3]
    assert "line 2 (byte 2): the line is longer than 2048 bytes" in str(got.errors[0])


def test_a_line_longer_than_a_block_is_read(tmp_path, read_all, monkeypatch):
    """The block grows."""
    monkeypatch.setattr(json_lines, "BLOCK_BYTES_MAX", 512)
    path = tmp_path / "any.jsonl"
    path.write_text(f'1\n"{"x" * 5000}"\n3\n')

    assert read_all(files.jsonl(path)).values == [1, "x" * 5000, 3]


def test_a_file_that_became_shorter_is_refused(tmp_path, read_all):
    """On opening it again."""
    path = tmp_path / "any.jsonl"
    path.write_text("1\n2\n3\n")
    ((_, position),) = read_all(files.jsonl(path)).positions
    path.write_text("1\n")

    with pytest.raises(BadInput, match="has 2 bytes, but the job has read 6 bytes of it"):
        files.jsonl(path).open(position)


def test_a_type_that_json_cannot_hold_is_refused():
    """When the source is written down, not when it runs."""

    class Odd(Record):
        number: complex
        either: dict[str, int] | Bid

    with pytest.raises(PlanError, match="JSON lines cannot hold"):
        files.jsonl("x.jsonl", Odd)


@pytest.mark.parametrize("position", [7, "x", {"file": 1}, {"file": "a", "offset": "x"}, {"file": "a", "offset": -1}])
def test_a_position_that_is_none_is_refused(tmp_path, position: Any):
    """Checkpoints come from a disk."""
    (tmp_path / "a").write_text("1\n")

    if isinstance(position, str):
        return  # A text is the handle of a part: the object is a sink then.
    with pytest.raises(BadInput, match="is no position in files"):
        files.jsonl(tmp_path / "a").open(position)
