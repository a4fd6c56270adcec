"""Windows, as a program uses them: what is in them, when they close, what is late."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstream import App, Record, Window, agg, sliding, tumbling
from actorstream.errors import BadInput, OperatorError
from actorstream.streams.windows import WindowSpec
from actorstream.testing import run
from tests.streams.makers import Event, at, event, events_of, seconds, us


class Total(Record):
    """A result of a type of the user's."""

    key: str
    start: datetime
    n: int
    remark: str = "none"


def counted(
    window: WindowSpec, moments: Sequence[float], *, delay: str = "0s", **options: Any
) -> tuple[list[tuple[float, int]], list[float]]:
    """(start, count) of each result over events at these seconds, and the seconds of the late ones."""
    app = App("job")
    stream = events_of(app, [event(moment) for moment in moments], max_delay=delay)
    results = stream.key_by("key").window(window, **options).aggregate(n=agg.count())
    found = [(seconds(row.start), row.n) for row in app.collect(results)]
    return found, [seconds(one.at) for one in app.collect(results.late)]


# --- arithmetic ------------------------------------------------------------------------------------------------------

specs = st.tuples(st.integers(1, 60), st.integers(1, 60)).map(lambda pair: WindowSpec(max(pair), min(pair)))
instants = st.integers(-500, 500)


def holding(spec: WindowSpec, instant: int) -> list[int]:
    """The ends of all windows that hold an instant, by trying every start."""
    starts = range(instant - spec.size_us + 1, instant + 1)
    return [start + spec.size_us for start in starts if start % spec.every_us == 0]


@given(spec=specs, instant=instants)
def test_the_windows_of_an_instants_pane_are_those_that_hold_the_instant(spec: WindowSpec, instant: int) -> None:
    """Aligned to 1970, half-open, before it as after it."""
    pane = spec.pane_of(instant)

    assert pane <= instant < pane + spec.pane_us
    assert list(spec.ends(pane)) == holding(spec, instant)
    assert (spec.first_end(pane), spec.last_end(pane)) == (holding(spec, instant)[0], holding(spec, instant)[-1])


@given(spec=specs, instant=instants)
def test_a_window_is_made_of_its_panes(spec: WindowSpec, instant: int) -> None:
    """Each once, and all of them within it."""
    for end in spec.ends(spec.pane_of(instant)):
        panes = list(spec.panes(end))
        covered = [pane + offset for pane in panes for offset in range(spec.pane_us)]

        assert covered == list(range(end - spec.size_us, end))
        assert all(end in spec.ends(pane) for pane in panes)


@given(spec=specs, instant=instants, limit=instants)
def test_a_number_says_from_which_window_on_a_record_counts(spec: WindowSpec, instant: int, limit: int) -> None:
    """Those that end after the limit; None if there are none."""
    pane = spec.pane_of(instant)
    after = [end for end in holding(spec, instant) if end > limit]

    number = spec.first_after(pane, limit)

    assert number == (spec.number_of(pane, after[0]) if after else None)
    assert [end for end in spec.ends(pane) if number is not None and spec.number_of(pane, end) >= number] == after


def test_windows_are_shown_as_they_are_written() -> None:
    """In plans and errors."""
    assert [str(tumbling("10s")), str(sliding("6h", every=timedelta(hours=1)))] == [
        "tumbling(10s)",
        "sliding(6h, every=1h)",
    ]


# --- what is in them -------------------------------------------------------------------------------------------------


def test_windows_are_half_open() -> None:
    """A record at the end belongs to the next."""
    assert counted(tumbling("10s"), [0, 9.999999, 10]) == ([(0, 2), (10, 1)], [])


def test_sliding_windows_overlap() -> None:
    """A record counts in each window that holds it."""
    assert counted(sliding("10s", every="5s"), [7])[0] == [(0, 1), (5, 1)]


def test_times_before_1970_have_windows_too() -> None:
    """Aligned in the same way."""
    old = datetime(1969, 12, 31, 23, 59, 55, tzinfo=UTC)
    app = App("job")
    stream = app.stream([Event("a", 1, old)], event_time="at")

    (row,) = app.collect(stream.key_by("key").window(sliding("20s", every="10s")).aggregate(n=agg.count()))[:1]

    assert (row.start, row.end, row.n) == (old - timedelta(seconds=15), old + timedelta(seconds=5), 1)


def test_each_key_has_its_own_windows() -> None:
    """They close in order of their end, then of their key."""
    app = App("job")
    stream = events_of(app, [event(1, "b"), event(2, "a"), event(11, "b"), event(3, "a")], max_delay="10s")

    rows = app.collect(stream.key_by("key").window(tumbling("10s")).aggregate(n=agg.count()))

    assert [(row.key, seconds(row.start), row.n) for row in rows] == [("a", 0, 2), ("b", 0, 1), ("b", 10, 1)]


