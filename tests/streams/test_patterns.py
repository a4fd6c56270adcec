"""`match`: what its function is given, what is refused where it is written, and what bounds it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actorstream import App, Match, pattern, tumbling
from actorstream.errors import OperatorError, PlanError
from actorstream.streams.engine.batch import Batch, Origin
from actorstream.streams.engine.buckets import Buckets
from actorstream.streams.engine.match import MatchStage
from actorstream.streams.engine.stage import Stage
from actorstream.streams.plan import nodes
from tests.streams.makers import Event, at, event, events_of, seconds, us


def one(event: Event) -> bool:
    """Of value one."""
    return event.value == 1


def two(event: Event) -> bool:
    """Of value two."""
    return event.value == 2


PAIR = pattern(one).then(two).within("10s")


def keyed(app: App, events: list[Event], **options: Any) -> Any:
    """A stream of events by their time and key."""
    return events_of(app, events, **options).key_by("key")


def values(*given: int, key: str = "a") -> list[Event]:
    """Events a second apart."""
    return [event(second, key, value) for second, value in enumerate(given)]


# --- what a match is -------------------------------------------------------------------------------------------------


def test_a_match_knows_its_key_its_times_and_its_records() -> None:
    """By the names of the functions."""
    app = App("job")

    @keyed(app, values(1, 3, 2)).match(PAIR)
    def found(match: Match[str, Event]) -> list[Any]:
        return [match.key, seconds(match.start), seconds(match.end), match["one"].value, match["two"].value, len(match)]

    assert app.collect(found) == [["a", 0, 2, 1, 2, 2]]


def test_a_step_that_took_none_gives_none() -> None:
    """Asked for by `get`; by index it is a KeyError, as is a name that the pattern does not have."""
    match: Match[str, int] = Match("a", at(0), at(1), {"one": [1], "two": []})

    assert match.get("two") is None
    with pytest.raises(KeyError, match="took no record"):
        match["two"]
    with pytest.raises(KeyError, match="it has one, two"):
        match.all("three")


def test_a_match_with_a_forbidden_end_is_found_when_its_time_is_over() -> None:
    """Though no record of its key comes again; its end is that time."""
    app = App("job")
    lonely = pattern(one).without(two).within("10s")
    given = [event(0, "a", 1), event(0, "b", 1), event(10, "b", 2), event(11, "c", 3)]

    found = keyed(app, given).match(lonely).apply(lambda match: (match.key, seconds(match.end)), name="found")

    assert app.collect(found) == [("a", 10.0)]


def test_records_of_equal_time_count_in_the_order_of_their_offsets() -> None:
    """The last record of the time that is allowed counts, too."""
    app = App("job")
    given = [event(0, value=2), event(0, value=1), event(10, value=2), event(10.000001, value=2)]

    found = keyed(app, given).match(PAIR).apply(lambda match: seconds(match.end), name="found")

    assert app.collect(found) == [10.0]


def test_a_function_may_give_nothing_or_much() -> None:
    """As a window's function."""
    app = App("job")

    @keyed(app, values(1, 2, 1, 2)).match(PAIR)
    def found(match: Match[str, Event]) -> Iterator[float]:
        if seconds(match.start):
            yield seconds(match.start)
            yield seconds(match.end)

    assert app.collect(found) == [2.0, 3.0]


def test_a_result_is_in_time_for_a_window() -> None:
    """Its time is the match's end."""
    app = App("job")
    found = keyed(app, values(1, 2, 1, 2, 1, 2)).match(PAIR).apply(lambda match: match.key, name="found")
    counted = found.key_by(lambda key: key, name="key").window(tumbling("4s"))

    assert app.collect(counted.apply(lambda w: (seconds(w.start), len(w)), name="n")) == [(0.0, 2), (4.0, 1)]


def test_late_records_are_a_stream() -> None:
    """Those behind the watermark of their partition; one exactly at it is in time."""
    app = App("job")
    given = [event(5, value=1), event(4, value=2), event(5, value=2)]
    found = keyed(app, given).match(PAIR).apply(lambda match: seconds(match.end), name="found")

    assert app.collect(found) == [5.0]
    assert [seconds(late.at) for late in app.collect(found.late)] == [4.0]


