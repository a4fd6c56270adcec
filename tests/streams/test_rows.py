"""Row operators: compiled into one function over a batch, and still each by its name when something fails."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import pytest

from actorstream import App, Record, dead_letter, retry
from actorstream.errors import BadInput, OperatorError
from actorstream.streams.engine.batch import Batch, Origin
from actorstream.streams.engine.pausable import PIECE_RECORDS
from actorstream.streams.engine.rows import RowsStage, chain_source
from actorstream.streams.engine.stage import Stage
from actorstream.streams.plan.nodes import Filter, FlatMap, Map, RowChain, RowOperator, Tap
from actorstream.testing import run
from tests.streams.makers import Pieces


def steps(*kinds: type[RowOperator], function: Callable[..., Any] = str) -> tuple[RowOperator, ...]:
    """Operators of these kinds, named after them and their place."""
    return tuple(kind(name=f"{kind.kind}{place}", function=function) for place, kind in enumerate(kinds, 1))


SOURCES: dict[str, tuple[tuple[RowOperator, ...], bool, str]] = {
    "map": (
        steps(Map),
        False,
        """\
def chain(rows):
    return [
        x1
        for x0 in rows
        for x1 in [f1(x0)]
    ]""",
    ),
    "all kinds": (
        steps(Map, Filter, Tap, FlatMap),
        False,
        """\
def chain(rows):
    return (
        x4
        for x0 in rows
        for x1 in [f1(x0)]
        if f2(x1)
        if f3(x1) is None or True
        for x4 in f4(x1)
    )""",
    ),
    "with places": (
        steps(Filter, Map),
        True,
        """\