def test_a_windows_function_is_given_the_window() -> None:
    """Key, start, end; its records in order of event time; its length."""
    app = App("job")
    events = [event(5, value=1), event(3, value=2), event(5, value=3), event(4, value=4)]

    @events_of(app, events, max_delay="9s").key_by("key").window(tumbling("10s"))
    def shown(window: Window[str, Event]) -> list[Any]:
        return [window.key, window.start, window.end, len(window), [one.value for one in window]]

    assert app.collect(shown) == [["a", at(0), at(10), 4, [2, 4, 1, 3]]]


def test_records_of_one_time_are_in_order_of_partition_and_offset() -> None:
    """Whoever was read first."""
    app = App("job")
    source, out = app.topic("in", Event, partitions=3), app.topic("out")

    @app.stream(source, event_time="at").key_by("key").window(tumbling("10s"))
    def values(window: Window[str, Event]) -> list[int]:
        return [one.value for one in window]

    values.to(out)

    assert run(app, {source: [event(1, value=n) for n in range(9)]})[out] == [[0, 3, 6, 1, 4, 7, 2, 5, 8]]


def test_a_windows_function_gives_nothing_a_value_or_is_a_generator() -> None:
    """As any other operator's."""
    app = App("job")
    windows = events_of(app, [event(0), event(10), event(11)]).key_by("key").window(tumbling("10s"))

    @windows
    def maybe(window: Window[str, Event]) -> int | None:
        return len(window) if len(window) > 1 else None

    @windows
    def each(window: Window[str, Event]) -> Iterator[float]:
        for one in window:
            yield seconds(one.at)

    assert app.collect(maybe) == [2]
    assert app.collect(each) == [0, 10, 11]
    assert maybe(Window.of("a", us(0), us(10), [event(0), event(1)])) == 2


def test_an_aggregates_record_has_the_key_the_bounds_and_the_aggregates() -> None:
    """In this order; times are aware."""
    app = App("job")
    windows = events_of(app, [event(0, value=3)]).key_by("key", "value").window(tumbling("10s"))

    (row,) = app.collect(windows.aggregate(n=agg.count(), most=agg.max("value")))

    assert row.__struct_fields__ == ("key", "value", "start", "end", "n", "most")
    assert (row.key, row.value, row.start, row.end, row.n, row.most) == ("a", 3, at(0), at(10), 1, 3)


def test_a_key_of_a_function_is_named_after_it() -> None:
    """Or as it says; a lambda's without a name is `key`."""
    app = App("job")
    events = events_of(app, [event(0)])

    def letter(one: Event) -> str:
        return one.key

    for keyed, name in (
        (events.key_by(letter), "letter"),
        (events.key_by(letter, name="first"), "first"),
        (events.key_by(lambda one: one.key), "key"),
    ):
        (row,) = app.collect(keyed.window(tumbling("1s")).aggregate(n=agg.count()))
        assert row.__struct_fields__[0] == name


def test_a_type_of_the_users_is_filled_by_field_name() -> None:
    """Fields with defaults may be left; so may the key and the bounds."""
    app = App("job")
    windows = events_of(app, [event(0)]).key_by("key").window(tumbling("10s"))

    rows = app.collect(windows.aggregate(Total, n=agg.count()))

    assert rows == [Total("a", at(0), 1)]


def test_a_result_has_the_time_just_before_its_windows_end() -> None:
    """So the next window counts it with what it came from."""
    app = App("job")
    counts = events_of(app, [event(0), event(59)]).key_by("key").window(tumbling("10s")).aggregate(n=agg.count())
    minutes = counts.key_by("key").window(tumbling("60s")).aggregate(n=agg.sum("n"), windows=agg.count())

    assert [(seconds(row.start), row.n, row.windows) for row in app.collect(minutes)] == [(0, 2, 2)]


# --- when they close -------------------------------------------------------------------------------------------------


def test_a_window_is_due_when_its_end_is_at_the_watermark() -> None:
    """Not before: a window that has not closed when the input stops is closed by its end."""
    app = App("job")
    source, counts = app.topic("in", Event), app.topic("out")
    windows = app.stream(source, event_time="at", max_delay="2s").key_by("key").window(tumbling("10s"), emit="close")
    late = windows.aggregate(n=agg.count()).late
    late.to(counts)

    output = run(app, {source: [event(5), event(11.999999), event(6), event(12), event(7)]})

    assert [seconds(one.at) for one in typed(output[counts])] == [7]


def typed(values: Sequence[Any]) -> list[Event]:
    """Events, from a topic without a type."""
    return [Event(one["key"], one["value"], datetime.fromisoformat(one["at"])) for one in values]


# --- late records ----------------------------------------------------------------------------------------------------


def test_a_late_record_goes_to_late_and_nowhere_else() -> None:
    """Its window is final."""
    assert counted(tumbling("10s"), [5, 10, 7]) == ([(0, 1), (10, 1)], [7])


def test_a_record_late_for_some_of_its_windows_counts_in_the_others() -> None:
    """And is not late."""
    assert counted(sliding("10s", every="5s"), [11, 6, 1]) == ([(5, 2), (10, 1)], [1])


def test_late_is_there_on_the_windows_and_on_the_result() -> None:
    """The same records, with the times they had."""
    app = App("job")
    windows = events_of(app, [event(5), event(10), event(7)]).key_by("key").window(tumbling("10s"))
    result = windows.aggregate(n=agg.count())

    assert app.collect(windows.late) == app.collect(result.late) == [event(7)]


