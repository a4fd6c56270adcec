"""What becomes of the state of operators when the program that goes on with it is another one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from actorstream import App, Match, Record, ValueState, Window, agg, pattern, rows, session, sliding, tumbling
from actorstream.errors import BadInput
from actorstream.model.schema import describe, difference
from tests.streams.makers import at


class Event(Record):
    """What comes in."""

    key: str
    value: int
    at: datetime


class Wider(Record):
    """The same with a field that can hold more."""

    key: str
    value: float
    at: datetime


class Worded(Record):
    """The same with a field of another type."""

    key: str
    value: str
    at: datetime


Program = Callable[[App, Any], Any]
"""From a stream of events to the stream of results."""


def go_on(where: Path, program: Program, kind: Any = Event, *, seconds: tuple[int, ...] = (), until: str) -> list[Any]:
    """Run a program over what was there and events at these seconds; gives all that was ever written."""
    app, data = App("job"), str(where)
    source, out = app.topic("events"), app.topic("out")
    stream = app.stream(source).map(lambda one: one, name="as it is")
    typed = stream.map(typed_as(kind), name="typed")
    program(app, typed).map(str, name="shown").to(out)
    with app.producer(data=data) as producer:
        for second in seconds:
            producer.send(source, {"key": "a", "value": 1, "at": at(second).isoformat()})
    app.run(data=data, until=until)
    with app.consumer(out, data=data) as consumer:
        return [message.value for message in consumer]


def typed_as(kind: Any) -> Any:
    """A function that makes an event of an object; its annotation says of which type."""

    def typed(one: dict[str, Any]) -> Any:
        value = str(one["value"]) if kind is Worded else one["value"]
        return kind(one["key"], value, datetime.fromisoformat(one["at"]))

    typed.__annotations__["return"] = kind
    return typed


def keyed(stream: Any) -> Any:
    """By a field."""
    return stream.key_by("key")


def aggregated(window: Any, **aggregates: Any) -> Program:
    """Windows of the log's time, and aggregates of them."""
    return lambda app, stream: keyed(stream).window(window).aggregate(name="it", **aggregates)


def members(window: Window[str, Event]) -> int:
    """A window's function."""
    return len(window)


def matches(match: Match[str, Event]) -> int:
    """A match's function."""
    return len(match)


def later(one: Event, other: Event) -> Event:
    """The second of two."""
    return other


def matched(within: str, **options: Any) -> Program:
    """Two events after each other."""
    both = pattern(lambda event: True, name="one").then(lambda event: event.value > 5, name="other").within(within)
    return lambda app, stream: keyed(stream).match(both, **options).apply(matches, name="it")


def joined(within: str, how: Any) -> Program:
    """An interval join with itself."""
    return lambda app, stream: keyed(stream).join(
        keyed(stream), lambda one, other: "both", within=within, how=how, name="it"
    )


def kept(of: Any) -> Program:
    """A process function that keeps one value."""

    def it(event: Event, seen: Any) -> None:
        seen.set({int: 1, str: "a", datetime: at(0)}[of])

    it.__annotations__ = {"event": Event, "seen": ValueState[of], "return": None}
    return lambda app, stream: keyed(stream).process(it)


COUNTS = aggregated(tumbling("1h"), n=agg.count(), top=agg.max("value"))
REFUSED = [
    (COUNTS, aggregated(tumbling("2h"), n=agg.count(), top=agg.max("value")), "window: was .*1h.*, is tumbling.2h."),
    (COUNTS, aggregated(sliding("2h", every="1h"), n=agg.count(), top=agg.max("value")), "window: .*is sliding"),
    (COUNTS, aggregated(session("1h"), n=agg.count(), top=agg.max("value")), "is session.1h."),
    (COUNTS, aggregated(rows(5), n=agg.count(), top=agg.max("value")), "is rows.5."),
    (COUNTS, aggregated(tumbling("1h"), n=agg.count(), top=agg.min("value")), "was .*max.value., is .*min.value."),
    (COUNTS, aggregated(tumbling("1h"), n=agg.count()), "aggregates: was .*, is count"),
    (
        COUNTS,
        lambda app, stream: keyed(stream).window(tumbling("1h")).apply(members, name="it"),
        "kind 'window aggregate', is 'window function'",
    ),
    (
        lambda app, stream: keyed(stream).aggregate(name="it", n=agg.sum("value")),
        lambda app, stream: keyed(stream).aggregate(name="it", n=agg.mean("value")),
        "was sum.value., is mean.value.",
    ),
    (
        lambda app, stream: keyed(stream).aggregate(name="it", n=agg.sum("value")),
        lambda app, stream: keyed(stream).reduce(later, name="it"),
        "kind 'aggregate', is 'reduce'",
    ),
    (matched("1h"), matched("2h"), "pattern: was one → other within 1h, is one → other within 2h"),
    (matched("1h"), matched("1h", overlap=True), "overlap: was False, is True"),
    (joined("1h", "inner"), joined("2h", "inner"), "within: was 1h, is 2h"),
    (joined("1h", "inner"), joined("1h", "left"), "how: was inner, is left"),
    (kept(datetime), kept(str), "a value was datetime, is str"),
    (kept(str), kept(int), "a value was str, is int"),
]


