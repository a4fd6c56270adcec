"""What operators are called: by the person, the function, the path; and what happens when two are called alike."""

from __future__ import annotations

import re

import pytest

from actorstream import App, agg, tumbling
from actorstream.errors import PlanError
from actorstream.testing import run
from tests.streams.makers import event, events_of


def double(n: int) -> int:
    """A function with a name."""
    return n * 2


def test_a_decorated_function_names_its_operator() -> None:
    """The stream is called as the function is."""
    app = App("job")

    @app.stream([1]).map
    def tripled(n: int) -> int:
        return n * 3

    assert tripled.name == "tripled"


def test_a_decorated_function_stays_callable() -> None:
    """The stream is the plain function, for a test of it."""
    app = App("job")

    @app.stream([1]).filter
    def large(n: int) -> bool:
        return n > 5

    assert (large(6), large(5)) == (True, False)


def test_a_decorator_takes_a_name() -> None:
    """`@stream.map(name=...)` is called as it says."""
    app = App("job")

    @app.stream([1]).map(name="thrice")
    def tripled(n: int) -> int:
        return n * 3

    assert (tripled.name, tripled(2)) == ("thrice", 6)


def test_a_stream_made_without_a_function_cannot_be_called() -> None:
    """It says so, by its name."""
    stream = App("job").stream([1], name="numbers")

    with pytest.raises(TypeError, match="'numbers' was not made from a function"):
        stream(1)


def test_an_operator_without_a_name_is_named_by_its_path() -> None:
    """The parent's name, the operation, the fields."""
    app = App("job")
    doubled = app.stream([1], name="numbers").map(double)

    keyed = events_of(app, [event(0)]).key_by("key")

    assert doubled.map(lambda n: n).name == "double.map"
    assert keyed.name == "events.key_by[key]"
    assert keyed.aggregate(n=agg.count()).name == "events.key_by[key].aggregate"
    assert keyed.window(tumbling("1s")).aggregate(n=agg.count()).late.name == "events.key_by[key].aggregate~2.late"


def test_a_repeated_path_is_numbered() -> None:
    """The second of a kind below one parent gets `~2`."""
    numbers = App("job").stream([1], name="numbers")

    names = [numbers.map(lambda n: n).name for _ in range(3)]

    assert names == ["numbers.map", "numbers.map~2", "numbers.map~3"]


def test_the_path_goes_through_operators_that_keep_the_key() -> None:
    """What follows a filter of a keyed stream is named after the filter: a sibling before it renames nothing."""
    app = App("job")
    keyed = events_of(app, [event(0)]).key_by("key")
    large = keyed.filter(lambda one: one.value > 1, name="large")

    running, windowed = large.aggregate(n=agg.count()), large.window(tumbling("1s")).aggregate(n=agg.count())

    assert (running.name, windowed.name) == ("large.aggregate", "large.aggregate~2")
    assert keyed.aggregate(n=agg.count()).name == "events.key_by[key].aggregate"


def test_two_operators_of_one_name_are_refused_with_both_places() -> None:
    """The error shows file and line of each."""
    app = App("job")
    numbers = app.stream([1])
    numbers.map(lambda n: n, name="same").to(app.topic("one"))
    numbers.map(lambda n: n, name="same").to(app.topic("two"))

    with pytest.raises(PlanError, match=r"two operators are named 'same', at test_names.py:\d+ and at") as raised:
        run(app)

    lines = [int(line) for line in re.findall(r"test_names.py:(\d+)", str(raised.value))]
    assert lines[1] == lines[0] + 1


def test_collect_refuses_two_operators_of_one_name() -> None:
    """Names are checked whenever a plan is built."""
    app = App("job")
    numbers = app.stream([1]).key_by(lambda n: n, name="n")
    once = numbers.reduce(lambda one, other: one, name="same")
    twice = once.key_by(lambda n: n, name="again").reduce(lambda one, other: other, name="same")

    with pytest.raises(PlanError, match="two operators are named 'same'"):
        app.collect(twice)


def test_collect_does_not_mind_names_that_it_does_not_need() -> None:
    """A notebook's cell that was run twice declares an operator twice; the newer one can be looked at."""
    app = App("job")
    numbers = app.stream([1, 2])
    for _ in range(2):
        doubled = numbers.map(double)

    assert app.collect(doubled) == [2, 4]


@pytest.mark.parametrize("operation", ["process", "reduce"])
def test_a_lambda_in_a_stateful_operator_needs_a_name(operation: str) -> None:
    """State is kept under a name, and a lambda has none."""
    keyed = App("job").stream([1]).key_by(lambda n: n)

    with pytest.raises(PlanError, match=f"{operation} at test_names.py.*pass name="):
        getattr(keyed, operation)(lambda one, other=None: one)


def test_a_lambda_over_a_window_needs_a_name() -> None:
    """As for any other operator that keeps something."""
    window = events_of(App("job"), [event(0)]).key_by("key").window(tumbling("1s"))

    with pytest.raises(PlanError, match="pass name="):
        window(lambda window: len(window))


def test_a_name_is_a_string() -> None:
    """An empty one, or something else, is refused."""
    numbers = App("job").stream([1])

    for bad in ("", 3):
        with pytest.raises(PlanError, match="is no operator name"):
            numbers.map(double, name=bad)  # type: ignore[call-overload]


def test_tables_keyed_by_functions_do_not_clash() -> None:
    """A table's key is named after what the table is made from."""
    app = App("job")
    one, two = (app.table(app.stream([n], name=f"t{n}"), key=double) for n in (1, 2))
    keyed = app.stream([2, 4], name="numbers").key_by(lambda n: n, name="n")
    first = keyed.join(one, lambda n, other: (n, other), name="first")
    pairs = app.topic("pairs")

    second = first.key_by(lambda pair: pair[0], name="m").join(two, lambda pair, other: (*pair, other), name="second")
    second.to(pairs)

    assert run(app)[pairs] == [[2, 1, None], [4, None, 2]]


def test_operators_whose_names_differ_only_in_odd_characters_stay_apart() -> None:
    """A name may hold any characters; each is an identity of its own."""
    app = App("job")
    one, two = app.stream([1], name="a b"), app.stream([2], name="a_b")

    assert sorted(app.collect(one.union(two))) == [1, 2]