def test_late_records_can_be_counted_by_a_stream_that_waits_longer() -> None:
    """They keep their time; a window after them treats them as late, too, but running results do not."""
    app = App("job")
    late = (
        events_of(app, [event(50), event(7), event(8)])
        .key_by("key")
        .window(tumbling("10s"))
        .aggregate(n=agg.count())
        .late
    )

    assert [row.n for row in app.collect(late.key_by("key").aggregate(n=agg.count()))] == [1, 2]
    assert app.collect(late.key_by("key").window(tumbling("10s")).aggregate(n=agg.count())) == []


def test_a_late_record_within_the_allowed_lateness_corrects_its_window() -> None:
    """One more result for each; after that it goes to `.late`."""
    results, late = counted(tumbling("10s"), [5, 12, 7, 8, 15, 9], allowed_lateness="5s")

    assert results == [(0, 1), (0, 2), (0, 3), (10, 2)]
    assert late == [9]


def test_a_late_record_may_give_its_windows_first_result() -> None:
    """When nothing was in it before."""
    assert counted(tumbling("10s"), [12, 7], allowed_lateness="5s") == ([(0, 1), (10, 1)], [])


def test_a_correction_corrects_every_window_that_it_changes() -> None:
    """In order of their ends; those that are open are not emitted."""
    results, late = counted(sliding("10s", every="5s"), [11, 4, 6], allowed_lateness="5s")

    assert results == [(0, 1), (0, 2), (5, 2), (10, 1)]
    assert late == []


def test_an_allowed_lateness_ends_when_the_watermark_reaches_it() -> None:
    """A window that ends at 10 with 5 more is final at 15."""
    assert counted(tumbling("10s"), [5, 14.999999, 6], allowed_lateness="5s")[1] == []
    assert counted(tumbling("10s"), [5, 15, 6], allowed_lateness="5s")[1] == [6]


def test_a_corrected_result_may_be_late_for_the_next_window() -> None:
    """Unless that one waits, too."""
    app = App("job")
    moments = [event(5), event(25), event(6)]
    small = (
        events_of(app, moments).key_by("key").window(tumbling("10s"), allowed_lateness="60s").aggregate(n=agg.count())
    )

    strict = small.key_by("key").window(tumbling("20s")).aggregate(last=agg.max("n"))
    patient = small.key_by("key").window(tumbling("20s"), allowed_lateness="60s").aggregate(last=agg.max("n"))

    assert [(seconds(row.start), row.last) for row in app.collect(strict)] == [(0, 1), (20, 1)]
    assert [row.n for row in app.collect(strict.late)] == [2]
    assert [(seconds(row.start), row.last) for row in app.collect(patient)] == [(0, 1), (0, 2), (20, 1)]


def test_every_change_can_be_emitted() -> None:
    """As it happens; the last is the result, and closing emits nothing more."""
    assert counted(tumbling("10s"), [1, 2, 11, 12], emit="change")[0] == [(0, 1), (0, 2), (10, 1), (10, 2)]
    assert counted(sliding("10s", every="5s"), [6, 7], emit="change")[0] == [(0, 1), (5, 1), (0, 2), (5, 2)]


def test_changes_and_allowed_lateness_go_together() -> None:
    """A correction is one more change."""
    results, late = counted(tumbling("10s"), [5, 12, 7, 30, 8], emit="change", allowed_lateness="5s")

    assert results == [(0, 1), (10, 1), (0, 2), (30, 1)]
    assert late == [8]


# --- failures --------------------------------------------------------------------------------------------------------


def test_a_failing_windows_function_names_the_window() -> None:
    """There is no one record."""
    app = App("job")

    @events_of(app, [event(0)]).key_by("key").window(tumbling("10s"))
    def broken(window: Window[str, Event]) -> None:
        raise LookupError("nothing there")

    with pytest.raises(
        OperatorError, match=r"'broken' failed on Window\(key='a', start=2024-01-01 00:00:00.*1 values\)"
    ):
        app.collect(broken)


def test_a_persons_mistake_in_a_windows_function_stays_one() -> None:
    """With the exit status of a mistake."""
    app = App("job")

    @events_of(app, [event(0)]).key_by("key").window(tumbling("10s"))
    def broken(window: Window[str, Event]) -> None:
        raise BadInput("a wrong file")

    with pytest.raises(BadInput, match="a wrong file"):
        app.collect(broken)


def test_a_key_that_cannot_be_restored_says_what_to_annotate() -> None:
    """A Record as a key needs its type; the first record tells, long before a window closes."""
    app = App("job")

    @app.source(event_time="at")
    def events() -> Iterator[Event]:
        yield event(0)
        raise AssertionError("the first record was enough")

    keyed = events.key_by(lambda one: Total(one.key, one.at, 1), name="total")

    with pytest.raises(BadInput, match="annotate what the function given to key_by returns"):
        app.collect(keyed.window(tumbling("10s")).aggregate(n=agg.count()))
