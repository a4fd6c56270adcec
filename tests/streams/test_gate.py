"""`Gate`: order, turns, alignment and merged time, where a task's channels meet."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from actorstream.actors.flow import Amount
from actorstream.actors.flow.amount import WINDOW_BYTES, WINDOW_RECORDS
from actorstream.model.instant import END_OF_TIME, START_OF_TIME
from actorstream.streams.engine.batch import Batch
from actorstream.streams.job.elements import Barrier, Element, End, Loaded, Mark
from actorstream.streams.job.gate import Gate


def put(gate: Gate, channel: str, *elements: Element) -> None:
    """Put elements into a channel."""
    for element in elements:
        gate.put(channel, *gate.next_place(channel), element)


def drain(gate: Gate) -> list[tuple[str, Any]]:
    """Everything that may be taken, batches as their rows."""
    taken = []
    while (one := gate.take(0)) is not None:
        channel, element = one
        taken.append((channel, element.rows()[0] if isinstance(element, Batch) else element))
    return taken


def batch(value: Any) -> Batch:
    """A batch of one value."""
    return Batch([value])


def test_channels_take_turns() -> None:
    """Each in its own order."""
    gate = Gate(["a", "b"], [])
    put(gate, "a", batch("a1"), batch("a2"))
    put(gate, "b", batch("b1"), batch("b2"))

    assert [value for _, value in drain(gate)] == ["a1", "b1", "a2", "b2"]


def test_a_channel_of_large_batches_gets_fewer_turns() -> None:
    """Bytes are shared, not batches."""
    gate = Gate(["large", "small"], [])
    for number in range(40):
        gate.put("large", 0, number, batch("l"), Amount(1, 9 * 1_024))
        gate.put("small", 0, number, batch("s"), Amount(1, 1_024))

    first = [channel for channel, _ in drain(gate)[:24]]

    assert 3 <= first.count("large") <= 5


def test_the_sender_gets_credit_when_its_batch_is_taken() -> None:
    """Not when it arrives."""
    gate = Gate(["a"], [])
    gate.put("a", 0, 0, batch("x"), Amount(7, 700))
    assert (gate.queued(), gate.grant("a")) == (1, None)

    gate.take(0)

    assert gate.queued() == 0
    assert gate.grant("a") == (1, Amount(7 + WINDOW_RECORDS, 700 + WINDOW_BYTES))


def test_a_blocked_channel_gets_no_turn_and_saves_none_up() -> None:
    """Once the barrier is through, both are served alike."""
    gate = Gate(["a", "b"], [])
    put(gate, "a", Barrier(1), *[batch("a")] * 10)
    put(gate, "b", *[batch("b")] * 30, Barrier(1), *[batch("b")] * 10)

    found = [value for _, value in drain(gate)]

    assert found[:31] == ["b"] * 30 + [Barrier(1)]
    assert abs(found[31:41].count("a") - found[31:41].count("b")) <= 2


# --- alignment -------------------------------------------------------------------------------------------------------


def test_a_barrier_waits_for_all_channels() -> None:
    """A channel that has delivered it gets no turn until every channel has."""
    gate = Gate(["a", "b"], [])
    put(gate, "a", Barrier(1), batch("after"))
    put(gate, "b", batch("before"))

    assert drain(gate) == [("b", "before")]

    put(gate, "b", Barrier(1))

    assert drain(gate) == [("b", Barrier(1)), ("a", "after")]


def test_tables_align_too() -> None:
    """A table's changes belong to a checkpoint as a stream's records do."""
    gate = Gate(["s"], ["t"])
    put(gate, "s", Barrier(1), batch("after"))
    put(gate, "t", batch("row"))

    assert drain(gate) == [("t", "row")]

    put(gate, "t", Barrier(1))

    assert drain(gate) == [("t", Barrier(1)), ("s", "after")]


def test_an_ended_channel_still_delivers_barriers() -> None:
    """Nothing else comes from it."""
    gate = Gate(["a", "b"], [])
    put(gate, "a", End(), Barrier(1))
    put(gate, "b", Barrier(1))

    assert [element for _, element in drain(gate)] == [Barrier(1)]


elements = st.lists(
    st.sampled_from(["batch", "barrier"]) | st.integers(0, 50).map(lambda second: ("mark", second)), max_size=12
)


@given(data=st.data(), count=st.integers(1, 3))
def test_a_barrier_cuts_every_channel_at_the_same_place(data: st.DataObject, count: int) -> None:
    """It comes out once, after all that came before it on any channel, and before all that came after it."""
    channels = [f"c{number}" for number in range(count)]
    scripts = {channel: data.draw(elements, label=channel) for channel in channels}
    barriers = min(script.count("barrier") for script in scripts.values())
    gate = Gate(channels, [])
    expected: dict[str, list[int]] = {channel: [] for channel in channels}  # how many barriers lie before each batch
    to_put = []
    for channel, script in scripts.items():
        before = 0
        for step in script:
            if step == "barrier":
                before += 1
                to_put.append((channel, Barrier(before)))
            elif step == "batch":
                if before <= barriers:
                    expected[channel].append(before)
                to_put.append((channel, batch(before)))
            else:
                to_put.append((channel, Mark(step[1])))
    found: dict[str, list[int]] = {channel: [] for channel in channels}
    out: list[int] = []

    def look() -> None:
        for channel, element in drain(gate):
            if isinstance(element, Barrier):
                out.append(element.checkpoint)
            elif isinstance(element, int):
                assert element == len(out)
                found[channel].append(element)

    queues = {channel: [element for where, element in to_put if where == channel] for channel in channels}
    while any(queues.values()):
        channel = data.draw(st.sampled_from([one for one in channels if queues[one]]))
        put(gate, channel, queues[channel].pop(0))
        if data.draw(st.booleans()):
            look()
    look()

    assert out == list(range(1, barriers + 1))
    assert found == expected


# --- time ------------------------------------------------------------------------------------------------------------


def test_the_merged_watermark_is_the_least() -> None:
    """A mark is handed out only if it moved that."""
    gate = Gate(["a", "b"], [])
    put(gate, "a", Mark(10))
    assert drain(gate) == []

    put(gate, "b", Mark(5), Mark(20))

    assert drain(gate) == [("b", Mark(5)), ("b", Mark(20))]
    assert gate.watermark == 10


def test_an_idle_channel_holds_nothing_back() -> None:
    """The others alone count, until it goes on."""
    gate = Gate(["a", "b"], [])
    put(gate, "a", Mark(10))
    put(gate, "b", Mark(5), Mark(5, idle=True))
    drain(gate)
    assert gate.watermark == 10

    put(gate, "a", Mark(30))
    drain(gate)
    put(gate, "b", Mark(7))
    drain(gate)

    assert (gate.watermark, gate.watermarks()["b"]) == (30, 7)  # It never goes back; what b raised idle is forgotten.


def test_when_all_are_idle_the_greatest_counts() -> None:
    """Time goes on with whoever is furthest."""
    gate = Gate(["a", "b"], [])
    put(gate, "a", Mark(10), Mark(12, idle=True))
    put(gate, "b", Mark(5), Mark(6, idle=True))

    drain(gate)

    assert gate.watermark == 12


def test_tables_have_no_part_in_time() -> None:
    """Neither their marks nor their end."""
    gate = Gate(["s"], ["t"])
    put(gate, "t", Mark(1), Loaded(), End())
    put(gate, "s", Mark(10))

    assert [element for _, element in drain(gate)] == [Mark(10), Loaded()]
    assert (gate.watermark, gate.watermarks(), gate.all_ended()) == (10, {"s": 10}, False)


def test_time_ends_when_all_streams_have() -> None:
    """The last end is handed out, also if it is a table's."""
    gate = Gate(["a", "b"], ["t"])
    put(gate, "a", End())
    assert drain(gate) == []

    put(gate, "b", End())
    assert drain(gate) == [("b", End())]
    assert (gate.watermark, gate.all_ended()) == (END_OF_TIME, False)

    put(gate, "t", End())
    assert drain(gate) == [("t", End())]
    assert gate.all_ended()


