"""Reads a source to its end, noting each position, as the processor does."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from actorstream.errors import BadInput


class Read(NamedTuple):
    """What came out: values, the position after each chunk with the count until there, and the errors in between."""

    values: list[Any]
    positions: list[tuple[int, Any]]
    errors: list[BadInput]


def read_to_end(source: Any, position: Any = None, limit: int = 100) -> Read:
    """Read until the end, or until nothing is there yet; errors are noted and read past."""
    reader = source.open(position)
    got = Read([], [], [])
    before = 0 if position is None else position["count"]
    while True:
        try:
            chunk = reader.read(limit)
        except BadInput as error:
            got.errors.append(error)
            continue
        if chunk is None or not len(chunk.values):
            reader.close()
            return got
        assert chunk.first_offset == before + len(got.values)
        assert len(chunk.values) <= 2 * limit + 2 or limit < 10
        got.values.extend(chunk.values)
        got.positions.append((len(got.values), chunk.position))


@pytest.fixture
def read_all():
    """`read_to_end`."""
    return read_to_end


@pytest.fixture(scope="session")
def read_all_session():
    """`read_to_end`, for property tests, which need a fixture that does not change."""
    return read_to_end
