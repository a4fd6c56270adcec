"""Ordered maps: the one in memory and the one in RocksDB do the same."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from actorstream.host import MemoryMap, OrderedMap, RocksMap

needs_rocksdb = pytest.mark.skipif(find_spec("rocksdict") is None, reason="rocksdict is not installed")


@pytest.fixture(params=["memory", pytest.param("rocksdb", marks=needs_rocksdb)])
def ordered(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OrderedMap]:
    """An empty map of each kind."""
    made: OrderedMap = MemoryMap() if request.param == "memory" else RocksMap(str(tmp_path))
    yield made
    made.close()


def key(number: int) -> bytes:
    """Keys in the order of their numbers."""
    return number.to_bytes(4, "big")


def test_many_keys_are_read_at_once_in_the_order_of_the_question(ordered: OrderedMap) -> None:
    """None for those that are not there, or were taken away."""
    ordered.write([(key(1), b"a"), (key(2), b"b"), (key(3), b"")])
    ordered.write([(key(1), b"c"), (key(2), None)])

    assert ordered.get_all([key(3), key(2), key(1), key(9)]) == [b"", None, b"c", None]


def test_a_scan_gives_a_range_in_order(ordered: OrderedMap) -> None:
    """From the first key up to, not including, the last; whatever else is allocated meanwhile."""
    ordered.write([(key(number), b"%d" % number) for number in range(2_000, 0, -1)])

    found = []
    for entry in ordered.scan(key(100), key(1_100)):
        found.append(entry)
        gc.collect(0)

    assert found == [(key(number), b"%d" % number) for number in range(100, 1_100)]


def test_a_scan_does_not_see_what_is_written_meanwhile(ordered: OrderedMap) -> None:
    """So whoever scans may write."""
    ordered.write([(key(number), b"old") for number in range(10)])

    found = []
    for one, value in ordered.scan(key(0), key(100)):
        found.append(value)
        ordered.write([(one, b"new"), (key(50), b"new")])

    assert found == [b"old"] * 10


def test_a_range_is_deleted(ordered: OrderedMap) -> None:
    """Nothing beside it."""
    ordered.write([(key(number), b"x") for number in range(10)])

    ordered.delete_range(key(3), key(8))

    assert [one for one, _ in ordered.scan(key(0), key(10))] == [key(one) for one in (0, 1, 2, 8, 9)]


@needs_rocksdb
def test_what_is_closed_leaves_no_files(tmp_path: Path) -> None:
    """It is a cache; the next one begins empty."""
    first = RocksMap(str(tmp_path))
    first.write([(key(1), b"x")])
    second = RocksMap(str(tmp_path))

    assert second.get_all([key(1)]) == [None]
    first.close()
    second.close()
    assert list(tmp_path.iterdir()) == []