# --- order ------------------------------------------------------------------------------------------------------------


def test_a_record_that_is_awaited_by_an_older_beginning_is_not_missed() -> None:
    """Though a younger one waits for something else."""
    app = App("job")
    rising = pattern(one).then(two).then(lambda event: event.value == 3, name="three").within("10s")

    found = keyed(app, values(1, 2, 1, 3)).match(rising).apply(lambda match: [e.value for e in match], name="found")

    assert app.collect(found) == [[1, 2, 3]]


def test_records_of_equal_time_wait_for_each_other() -> None:
    """Until the watermark has passed their time; then they count in the order of their partitions."""
    app = App("job")
    found = keyed(app, values(1)).match(PAIR).apply(lambda match: seconds(match.end), name="found")
    node = found._node
    assert isinstance(node, nodes.MatchPattern)
    stage, seen = MatchStage(node, lambda: 0), Seen("seen")
    stage.outputs = [seen]

    def push(second: float, value: int, partition: int) -> None:
        time = [us(second)]
        origin = Origin("events", "events", partition)
        stage.push(
            Batch(
                [event(second, value=value)], times=time, own=time, marks=time, offsets=[0], keys=["a"], origin=origin
            )
        )

    push(5, 2, partition=1)
    stage.advance(us(5))
    push(5, 1, partition=0)
    assert seen.batches == []
    push(6, 3, partition=0)

    assert [list(batch.times) for batch in seen.batches] == [[us(5)]]


def test_a_bucket_gives_what_is_before_a_time_and_keeps_the_rest() -> None:
    """Also after a recovery; what is at that time stays."""
    buckets = Buckets("waiting", tuple[int, str])
    for time, name in ((1_500_000, "b"), (1_200_000, "a"), (2_500_000, "d"), (1_500_001, "c")):
        buckets.add(b"key", (time, name))

    assert [entry[1] for _, entry in buckets.take_before(1_500_000)] == ["a"]
    buckets.rebuild()
    assert [entry[1] for _, entry in buckets.take_before(2_400_000)] == ["b", "c"]
    assert [entry[1] for _, entry in buckets.take_before(3_000_000)] == ["d"]


