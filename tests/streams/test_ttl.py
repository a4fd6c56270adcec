"""Time-to-live: state that is gone some time after it was last written."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstream import App, ListState, MapState, State, Timer, ValueState, retry, skip
from actorstream.errors import PlanError
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.build import Stages, reads_time
from actorstream.streams.engine.expiry import Expiry
from actorstream.streams.job.planning import job_spec
from actorstream.streams.job.spec import Settings
from tests.streams.makers import Event, Pieces, at, cut, event, events_of, us

Ten = Annotated[ValueState[int], State(ttl="10s", default=0)]


def counted(app: App, stream: Any, **options: Any) -> Any:
    """How many records each key had, as far as it remembers."""

    @stream.key_by("key").process(**options)
    def counting(one: Event, seen: Ten) -> int:
        seen.set((seen.get() or 0) + 1)
        return seen.get() or 0

    return counting


def test_a_value_is_gone_after_its_time_to_live() -> None:
    """Counted from the last record that wrote it, up to the record that asks; then the default is given."""
    app = App("job")

    result = counted(app, events_of(app, [event(0), event(9.999), event(19.998), event(29.998), event(30)]))

    assert app.collect(result) == [1, 2, 3, 1, 2]


def test_keys_expire_apart() -> None:
    """One key's records keep no other's state."""
    app = App("job")

    result = counted(app, events_of(app, [event(0, "a"), event(5, "b"), event(12, "b"), event(12, "a")]))

    assert app.collect(result) == [1, 1, 2, 1]


def test_reading_does_not_lengthen_a_life() -> None:
    """Only writing does."""
    app = App("job")

    @events_of(app, [event(0), event(6), event(11)]).key_by("key").process
    def looked(one: Event, seen: Ten) -> int:
        value = seen.get()
        assert value is not None
        if one.at == at(0):
            seen.set(7)
        return value

    assert app.collect(looked) == [0, 7, 0]


def test_a_list_and_a_map_live_and_go_as_a_whole() -> None:
    """An entry that was added late keeps all others."""
    app = App("job")

    events = [event(0, value=1), event(8, value=2), event(17, value=3), event(27, value=4)]

    @events_of(app, events).key_by("key").process
    def kept(
        one: Event,
        some: Annotated[ListState[int], State(ttl="10s")],
        named: Annotated[MapState[int, int], State(ttl=timedelta(seconds=10))],
    ) -> tuple[list[int], list[int]]:
        some.append(one.value)
        named[one.value] = one.value
        return list(some), sorted(named)

    assert app.collect(kept) == [([1], [1]), ([1, 2], [1, 2]), ([1, 2, 3], [1, 2, 3]), ([4], [4])]


def test_a_record_out_of_order_never_shortens_a_life() -> None:
    """The latest time that wrote counts, not the last."""
    app = App("job")

    stream = events_of(app, [event(8), event(1), event(17)], max_delay="1m")

    assert app.collect(counted(app, stream)) == [1, 2, 3]


def test_what_was_cleared_begins_anew() -> None:
    """Its earlier life counts no longer."""
    app = App("job")

    @events_of(app, [event(20), event(1), event(2), event(13)], max_delay="1m").key_by("key").process
    def cleared(one: Event, seen: Ten) -> int:
        if one.at == at(1):
            seen.clear()
        elif one.at != at(13):
            seen.set(5)
        return seen.get() or 0

    assert app.collect(cleared) == [5, 0, 5, 0]


def test_a_timer_sees_what_lives_at_its_time() -> None:
    """Not what lives when the watermark fires it."""
    app = App("job")

    @events_of(app, [event(0), event(100)]).key_by("key").process
    def waiting(one: Event, seen: Ten, soon: Timer, later: Timer) -> None:
        seen.set(1)
        soon.at(one.at + timedelta(seconds=9))
        later.at(one.at + timedelta(seconds=10))

    @waiting.on_timer("soon")
    def at_nine(time: datetime, seen: Ten) -> str:
        return f"soon {seen.get()}"

    @waiting.on_timer("later")
    def at_ten(time: datetime, seen: ValueState[int]) -> str:
        return f"later {seen.get()}"

    assert app.collect(waiting) == ["soon 1", "later 0"] * 2


def test_a_call_that_failed_lengthens_no_life() -> None:
    """Under a policy neither its content nor its time stays."""
    app = App("job")

    @events_of(app, [event(0), event(8), event(12)]).key_by("key").process(on_error=retry(times=1) | skip)
    def failing(one: Event, seen: Ten) -> int:
        before = seen.get() or 0
        seen.set(before + 1)
        if one.at == at(8):
            raise ValueError
        return before

    assert app.collect(failing) == [0, 0]


@given(
    st.lists(st.tuples(st.integers(0, 60), st.sampled_from("ab")), max_size=30),
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
)
def test_batches_do_not_decide_what_lives(records: list[tuple[int, str]], sizes: list[int]) -> None:
    """Any cut of the same records gives the same."""
    events = [event(second, key) for second, key in records]

    def outcome(pieces: list[list[Any]]) -> list[Any]:
        app = App("job")
        stream = app.stream(Pieces(pieces), event_time="at", max_delay="5s", name="events")
        return app.collect(counted(app, stream))

    assert outcome(cut(events, sizes)) == outcome([[one] for one in events])


def test_what_is_over_is_cleaned_away_when_time_goes_on() -> None:
    """Also of keys that nobody asks for again; nothing is left of them."""
    app = App("job")
    topic = app.topic("events", Event)
    counted(app, app.stream(topic, event_time="at")).to(app.topic("out", int))
    task = next(one for one in job_spec(app._program, Settings()).plan.tasks if one.head.name == "counting")
    stages = Stages(task, lambda: 0, reads_time((task,)))
    count, times = 2_500, [us(1)] * 2_500
    rows = [event(1, f"k{number}") for number in range(count)]
    stages.head.push(Batch(rows, kind=Event, times=times, own=times, marks=times, offsets=range(count)))
    held = [len(table.keys(0)) for table in stages.head.tables]

    stages.head.advance(us(11))
    pauses = 0
    while stages.resume(0):
        pauses += 1

    assert held == [count, count]
    assert pauses == 2  # A thousand keys at a time.
    assert [table.keys(0) for table in stages.head.tables] == [[], []]


def test_an_expiry_holds_each_key_once() -> None:
    """However often it is written to, cleared and written again."""
    expiry = Expiry("seen", us(10))

    for second in range(1, 100):
        expiry.written(b"k", us(second))
        if second % 3 == 0:
            expiry.cleared(b"k")
            expiry.written(b"k", us(second))

    assert len(expiry._heap) == 1
    assert expiry.next_over(us(108)) is None
    assert expiry.next_over(us(109)) == b"k"
    expiry.cleared(b"k")
    assert expiry.next_over(us(200)) is None
    assert not expiry._heap
    assert not expiry._scheduled


def test_an_expiry_is_what_it_was_after_a_rollback() -> None:
    """What a decided checkpoint holds, and no more."""
    expiry = Expiry("seen", us(10))
    expiry.written(b"old", us(1))
    expiry.table.seal(1)
    expiry.table.commit(1)
    expiry.written(b"new", us(1))

    expiry.table.rollback()
    expiry.rebuild()

    assert expiry.next_over(us(50)) == b"old"
    expiry.cleared(b"old")
    assert expiry.next_over(us(50)) is None


def test_a_stream_without_event_time_is_refused() -> None:
    """One line says where, and what to do."""
    app = App("job")
    result = counted(app, app.stream([event(0)], name="events"))

    with pytest.raises(PlanError, match=r"'seen' of 'counting' at .*test_ttl.py:\d+ has a ttl, .* event_time="):
        app.collect(result)


def test_a_state_has_one_time_to_live() -> None:
    """Two functions of an operator may not differ."""
    app = App("job")

    @events_of(app, [event(0)]).key_by("key").process
    def waiting(one: Event, seen: Ten, soon: Timer) -> None:
        seen.set(1)

    with pytest.raises(PlanError, match="another ttl here"):

        @waiting.on_timer
        def fired(time: datetime, seen: Annotated[ValueState[int], State(ttl="1s")]) -> None:
            seen.clear()


@pytest.mark.parametrize("ttl", ["0s", "-1s", "soon"])
def test_a_time_to_live_is_a_positive_duration(ttl: str) -> None:
    """Anything else is refused where it is written."""
    with pytest.raises(ValueError, match="the time-to-live of a state"):
        State(ttl=ttl)
