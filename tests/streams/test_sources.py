"""Sources made of Python: sequences and generator functions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstream.errors import BadInput, OperatorError, PlanError
from actorstream.host import VirtualClock
from actorstream.model.record import Record
from actorstream.streams.connector import Source
from actorstream.streams.sources import GeneratorSource, SequenceSource


class Tick(Record):
    """A number and a time."""

    n: int
    at: datetime = datetime(2013, 1, 1, tzinfo=UTC)


def everything(source, position=None, limit=3):
    """All values from a position, with the position after each chunk."""
    reader = source.open(position)
    values, positions = [], []
    while (chunk := reader.read(limit)) is not None:
        assert chunk.first_offset == (0 if position is None else position_count(position)) + len(values)
        values.extend(chunk.values)
        positions.append((len(values), chunk.position))
    reader.close()
    return values, positions


def position_count(position):
    """How many values lie before a position."""
    return position if isinstance(position, int) else position["count"]


def counted(offset: int | None) -> Iterator[tuple[int, int]]:
    """Ten numbers, each its own offset."""
    for n in range(0 if offset is None else offset + 1, 10):
        yield n, n


async def counted_slowly(offset: int | None) -> AsyncIterator[tuple[int, int]]:
    """The same, each after giving way."""
    for pair in counted(offset):
        await asyncio.sleep(0)
        yield pair


@given(values=st.lists(st.integers()), limit=st.integers(1, 7))
def test_a_sequence_gives_the_rest_from_any_position(values: list[int], limit: int):
    """What is read from each position is what lay after it."""
    read, positions = everything(SequenceSource(values), limit=limit)

    assert read == values
    for count, position in positions:
        assert everything(SequenceSource(values), position, limit)[0] == values[count:]


def test_a_sequence_has_the_type_of_its_values():
    """Or Any, when they differ or there are none."""
    assert SequenceSource([Tick(1), Tick(2)]).type is Tick
    assert SequenceSource(range(3)).type is int
    assert SequenceSource([1, "x"]).type.__class__.__name__ == "_AnyMeta"
    assert SequenceSource([]).type.__class__.__name__ == "_AnyMeta"


def test_a_list_that_changes_later_changes_nothing():
    """The source keeps the values that it was given."""
    values = [1, 2]
    source = SequenceSource(values)

    values.append(3)

    assert everything(source)[0] == [1, 2]


def test_naive_times_of_a_sequence_are_read_as_utc():
    """As in every source."""
    (tick,) = SequenceSource([Tick(1, datetime(2013, 1, 1))]).open(None).read(1).values

    assert tick.at == datetime(2013, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("wrong", ["text", b"bytes", {1: 2}, 7, {1, 2}])
def test_what_is_no_sequence_is_refused(wrong):
    """With a line that shows it."""
    with pytest.raises(PlanError, match="a stream is made from a list"):
        SequenceSource(wrong)


def test_a_position_behind_the_end_is_refused():
    """The sequence has become shorter since."""
    with pytest.raises(BadInput, match="has read 5 values of a sequence that now has 2"):
        SequenceSource([1, 2]).open(5)


@pytest.mark.parametrize("function", [counted, counted_slowly])
def test_a_generator_with_an_offset_goes_on_after_it(function):
    """Called with None at first, with the last offset later."""
    source = GeneratorSource(function, clock=VirtualClock())

    read, positions = everything(source)

    assert isinstance(source, Source)
    assert source.replayable
    assert source.type is int
    assert read == list(range(10))
    for count, position in positions:
        assert everything(source, position)[0] == list(range(count, 10))


def test_a_generator_without_an_offset_is_not_replayable():
    """Its type comes from its annotation."""

    def ticks() -> Iterator[Tick]:
        yield Tick(1, datetime(2013, 1, 1))

    source = GeneratorSource(ticks)

    assert not source.replayable
    assert source.type is Tick
    assert everything(source)[0] == [Tick(1)]


def test_a_generator_that_yields_no_pair_is_told_so():
    """One line with what it yielded."""

    def wrong(offset):
        yield 5

    with pytest.raises(BadInput, match=r"wrong\(\) takes an offset, so it yields \(value, offset\); it yielded 5"):
        GeneratorSource(wrong).open(None).read(1)


def test_a_plain_function_is_no_source():
    """It would have nothing to yield."""
    with pytest.raises(PlanError, match="is not a generator function"):
        GeneratorSource(lambda: [1])


def failing() -> Iterator[int]:
    """Two values, then an error."""
    yield 1
    yield 2
    raise LookupError("gone")


async def failing_slowly() -> AsyncIterator[int]:
    """The same, async."""
    for value in failing():
        yield value


@pytest.mark.parametrize("function", [failing, failing_slowly])
def test_the_values_before_an_error_come_before_it(function):
    """The error comes out of the read after them, and of each further one."""
    reader = GeneratorSource(function, clock=VirtualClock()).open(None)

    assert reader.read(10).values == [1, 2]
    for _ in range(2):
        with pytest.raises(OperatorError, match=r"failed on value 3: LookupError: gone"):
            reader.read(10)
    reader.close()


def test_an_async_generator_that_waits_gives_nothing_for_now():
    """A read with nothing to give returns, and `close` cancels what the generator waits for."""
    ended = []

    async def waiting() -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    reader = GeneratorSource(waiting).open(None)
    assert reader.read(1).values == [1]

    assert reader.read(1).values == []
    reader.close()

    assert ended == [True]


def test_an_async_generator_is_read_inside_a_running_loop():
    """As in a notebook, or in the runtime."""

    async def inside() -> list[int]:
        return everything(GeneratorSource(counted_slowly, clock=VirtualClock()))[0]

    assert asyncio.run(inside()) == list(range(10))


def test_closing_a_generator_runs_its_finally():
    """So that it lets go of its files."""
    ended = []

    def ticks() -> Iterator[int]:
        try:
            yield 1
            yield 2
        finally:
            ended.append(True)

    reader = GeneratorSource(ticks).open(None)
    reader.read(1)
    reader.close()

    assert ended == [True]