def test_the_floor_is_what_the_other_channels_have_reached() -> None:
    """No mark of a batch counts beyond it; idle channels and tables have none."""
    gate = Gate(["a", "b", "c"], ["t"])
    put(gate, "b", Mark(20))
    put(gate, "c", Mark(5))
    drain(gate)
    put(gate, "a", batch("x"))
    gate.take(0)
    assert gate.floor() == 5

    put(gate, "c", Mark(5, idle=True))
    drain(gate)
    put(gate, "a", batch("y"))
    gate.take(0)

    assert gate.floor() == 20


def test_alone_there_is_no_floor() -> None:
    """Nobody is behind."""
    gate = Gate(["a"], [])
    put(gate, "a", batch("x"))
    gate.take(0)

    assert gate.floor() == END_OF_TIME


marks = st.tuples(st.sampled_from("abc"), st.integers(0, 50), st.booleans())


@given(every=st.lists(marks))
def test_the_merged_watermark_never_goes_back(every: list[tuple[str, int, bool]]) -> None:
    """And is never beyond the least of the channels that are not idle, unless it was there already."""
    gate = Gate("abc", [])
    latest: dict[str, tuple[int, bool]] = dict.fromkeys("abc", (START_OF_TIME, False))

    for channel, second, idle in every:
        before = gate.watermark
        put(gate, channel, Mark(second, idle))
        drain(gate)
        old, was_idle = latest[channel]
        latest[channel] = (second if idle or was_idle else max(second, old)), idle
        active = [one for one, is_idle in latest.values() if not is_idle]
        merged = min(active) if active else max(one for one, _ in latest.values())
        assert gate.watermark == max(before, merged)


# --- epochs ----------------------------------------------------------------------------------------------------------


def test_a_reset_forgets_all_but_the_watermarks_given() -> None:
    """What the channels held belongs to an ended epoch."""
    gate = Gate(["a", "b"], ["t"])
    put(gate, "a", Mark(50), Barrier(1), batch("x"))
    put(gate, "b", End())
    put(gate, "t", Loaded())
    drain(gate)

    gate.reset(1, {"a": 10, "b": 7})

    assert (gate.queued(), gate.watermark, gate.all_ended(), gate.watermarks()) == (0, 7, False, {"a": 10, "b": 7})


def test_time_that_passed_an_idle_channel_does_not_go_back_in_a_new_epoch() -> None:
    """Or windows that have fired would fire again."""
    gate = Gate(["a", "b"], [])
    put(gate, "a", Mark(50))
    put(gate, "b", Mark(7, idle=True))
    drain(gate)
    watermarks, merged = gate.watermarks(), gate.watermark

    gate.reset(1, watermarks, merged)

    assert gate.watermark == 50


def test_loaded_is_said_when_all_tables_are() -> None:
    """Each brings its own."""
    gate = Gate(["s"], ["t", "u"])
    put(gate, "t", batch("row"), Loaded())
    assert drain(gate) == [("t", "row")]

    put(gate, "u", Loaded())

    assert drain(gate) == [("u", Loaded())]