def chain(rows):
    return [
        (i, x2)
        for i, x0 in enumerate(rows)
        if f1(x0)
        for x2 in [f2(x0)]
    ]""",
    ),
}


@pytest.mark.parametrize(("chain", "places", "text"), SOURCES.values(), ids=SOURCES)
def test_a_chain_becomes_one_comprehension(chain: tuple[RowOperator, ...], places: bool, text: str) -> None:
    """Each operator has a line of its own, and nothing of ours runs for a record."""
    assert chain_source(chain, places=places) == text


class Seen(Stage):
    """Keeps the batches that it is given."""

    def __init__(self) -> None:
        super().__init__("seen")
        self.batches: list[Batch] = []

    def push(self, batch: Batch) -> None:
        self.batches.append(batch)


def through(chain: tuple[RowOperator, ...], batch: Batch, *, keeps_columns: bool = True) -> list[Batch]:
    """What a chain makes of a batch."""
    stage, seen = RowsStage(RowChain(name=chain[-1].name, steps=chain), keeps_columns=keeps_columns), Seen()
    stage.outputs.append(seen)
    stage.push(batch)
    return seen.batches


def numbered(*values: Any) -> Batch:
    """Values with times, marks and offsets of their own."""
    count = len(values)
    marks = list(range(100, 100 + count))
    return Batch(list(values), times=list(range(count)), own=marks, marks=marks, offsets=range(10, 10 + count))


def test_times_marks_and_offsets_follow_their_records() -> None:
    """Repeated for what a `flat_map` makes of one, gone with what a `filter` drops."""
    chain = (
        Filter(name="some", function=lambda n: n != 2),
        FlatMap(name="twice", function=lambda n: [n] * n),
    )

    (batch,) = through(chain, numbered(1, 2, 3))

    assert batch.rows() == [1, 3, 3, 3]
    assert (batch.times, batch.own, batch.offsets) == ([0, 2, 2, 2], [100, 102, 102, 102], [10, 12, 12, 12])
    assert batch.marks is batch.own


def test_what_nobody_reads_is_not_kept() -> None:
    """Then a chain need not know which row a value came from."""
    (batch,) = through(steps(Filter), numbered(1, 2), keeps_columns=False)

    assert (batch.rows(), batch.times, batch.marks, batch.offsets) == ([1, 2], None, None, None)


@pytest.mark.parametrize(
    "step",
    [
        Filter(name="some", function=lambda n: n > 2),
        FlatMap(name="some", function=lambda n: [n] if n > 2 else []),
    ],
    ids=["filter", "flat_map"],
)
def test_the_first_value_remembers_its_offset_though_nothing_else_is_kept(step: RowOperator) -> None:
    """So that who takes all at once can say where they began; each function is called once for each record."""
    called: list[int] = []
    chain = (Tap(name="note", function=called.append), step, Map(name="same", function=lambda n: n))

    (batch,) = through(chain, numbered(1, 2, 3, 4), keeps_columns=False)

    assert (batch.rows(), batch.offsets, batch.place(0), batch.place(1)) == (
        [3, 4],
        None,
        (None, None, 12),
        (None, None, None),
    )
    assert called == [1, 2, 3, 4]


def test_a_piece_of_a_long_batch_remembers_where_it_begins() -> None:
    """What a `flat_map` makes goes out in pieces."""
    twice = FlatMap(name="twice", function=lambda n: [n, n])
    stage, seen = RowsStage(RowChain(name="x", steps=(twice,)), keeps_columns=False), Seen()
    stage.outputs.append(seen)
    stage.push(numbered(*range(PIECE_RECORDS)))
    while stage.is_paused:
        stage.resume()

    assert [batch.place(0)[2] for batch in seen.batches] == [10, 10 + PIECE_RECORDS // 2]


def test_an_empty_result_goes_nowhere() -> None:
    """No stage after it is called."""
    assert through((Filter(name="none", function=lambda n: False),), numbered(1, 2)) == []


def fails_at(bad: Any) -> Callable[[Any], Any]:
    """A function that fails for one value."""

    def function(value: Any) -> Any:
        if value == bad:
            raise ZeroDivisionError(f"not {bad}")
        return [value]

    return function


@pytest.mark.parametrize("kind", [Map, Filter, FlatMap, Tap])
@pytest.mark.parametrize("keeps_columns", [False, True])
def test_a_failure_names_the_operator_and_the_record(kind: type[RowOperator], keeps_columns: bool) -> None:
    """Whichever of a chain it was; chained to what the function raised, whose line the traceback shows."""
    chain = (
        Map(name="first", function=lambda n: n + 1),
        kind(name="middle", function=fails_at(3)),
        Tap(name="last", function=lambda value: None),
    )
    batch = numbered(1, 2, 3)
    batch.origin = Origin("numbers", "numbers", 4)

    with pytest.raises(
        OperatorError, match=r"^operator 'middle' failed on 2, numbers-4 at offset 11: ZeroDivis"
    ) as raised:
        through(chain, batch, keeps_columns=keeps_columns)

    assert isinstance(raised.value.__cause__, ZeroDivisionError)
    assert "in function" in "".join(traceback.format_exception(raised.value))


def test_a_failing_generator_names_its_operator() -> None:
    """Though it fails while it is read."""

    def generated(n: int) -> Any:
        yield n
        raise LookupError("no more")

    with pytest.raises(OperatorError, match="operator 'generated' failed on 1: LookupError: no more"):
        through((FlatMap(name="generated", function=generated),), Batch([1, 2]))


def test_a_mistake_of_a_persons_stays_one() -> None:
    """A function may refuse its input as our own do."""

    def refuse(n: int) -> int:
        raise BadInput("that is no number")

    with pytest.raises(BadInput, match="^that is no number$"):
        through((Map(name="refuse", function=refuse),), Batch([1]))


def test_a_long_record_is_shortened() -> None:
    """A message is for reading."""
    with pytest.raises(OperatorError) as raised:
        through((Map(name="fail", function=fails_at("x" * 1000)),), Batch(["x" * 1000]))

    assert len(raised.value.record) < 210


def test_a_failure_in_a_job_says_where_the_record_came_from() -> None:
    """By topic, partition and offset."""
    app = App("job")
    numbers = app.topic("numbers", int)
    app.stream(numbers).map(lambda n: 1 // n, name="inverse").to(app.topic("out"))

    with pytest.raises(OperatorError, match="'inverse' failed on 0, numbers-0 at offset 2") as raised:
        run(app, {numbers: [1, 2, 0]})

    assert (raised.value.operator, raised.value.record) == ("inverse", "0")
    assert (raised.value.topic, raised.value.partition, raised.value.offset) == ("numbers", 0, 2)
    assert raised.value.exit_status == 1


class Refusing:
    """A plain sink that takes nothing."""

    def write(self, values: list[Any], /) -> None:
        """Fails."""
        raise OSError("full")


@pytest.mark.parametrize("tried_again", [None, retry(times=1, backoff="1ms")])
def test_a_sink_that_fails_behind_a_filter_says_where_its_values_began(tried_again: Any) -> None:
    """Though nothing but the values reaches it."""
    app = App("job")
    numbers = app.topic("numbers", int)
    app.stream(numbers).map(lambda n: n + 1).filter(lambda n: n > 2).to(Refusing(), name="out", on_error=tried_again)

    with pytest.raises(OperatorError, match=r"^operator 'out' failed on 2 values.* 3, numbers-0 at offset 2") as raised:
        run(app, {numbers: [0, 1, 2, 3]})

    assert (raised.value.topic, raised.value.partition, raised.value.offset) == ("numbers", 0, 2)


def test_a_value_that_a_sink_does_not_take_behind_a_filter_is_named_in_its_dead_letter() -> None:
    """By its own offset."""
    app = App("job")
    numbers, bad = app.topic("numbers", int), app.topic("bad")
    app.stream(numbers).filter(lambda n: n > 2).to(Refusing(), on_error=dead_letter(bad))

    assert [letter["offset"] for letter in run(app, {numbers: [0, 3, 1, 5]})[bad]] == [1, 3]


class Word(Record):
    """A value."""

    text: str


def test_row_operators_do_what_their_functions_do() -> None:
    """In any pieces: one for each, those that hold, all that it gives, nothing but a look."""
    app, seen = App("job"), []
    words = app.stream(Pieces([["a b", ""], ["c"]], kind=str))

    split = words.flat_map(str.split)
    typed = split.map(Word).filter(lambda word: word.text != "b").tap(seen.append, name="look")

    assert app.collect(split) == ["a", "b", "c"]
    assert app.collect(typed) == seen == [Word("a"), Word("c")]


def test_a_stream_that_is_read_twice_is_computed_once() -> None:
    """Its functions are called once for each record."""
    app, calls = App("job"), []
    one, two = app.topic("one"), app.topic("two")

    def noted(n: int) -> int:
        calls.append(n)
        return n

    shared = app.stream([1, 2]).map(noted)
    shared.map(lambda n: n * 2).to(one)
    shared.filter(lambda n: n > 1).to(two)

    output = run(app)

    assert (output[one], output[two], calls) == ([2, 4], [2], [1, 2])


def test_a_tap_that_nothing_reads_is_an_end() -> None:
    """It looks at everything."""
    app, seen = App("job"), []
    app.stream([1, 2]).tap(seen.append, name="look")

    run(app)

    assert seen == [1, 2]


def test_a_union_gives_all_of_its_streams() -> None:
    """Also a stream with itself; with one key type or none, it has no key."""
    app = App("job")
    one, two = app.stream([1, 2], name="one"), app.stream([3], name="two")

    assert sorted(app.collect(one.union(two, one.map(lambda n: n * 10)))) == [1, 2, 3, 10, 20]
    assert sorted(app.collect(one.union(one))) == [1, 1, 2, 2]
    assert app.collect(one.union()) == [1, 2]
    assert not hasattr(one.key_by(lambda n: n).union(two), "aggregate")


def test_a_union_of_one_type_keeps_it() -> None:
    """So that columns can follow."""
    app = App("job")
    one, two = app.stream([Word("a")], name="one"), app.stream([Word("b")], name="two")

    assert sorted(row.text for row in app.collect(one.union(two).select("text"))) == ["a", "b"]
