"""`process`: what its function may ask for, what it may give, and when its timers fire."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Annotated, Any

import pytest

from actorstream import App, Key, ListState, MapState, Record, State, Timer, ValueState
from actorstream.errors import OperatorError
from actorstream.testing import run
from tests.streams.makers import Event, at, event, events_of


def keyed(app: App, events: Sequence[Event], **options: Any) -> Any:
    """A stream of events by their time and key."""
    return events_of(app, events, **options).key_by("key")


# --- state -----------------------------------------------------------------------------------------------------------


def test_each_key_has_its_own_value() -> None:
    """A ValueState stands for the key of the record at hand; unset, it gives None."""
    app = App("job")

    @keyed(app, [event(0, "a"), event(1, "b"), event(2, "a")]).process
    def counted(one: Event, seen: ValueState[int]) -> str:
        before = seen.get()
        seen.set((before or 0) + 1)
        return f"{one.key}{before}"

    assert app.collect(counted) == ["aNone", "bNone", "a1"]


def test_a_default_is_given_by_an_option() -> None:
    """And again after the value was cleared."""
    app = App("job")

    @keyed(app, [event(0), event(1), event(2)]).process
    def counted(one: Event, seen: Annotated[ValueState[int], State(default=10)]) -> int | None:
        count = seen.get()
        assert count is not None
        if count == 11:
            seen.clear()
        else:
            seen.set(count + 1)
        return count

    assert app.collect(counted) == [10, 11, 10]


def test_a_default_that_is_changed_in_place_is_nobody_elses() -> None:
    """Each key has a list of its own, and keeps it when it is set."""
    app = App("job")

    @keyed(app, [event(0, "a"), event(1, "b"), event(2, "a")]).process
    def gathered(one: Event, seen: Annotated[ValueState[list[str]], State(default=[])]) -> int:
        so_far = seen.get()
        assert so_far is not None
        so_far.append(one.key)
        if one.key == "a":
            seen.set(so_far)
        return len(seen.get() or [])

    assert app.collect(gathered) == [1, 0, 2]


def test_a_default_by_hand_is_copied_as_well() -> None:
    """What is changed in place and not set is not kept."""
    seen: ValueState[list[int]] = ValueState(default=[])

    (seen.get() or []).append(1)
    got = seen.get()
    assert got is not None
    got.append(2)

    assert seen.get() == []


def test_a_list_keeps_what_was_appended() -> None:
    """It iterates, has a length, extends and clears."""
    app = App("job")

    @keyed(app, [event(0, value=1), event(1, value=2), event(2, value=3), event(3, value=4)]).process
    def gathered(one: Event, recent: ListState[int]) -> list[int]:
        recent.append(one.value)
        if one.value == 3:
            recent.clear()
            recent.extend(range(2))
        return [*recent, len(recent)]

    assert app.collect(gathered) == [[1, 1], [1, 2, 2], [0, 1, 2], [0, 1, 4, 3]]


def test_a_map_is_a_mutable_mapping() -> None:
    """It does what a dict does."""
    app = App("job")

    @keyed(app, [event(0, value=1), event(1, value=2), event(2, value=1)]).process
    def tallied(one: Event, tally: MapState[int, int]) -> dict[int, int]:
        tally[one.value] = tally.get(one.value, 0) + 1
        if len(tally) > 1 and tally[1] > 1:
            del tally[2]
        return dict(tally)

    assert app.collect(tallied) == [{1: 1}, {1: 1, 2: 1}, {1: 2}]


@pytest.mark.parametrize("fields", [("key",), ("key", "value")])
def test_the_key_is_injected(fields: tuple[str, ...]) -> None:
    """Bare for one field, a tuple for several; under any parameter's name."""
    app = App("job")

    @events_of(app, [event(0, "a", 7)]).key_by(*fields).process
    def shown(one: Event, whose: Key[Any]) -> list[Any]:
        return [whose]

    assert app.collect(shown) == [["a"] if len(fields) == 1 else [("a", 7)]]


def test_annotations_of_local_types_resolve() -> None:
    """Also as the texts that `from __future__ import annotations` makes of them, inside a function."""

    class Basket(Record):
        items: int

    app = App("job")

    @keyed(app, [event(0), event(1)]).process
    def filled(one: Event, basket: ValueState[Basket]) -> Basket:
        basket.set(Basket((basket.get() or Basket(0)).items + 1))
        now = basket.get()
        assert now is not None
        return now

    assert app.collect(filled) == [Basket(1), Basket(2)]


def test_an_object_with_a_call_method_is_a_function() -> None:
    """Its annotations count."""

    class Counting:
        """Counts with a step."""

        def __init__(self, step: int) -> None:
            self.step = step

        def __call__(self, one: Event, seen: ValueState[int]) -> int:
            seen.set((seen.get() or 0) + self.step)
            return seen.get() or 0

    app = App("job")

    assert app.collect(keyed(app, [event(0), event(1)]).process(Counting(5), name="by-five")) == [5, 10]


def test_an_operator_is_tested_as_the_function_it_is() -> None:
    """With states and a timer made by hand."""
    app = App("job")

    @keyed(app, [event(0)]).process
    def remember(one: Event, key: Key[str], recent: ListState[int], total: ValueState[int], timer: Timer) -> str:
        recent.append(one.value)
        total.set((total.get() or 0) + one.value)
        timer.at(one.at + timedelta(seconds=5))
        timer.after("1m")
        return f"{key}: {total.get()}"

    recent, total, timer = ListState([1]), ValueState(10), Timer()

    assert remember(event(0, value=3), "a", recent, total, timer) == "a: 13"
    assert (list(recent), timer.times, timer.waits) == ([1, 3], [at(5)], [timedelta(minutes=1)])


# --- what a function gives -------------------------------------------------------------------------------------------


def test_a_function_gives_nothing_a_value_or_is_a_generator() -> None:
    """None is nothing; a list is one value."""
    app = App("job")

    @keyed(app, [event(0, value=0), event(1, value=1), event(2, value=2)]).process
    def given(one: Event) -> Any:
        return None if one.value == 0 else [one.value] * 2

    @keyed(app, [event(0, value=0), event(1, value=1), event(2, value=2)], name="again").process
    def generated(one: Event) -> Iterator[int]:
        yield from range(one.value)

    assert app.collect(given) == [[1, 1], [2, 2]]
    assert app.collect(generated) == [0, 0, 1]


def test_a_failure_names_operator_and_record() -> None:
    """And is chained to what the function raised."""
    app = App("job")
    topic = app.topic("in", Event)

    @app.stream(topic, event_time="at").key_by("key").process
    def inverse(one: Event, seen: ValueState[int]) -> float:
        return 1 / one.value

    inverse.to(app.topic("out"))

    with pytest.raises(
        OperatorError, match=r"operator 'inverse' failed on Event\(.*value=0.*in-0 at offset 1: Zero"
    ) as raised:
        run(app, {topic: [event(0), event(1, value=0)]})

    assert isinstance(raised.value.__cause__, ZeroDivisionError)
    assert (raised.value.operator, raised.value.topic, raised.value.partition, raised.value.offset) == (
        "inverse",
        "in",
        0,
        1,
    )