class Seen(Stage):
    """Keeps what it is given."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.batches: list[Batch] = []

    def push(self, batch: Batch) -> None:
        """Keep it."""
        self.batches.append(batch)


def test_what_began_before_a_stop_is_found_after_it(tmp_path: Path) -> None:
    """Partial matches, and records that wait for their turn, are part of the last checkpoint."""
    app = App("job")
    events, ends = app.topic("events", Event), app.topic("ends", list)
    found = app.stream(events, event_time="at", max_delay="3s").key_by("key").match(PAIR)
    found.apply(lambda match: [seconds(match.start), seconds(match.end)], name="found").to(ends)

    for given in ([event(0, value=1), event(4, value=1)], [event(5, value=2), event(4.5, value=3), event(60)]):
        with app.producer(data=tmp_path) as producer:
            for one_event in given:
                producer.send(events, one_event)
        app.run(data=str(tmp_path), until="caught_up")

    with app.consumer(ends, group="readers", data=tmp_path) as consumer:
        assert next(iter(consumer)).value == [0.0, 5.0]


# --- what is refused -------------------------------------------------------------------------------------------------


def refused(make: Any) -> str:
    """The line that says why."""
    with pytest.raises(PlanError) as error:
        make()
    return str(error.value)


def test_a_lambda_needs_a_name() -> None:
    """A match knows its records by it."""
    assert "pass name=" in refused(lambda: pattern(lambda event: True))


def test_a_name_stands_for_one_step() -> None:
    """Also if it is the same function."""
    assert "'one' already" in refused(lambda: pattern(one).then(one))


def test_a_pattern_needs_an_end_in_time() -> None:
    """What is kept is bounded by it."""
    keyed_events = keyed(App("job"), values(1))

    assert "test_patterns.py" in refused(lambda: keyed_events.match(pattern(one).then(two)))
    assert 'add .within("5m")' in refused(lambda: keyed_events.match(pattern(one).then(two)))


def test_the_ends_of_a_pattern_are_not_optional() -> None:
    """A match begins with a record, and is complete without an optional end."""
    assert "first step" in refused(lambda: pattern(one).optional())
    last = pattern(one).then(two).optional().within("1s")
    assert "last step" in refused(lambda: keyed(App("job"), values(1)).match(last))


@pytest.mark.parametrize("make", [lambda p: p.times(0), lambda p: p.times(3, 2), lambda p: p.up_to(1001)])
def test_numbers_that_make_no_sense_are_refused(make: Any) -> None:
    """Of times that a step comes."""
    refused(lambda: make(pattern(one)))


def test_how_often_is_said_once() -> None:
    """A second number would undo the first."""
    assert "say it once" in refused(lambda: pattern(one).at_least(2).up_to(3))


def test_what_has_no_event_time_cannot_be_matched() -> None:
    """The error says which stream, and what to do."""
    stream = App("job").stream([1, 2], name="numbers").key_by(lambda n: n, name="n")

    assert "match at" in refused(lambda: stream.match(pattern(lambda n: True, name="any").within("1s")))


def test_something_else_is_no_pattern() -> None:
    """A function must be made one."""
    assert "give it a pattern" in refused(lambda: keyed(App("job"), values(1)).match(one))


# --- what fails ------------------------------------------------------------------------------------------------------


def test_a_condition_that_raises_names_its_record() -> None:
    """And the operator."""
    app = App("job")
    broken = pattern(lambda event: 1 // event.value, name="broken").within("1s")
    found = keyed(app, values(1, 0)).match(broken).apply(lambda match: 1, name="found")

    with pytest.raises(OperatorError, match=r"found.*value=0.*ZeroDivisionError"):
        app.collect(found)


def test_a_function_that_raises_names_its_match() -> None:
    """By key and time."""
    app = App("job")
    found = keyed(app, values(1, 2)).match(PAIR).apply(lambda match: match["three"], name="found")

    with pytest.raises(OperatorError, match=r"Match\(key='a'.*has no step 'three'"):
        app.collect(found)


def test_partial_matches_of_a_key_are_bounded() -> None:
    """The error names the key, and what to change."""
    app = App("job")
    found = keyed(app, values(1, 1, 1)).match(PAIR, partial_max=2).apply(lambda match: 1, name="found")

    with pytest.raises(OperatorError, match=r"key 'a'.*3 partial matches.*partial_max=") as error:
        app.collect(found)
    assert error.value.operator == "found"


def test_records_of_a_partial_match_are_bounded() -> None:
    """One that takes any number is one partial match all the same."""
    app = App("job")
    many = pattern(two).then(one).at_least(1).then(lambda event: event.value == 3, name="three").within("10s")
    found = keyed(app, values(2, 1, 1, 1, 1, 1)).match(many, partial_max=4)

    with pytest.raises(OperatorError, match=r"key 'a'.*5 records in partial matches.*partial_max="):
        app.collect(found.apply(lambda match: 1, name="found"))


def test_what_is_over_is_forgotten() -> None:
    """Partial matches of other keys do not add up, nor do those whose time is over."""
    app = App("job")
    given = [event(second * 11, "a", 1) for second in range(5)] + [event(60, key, 1) for key in "bcdef"]
    found = keyed(app, given).match(PAIR, partial_max=1).apply(lambda match: 1, name="found")

    assert app.collect(found) == []


def test_explain_shows_the_pattern() -> None:
    """As it was written."""
    app = App("job")
    strict = pattern(one).at_least(2).without(two).next(lambda event: True, name="any").within("5m")
    found = keyed(app, values(1)).match(strict).apply(lambda match: 1, name="found")
    found.sink(print)

    assert "one{2,} → not two ⇒ any within 5m" in app.explain()
