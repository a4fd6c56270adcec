"""What a program must not say, and how it is told: at the line, with what was given and what would do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import polars as pl
import pytest

from actorstream import (
    App,
    ListState,
    Record,
    State,
    Timer,
    ValueState,
    agg,
    pattern,
    retry,
    rows,
    session,
    sliding,
    tumbling,
)
from actorstream.errors import Mistake, PlanError, TopicMismatch
from actorstream.testing import run
from tests.streams.makers import Event, at, event, events_of


class Total(Record):
    """An aggregate's result, as a type of the user's."""

    key: str
    total: int


def source(app: App | None = None) -> Any:
    """A stream of one event."""
    return events_of(app or App("job"), [event(0)])


def keyed(app: App | None = None, key: str = "key") -> Any:
    """The same, by key."""
    return source(app).key_by(key)


def windowed() -> Any:
    """The same, in windows."""
    return keyed().window(tumbling("10s"))


def table(app: App, key: str = "key") -> Any:
    """The same, as a table."""
    return app.table(source(app), key=key)


def joined(right: Callable[..., Any], *, key: str = "key", **options: Any) -> Any:
    """By key, joined with another in one app."""
    app = App("job")
    return keyed(app).join(right(app, key), **options)


def windows_joined(key: str) -> Any:
    """In windows, joined with others by this key, in one app."""
    app = App("job")
    return keyed(app).window(tumbling("1s")).join(keyed(app, key).window(tumbling("1s")))


async def waits(value: Any) -> Any:
    """A function that would have to be awaited."""
    return value


async def yields(value: Any) -> AsyncIterator[Any]:
    """Another one."""
    yield value


MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "an unknown event-time field": (
        lambda: App("job").stream([event(0)], event_time="time"),
        r"event_time: Event has no field 'time' \(at test_plan_errors.py:\d+\); it has key, value, at",
    ),
    "an event time that is neither field nor function": (
        lambda: App("job").stream([event(0)], event_time=3),  # type: ignore[call-overload]
        r"event_time is 3; give a field's name or a function",
    ),
    "collecting what is no stream": (
        lambda: App("job").collect(3),  # type: ignore[arg-type]
        r"collect at test_plan_errors.py:\d+ was given 3; give it a stream",
    ),
    "a window without a key": (
        lambda: source().window(tumbling("10s")),
        r"window at test_plan_errors.py:\d+ needs a key, and Stream\('events'\) has none; say .key_by\(",
    ),
    "windows that are not finished": (
        lambda: windowed().map(str),
        r"map at test_plan_errors.py:\d+ needs values, and windows have none before they are finished; say .aggregate",
    ),
    "an unknown key field": (lambda: source().key_by("kay"), r"key_by: Event has no field 'kay'"),
    "a key made of a function and a field": (
        lambda: source().key_by(str, "key"),
        r"key_by at test_plan_errors.py:\d+ was given .*; give it one function, or field names",
    ),
    "a key that is no function": (lambda: source().key_by(7), r"key_by at .* was given 7; give it a function"),
    "an unknown aggregate field": (
        lambda: windowed().aggregate(n=agg.sum("amount")),
        r"agg.sum: Event has no field 'amount'",
    ),
    "an unknown field of a running aggregate": (
        lambda: keyed().aggregate(n=agg.max("amount")),
        r"agg.max: Event has no field 'amount'",
    ),
    "an aggregate that is none": (lambda: windowed().aggregate(n=3), r"n=3 is no aggregate; use agg.count\(\)"),
    "no aggregate at all": (lambda: windowed().aggregate(), r"computes nothing; give it aggregates"),
    "an aggregate over neither field nor function": (lambda: agg.sum(3), r"agg.sum\(3\)"),  # type: ignore[arg-type]
    "an aggregate called as the key": (
        lambda: windowed().aggregate(key=agg.count()),
        r"'key' names two things, the key and an aggregate; rename",
    ),
    "an aggregate called as a bound": (
        lambda: windowed().aggregate(start=agg.count()),
        r"'start' names two things, a bound of the window and an aggregate; rename",
    ),
    "an aggregate that its type has no field for": (
        lambda: keyed().aggregate(Total, total=agg.sum("value"), n=agg.count()),
        r"aggregate at .*: Total has no field 'n' for n=count\(\); it has key, total",
    ),
    "a field of another type than its aggregate": (
        lambda: keyed().aggregate(Total, total=agg.mean("value")),
        r"the field 'total' of Total is int, and what fills it is float \| None; give it that type",
    ),
    "a field of another type than the key": (
        lambda: keyed(key="value").aggregate(Total, total=agg.count(), key=agg.max("at")),
        r"the field 'key' of Total is str, and what fills it is datetime",
    ),
    "a result type with a field that nothing fills": (
        lambda: keyed().aggregate(Total, n=agg.count()),
        r"nothing fills the field 'total' of Total; there is key, n",
    ),
    "a result type that is no Record": (lambda: keyed().aggregate(dict, n=agg.count()), r"a Record type"),
    "a key whose name is no field's": (
        lambda: source().key_by(lambda one: one.key, name="by user").aggregate(n=agg.count()),
        r"'by user' cannot name a field of its result",
    ),
    "an async filter": (lambda: source().filter(waits), r"filter at .*: waits is async; only map awaits"),
    "an async flat_map": (lambda: source().flat_map(yields), r"yields is async"),
    "a map without a function": (lambda: source().map(3), r"map at .* was given 3; give it a function"),
    "a join of streams without an interval": (lambda: joined(keyed), r"pass within=\"10s\""),
    "an unknown way to join": (
        lambda: joined(table, how="outer"),
        r"how is 'outer'; here it is one of \"left\", \"inner\"",
    ),
    "keys of two types that are never the same": (
        lambda: joined(keyed, key="value", within="1s"),
        r"the keys that .events.key_by\[key\]. gives are str, those of .* int, so none is the same; give both sides",
    ),
    "keys of two types in a table": (lambda: joined(table, key="at"), r"are str, those of .* datetime"),
    "keys of two types in windows": (lambda: windows_joined("value"), r"are str, those of .* int"),
    "a join across apps": (lambda: keyed().join(keyed(), within="1s"), r"join at .* mixes streams of two apps"),
    "a join of windows across apps": (lambda: windowed().join(windowed()), r"join at .* mixes streams of two apps"),
    "a table of another app": (lambda: App("job").table(source(), key="key"), r"table at .* mixes streams of two apps"),
    "a window that is none": (lambda: keyed().window("10s"), r"give it tumbling\(\"10s\"\)"),
    "matches that are not finished": (
        lambda: keyed().match(pattern(bool).within("1s")).to(App("job").topic("t")),
        r"to at .* needs values, and matches have none before they are finished; say .apply\(",
    ),
    "an unknown emit": (lambda: keyed().window(tumbling("1s"), emit="always"), r"emit is 'always'; it is \"close\""),
    "windows of no records": (lambda: rows(0), r"rows\(0\): give the number of records"),
    "windows of half a record": (lambda: rows(0.5), r"rows\(0.5\): give the number of records"),  # type: ignore[arg-type]
    "a step beyond the window": (lambda: sliding("1s", every="2s"), r"step is longer than the window"),
    ".late before the window is finished": (lambda: windowed().late, r"finish the window first"),
    "a sink that is none": (lambda: source().to(print), r"to\(\) at .* give it a topic \(app.topic\) or a sink"),
    "a source that is none": (lambda: App("job").stream(3), r"stream at .* was given 3"),  # type: ignore[call-overload]
    "a text as a source": (lambda: App("job").stream("abc"), r"stream at .* was given 'abc'"),
    "a start that is neither": (
        lambda: App("job").stream([1], start="middle"),
        r"start is 'middle'; it is \"earliest\" or \"latest\"",
    ),
    "an unannotated parameter": (
        lambda: keyed().process(lambda one, state: None, name="p"),
        r"parameter 'state' of the function at test_plan_errors.py:\d+ has no annotation",
    ),
    "a union across apps": (lambda: source().union(source()), r"mixes streams of two apps"),
    "columns of untyped values": (
        lambda: App("job").stream([1, "a"]).where(pl.col("n") > 1),
        r"have no known Record type; give the topic a type, annotate .* or give the map_batches before it into=",
    ),
    "an unknown column": (lambda: source().select("nothing"), r"select at .*: Event has no field 'nothing'"),
    "a condition that is none": (lambda: source().where("value"), r"where at .*value.* is Int64, and neither true nor"),
    "a condition that Polars refuses": (
        lambda: source().where(pl.col("value") + pl.col("key") > 1),
        r"where at .*arith",
    ),
    "an expression that mixes rows": (lambda: source().select(pl.col("value").sum()), r"mixes rows"),
    "an expression that looks at its neighbours": (
        lambda: source().with_columns(before=pl.col("value").shift()),
        r"mixes rows, and which rows share a batch means nothing",
    ),
    "a result type that columns do not fill": (
        lambda: source().select("key", into=Total),
        r"select at .*: nothing fills the field 'total' of Total; there is key",
    ),
    "a result type of columns that is no Record": (lambda: source().select("key", into=dict), r"a Record type"),
    "an expression that Polars refuses": (
        lambda: source().select(n=pl.col("value") + pl.col("key")),
        r"select at test_plan_errors.py:\d+: arithmetic on dtypes",
    ),
    "a select of nothing": (lambda: source().select(), r"give it field names or Polars expressions"),
    "a select of something else": (lambda: source().select(3), r"was given 3; give it field names"),
    "a bad topic name": (lambda: App("job").topic("a b"), r"'a b' is no topic name"),
    "a bad app name": (lambda: App("a/b"), r"'a/b' is no app name"),
    "a topic without partitions": (lambda: App("job").topic("t", partitions=0), r"partitions is 0"),
    "partitions that are no number": (lambda: App("job").topic("t", partitions="4"), r"partitions is '4'; give"),  # type: ignore[arg-type]
    "a retry that is none": (lambda: retry(times=0), r"retry at .*: times is 0; give the calls after the first"),
    "a topic's key that is no field": (
        lambda: App("job").topic("t", Event, key="kay"),
        r"the key of topic 't': Event has no field 'kay'",
    ),
    "a program without an end": (lambda: run(App("job")), r"app 'job' has nothing to run"),
}


@pytest.mark.parametrize(("mistake", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_refused_where_it_is_written(mistake: Callable[[], Any], words: str) -> None:
    """A `Mistake` (a ValueError, exit status 2) names what was given and what would do."""
    with pytest.raises(PlanError, match=words) as raised:
        mistake()

    assert isinstance(raised.value, ValueError)
    assert (isinstance(raised.value, Mistake), raised.value.exit_status) == (True, 2)


DURATIONS: dict[str, Callable[[Any], Any]] = {
    "tumbling": tumbling,
    "session gap": lambda text: session(text),
    "sliding size": lambda text: sliding(text, every="1s"),
    "sliding step": lambda text: sliding("1h", every=text),
    "allowed_lateness": lambda text: keyed().window(tumbling("1s"), allowed_lateness=text),
    "max_delay": lambda text: App("job").stream([1], max_delay=text),
    "idle": lambda text: App("job").stream([1], idle=text),
    "retention": lambda text: App("job").topic("t", retention=text),
    "timer": lambda text: Timer().after(text),
}


@pytest.mark.parametrize("use", DURATIONS.values(), ids=DURATIONS)
@pytest.mark.parametrize("bad", ["10", "-1s", "10 s", "1w", "", 10, 1.5, True, "s", "1_0s", "∞s"])
def test_a_bad_duration_shows_good_ones(use: Callable[[Any], Any], bad: Any) -> None:
    """A ValueError with examples, wherever a duration is asked for."""
    with pytest.raises(ValueError, match='"250ms", "10s", "5m", "1h", "2d"'):
        use(bad)


@pytest.mark.parametrize("use", [name for name in DURATIONS if name not in ("allowed_lateness", "max_delay")])
def test_a_duration_of_nothing_is_refused_where_it_makes_no_sense(use: str) -> None:
    """A window, a silence, a wait of zero."""
    with pytest.raises(ValueError, match='"250ms"'):
        DURATIONS[use]("0s")


def test_a_topic_declared_twice_alike_is_the_same_object() -> None:
    """The same name again gives the first."""
    app = App("job")

    assert app.topic("t", Event, partitions=2) is app.topic("t", Event, partitions=2)


@pytest.mark.parametrize("other", [{"partitions": 2}, {"compacted": True}, {"key": "key"}, {"retention": "1h"}])
def test_a_topic_declared_in_two_ways_is_refused(other: dict[str, Any]) -> None:
    """The error says what differs."""
    app = App("job")
    app.topic("t", Event)

    with pytest.raises(
        TopicMismatch, match=f"declared twice, with {'retention_us' if 'retention' in other else next(iter(other))}"
    ):
        app.topic("t", Event, **other)


def test_a_timer_without_a_function_is_refused_when_the_plan_is_built() -> None:
    """The error says which decorator to use."""
    app = App("job")

    @events_of(app, [event(0)]).key_by("key").process
    def remind(one: Event, reminder: Timer) -> None:
        reminder.at(one.at)

    with pytest.raises(PlanError, match=r"'remind' at test_plan_errors.py:\d+ has a timer 'reminder' and no function"):
        app.collect(remind)


def test_a_timer_that_is_not_declared_is_refused() -> None:
    """`on_timer` belongs to a timer parameter."""

    @keyed().process
    def remind(one: Event, reminder: Timer, deadline: Timer) -> None:
        reminder.at(one.at)

    with pytest.raises(PlanError, match=r"say which timer of 'remind' it is for; its timer parameters: reminder, dead"):
        remind.on_timer(lambda time: None)
    with pytest.raises(PlanError, match="its timer parameters: reminder, deadline"):
        remind.on_timer("other")(lambda time: None)


def test_a_timer_has_one_function() -> None:
    """A second one is refused."""

    @keyed().process
    def remind(one: Event, reminder: Timer) -> None:
        reminder.at(one.at)

    remind.on_timer(lambda time: None)

    with pytest.raises(PlanError, match="timer 'reminder' of 'remind' has a function already"):
        remind.on_timer(lambda time: None)


def test_a_state_is_of_one_kind_in_all_functions_of_an_operator() -> None:
    """The same name means the same state."""

    @keyed().process
    def remind(one: Event, seen: ValueState[int], reminder: Timer) -> None:
        reminder.at(one.at)

    def forget(time: Any, seen: ListState[int]) -> None:
        seen.clear()

    with pytest.raises(PlanError, match="'seen' is a list here and a value in another function of 'remind'"):
        remind.on_timer(forget)


def test_a_window_needs_an_event_time() -> None:
    """A list without `event_time` has none, and a window could not tell where its records belong."""
    numbers = App("job").stream([1, 2]).key_by(lambda n: n, name="n")

    with pytest.raises(PlanError, match=r"window at test_plan_errors.py:\d+ .* 'stream' .* event_time="):
        numbers.window(tumbling("10s"))


def test_a_topic_needs_no_event_time_of_its_own() -> None:
    """The log's timestamps count."""
    app = App("job")
    topic = app.topic("numbers", int)
    counts = app.topic("counts")
    app.stream(topic).key_by(lambda n: n, name="n").window(tumbling("10s")).aggregate(n_=agg.count()).to(counts)

    output = run(app, {topic: [1, 1, 2]})

    assert [(row["n"], row["n_"]) for row in output[counts]] == [(1, 2), (2, 1)]


def test_options_of_a_state_have_a_default() -> None:
    """`State(default=...)` counts; nothing else is one."""
    assert State(default=None).has_default()
    assert not State().has_default()


def test_an_event_without_a_time_stops_the_job_with_its_place() -> None:
    """The operator, the record and its offset are named."""
    app = App("job")
    stream = app.stream([event(0), event(1)], event_time=lambda one: None if one.at == at(1) else one.at, name="events")

    with pytest.raises(Exception, match=r"'events' failed on Event\(.*at=datetime.*it has no event time"):
        app.collect(stream)


def test_what_no_stream_has_is_no_attribute() -> None:
    """As of any object: so that one may ask whether it is there, and copy it."""
    for made in (source(), keyed(), windowed()):
        assert not hasattr(made, "window_of")
        with pytest.raises(AttributeError, match="has no attribute 'window_of'"):
            made.window_of()
    assert not hasattr(source(), "window")
