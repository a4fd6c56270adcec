"""However many instances share the keys, and though their number changes between runs: the results are the same."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from typing import Annotated, Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from actorstream import App, Key, Record, State, Timer, ValueState, Window, agg, rows, session, sliding, tumbling
from actorstream.host import Host
from actorstream.streams.job.memory import MemoryCluster, Outcome
from actorstream.streams.job.planning import job_spec
from actorstream.streams.job.spec import Settings
from tests.streams.makers import Event, event

EVENTS = st.lists(st.builds(event, st.integers(0, 40), st.sampled_from("abcdef"), st.integers(0, 9)), max_size=30)
INSTANCES = st.sampled_from([1, 2, 3, 5])


class Named(Record):
    """A row of the table."""

    key: str
    name: str


class Twin(Record):
    """Two events of a key in one window."""

    key: str
    value: int
    value_right: int | None


INPUTS = ("events", "spread", "table")
TABLE = [Named("a", "first"), Named("b", "second"), Named("a", "third")]


def later(one: Event, other: Event) -> Event:
    """The one with the larger value, and if they are alike that of the later time."""
    return max(one, other, key=lambda event: (event.value, event.at))


def program(instances: int) -> App:
    """Every operator with state, each over so many instances; one topic a result, and its key in each of them."""
    app = App("job")
    # When a timer fires between the records of its key depends on the other partitions; when a window ends does not.
    keyed = app.stream(app.topic("events", Event), event_time="at", max_delay="5s").key_by("key")
    spread = app.stream(app.topic("spread", Event, partitions=2), event_time="at", max_delay="5s").key_by("key")
    windows = spread.window(tumbling("10s")).aggregate(
        name="windows", parallelism=instances, n=agg.count(), sum=agg.sum("value")
    )
    windows.to(app.topic("windows", dict))
    again = windows.key_by("key").aggregate(name="again", parallelism=instances, n=agg.count())
    again.to(app.topic("again", dict))

    def members(window: Window[str, Event]) -> list[Any]:
        return [window.key, *sorted(one.value for one in window)]

    spread.window(tumbling("7s")).apply(members, name="members", parallelism=instances).to(app.topic("members", list))
    spread.window(session("4s")).aggregate(name="sessions", parallelism=instances, n=agg.count()).to(
        app.topic("sessions", dict)
    )
    keyed.window(rows(3)).apply(members, name="threes", parallelism=instances).to(app.topic("threes", list))
    spread.window(tumbling("10s")).reduce(later, name="last", parallelism=instances).to(app.topic("last", Event))
    sevens = spread.where(pl.col("value") > 4).key_by("key").window(sliding("9s", every="3s"))
    twins = spread.window(sliding("9s", every="3s")).join(sevens, into=Twin, how="left", parallelism=instances)
    twins.to(app.topic("twins", Twin))
    keyed.aggregate(name="totals", parallelism=instances, n=agg.count()).to(app.topic("totals", dict))

    def larger(one: Event, other: Event) -> Event:
        return max(one, other, key=lambda event: event.value)

    keyed.reduce(larger, name="largest", parallelism=instances).to(app.topic("largest", Event))

    def counted(
        one: Event, key: Key[str], seen: Annotated[ValueState[int], State(default=0)], timer: Timer
    ) -> list[Any]:
        seen.set((seen.get() or 0) + 1)
        timer.at(one.at)
        return [key, seen.get()]

    processed = keyed.process(counted, name="counted", parallelism=instances)

    @processed.on_timer
    def fired(time: datetime, key: Key[str], seen: ValueState[int]) -> list[Any]:
        return [key, time.second, "fired"]

    processed.to(app.topic("processed", list))
    table = app.table(app.topic("table", Named), key="key")
    joined = keyed.join(table, lambda one, row: [one.key, row and row.name], name="joined", parallelism=instances)
    joined.to(app.topic("joined", list))
    return app


class Runs:
    """Runs of one job, one after the other, over one log."""

    def __init__(self) -> None:
        self._host: Host | None = None

    def run(self, instances: int, events: Sequence[Event], *, until: str, seed: int = 0) -> dict[str, Any]:
        """Write some events, run, and give all that the job has committed: for each topic its values by key."""
        app = program(instances)
        topics = app._program.topics
        outcome = Outcome()
        few = Settings(until=until, idle=False, base_after_changes=3, checkpoint_us=2_000)
        with closing(MemoryCluster(host=self._host, seed=seed)) as cluster:
            for name in ("events", "spread"):
                cluster.write(topics[name], events, batch_records=4)
            if self._host is None:
                cluster.write(topics["table"], TABLE)
            self._host = cluster.host
            cluster.run(job_spec(app._program, few, report=outcome.report), outcome)
            results = {name: cluster.read(topic) for name, topic in topics.items() if name not in INPUTS}
        return {name: by_key([value for part in parts for _, value in part]) for name, parts in results.items()}


def by_key(values: Sequence[Any]) -> dict[str, list[Any]]:
    """The values of each key, in order."""
    found: dict[str, list[Any]] = {}
    for value in values:
        key = value["key"] if isinstance(value, dict) else value.key if isinstance(value, Event | Twin) else value[0]
        found.setdefault(key, []).append(value)
    return found


@given(events=EVENTS, instances=INSTANCES)
@settings(max_examples=15)
def test_the_number_of_instances_changes_no_result(events: list[Event], instances: int) -> None:
    """Of no operator, in no key's order."""
    assert Runs().run(instances, events, until="end") == Runs().run(1, events, until="end")


@given(first=EVENTS, second=EVENTS, third=EVENTS, numbers=st.tuples(INSTANCES, INSTANCES, INSTANCES))
@settings(max_examples=15)
def test_state_goes_with_its_keys_to_other_instances(
    first: list[Event], second: list[Event], third: list[Event], numbers: tuple[int, int, int]
) -> None:
    """Three runs with three numbers of instances give what three runs with one give; windows stay open between."""
    some, one = Runs(), Runs()
    for events, instances, until in zip(
        (first, second, third), numbers, ("caught_up", "caught_up", "end"), strict=True
    ):
        assert some.run(instances, events, until=until) == one.run(1, events, until=until)