@pytest.mark.parametrize(("first", "second", "says"), REFUSED)
def test_what_cannot_go_on_is_refused_at_start(first: Program, second: Program, says: str, tmp_path: Path) -> None:
    """One line names operator and place, and says what changed; the first program goes on as before."""
    go_on(tmp_path, first, seconds=(0, 1), until="caught_up")

    with pytest.raises(BadInput, match=rf"(operator|state) .*'it' at .*test_kept_forms.py:\d+ .*{says}") as refused:
        go_on(tmp_path, second, until="caught_up")

    assert "\n" not in str(refused.value)
    go_on(tmp_path, first, seconds=(2,), until="caught_up")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (COUNTS, COUNTS),
        (COUNTS, aggregated(tumbling("1h"), number=agg.count(), largest=agg.max("value"))),
        (matched("1h"), matched("1h")),
        (joined("1h", "left"), joined("1h", "left")),
        (kept(int), kept(int)),
    ],
    ids=["the same", "other names", "pattern", "join", "process"],
)
def test_what_can_go_on_does(first: Program, second: Program, tmp_path: Path) -> None:
    """The same program, and one that only names its results otherwise."""
    go_on(tmp_path, first, seconds=(0, 1), until="caught_up")

    go_on(tmp_path, second, seconds=(2,), until="end")


def test_a_field_of_another_type_is_refused(tmp_path: Path) -> None:
    """A larger type is not."""
    go_on(tmp_path, COUNTS, seconds=(0, 1), until="caught_up")

    with pytest.raises(BadInput, match=r"max\(value\), aggregate 2: a value was int, is str"):
        go_on(tmp_path, COUNTS, Worded, until="caught_up")

    assert "n=2" in go_on(tmp_path, COUNTS, Wider, until="end")[-1]


def test_a_key_of_another_type_is_refused(tmp_path: Path) -> None:
    """Also where values of one could be read as the other: what is kept would never be found again."""

    def by_day(one: Event) -> date:
        return one.at.date()

    def by_text(one: Event) -> str:
        return one.at.date().isoformat()

    def summed(by: Any) -> Program:
        return lambda app, stream: stream.key_by(by, name="day").aggregate(name="it", n=agg.count())

    go_on(tmp_path, summed(by_day), seconds=(0, 1), until="caught_up")

    with pytest.raises(BadInput, match="each key: a value was date, is str"):
        go_on(tmp_path, summed(by_text), until="caught_up")


def test_an_operator_of_another_name_begins_anew(tmp_path: Path) -> None:
    """What was kept under the old name stays for whoever has that name again."""

    def named(name: str) -> Program:
        return lambda app, stream: keyed(stream).aggregate(name=name, n=agg.count())

    go_on(tmp_path, named("it"), seconds=(0, 1), until="caught_up")
    other = go_on(tmp_path, named("other"), seconds=(2,), until="caught_up")
    again = go_on(tmp_path, named("it"), seconds=(3,), until="caught_up")

    assert [one.split("n=")[1] for one in other] == ["1)", "2)", "1)"]
    assert again[-1].endswith("n=3)")


def test_tuples_of_other_lengths_differ() -> None:
    """In a topic and in a state."""
    assert difference(describe(tuple[int, int]), describe(tuple[int])) == ["a value was (int, int), is (int)"]


def test_a_time_is_a_text_in_json_alone() -> None:
    """In a state it is a time."""
    old, new = describe(datetime), describe(str)

    assert not difference(old, new)
    assert difference(old, new, form="msgpack") == ["a value was datetime, is str"]
