"""Jobs of joins, for the simulator."""

from __future__ import annotations

from typing import Any

from actorstream import App, Record, sliding, tumbling
from tests.simulation.workloads import Event, Workload, events


class Pair(Record):
    """What both sides of a window say."""

    key: str
    value: int | None
    value_right: int | None


def joined() -> Workload:
    """Pairs within an interval, of windows, and as of a time; out of order and late, in one instance and in three."""
    app = App("joined")
    one = app.topic("one", Event, partitions=2, key="key")
    other = app.topic("other", Event, partitions=3, key="key")
    out = {name: app.topic(name, dict, key="key") for name in ("near", "windowed", "as-of")}
    left = app.stream(one, event_time="at", max_delay="2s").key_by(lambda event: event.key, name="left")
    right = app.stream(other, event_time="at", max_delay="2s").key_by(lambda event: event.key, name="right")
    table = app.table(app.stream(other, name="prices", event_time="at", max_delay="2s"), key="key")

    def shown(first: Event | None, second: Event | None) -> dict[str, Any]:
        known = first or second
        assert known is not None
        return {"key": known.key, "pair": [first and first.value, second and second.value]}

    left.join(right, shown, within="3s", how="outer", name="near", parallelism=3).to(out["near"])
    windows = left.window(tumbling("10s")).join(right.window(tumbling("10s")), shown, how="left", name="windowed")
    windows.to(out["windowed"])
    left.join(table, shown, as_of=True, name="as-of").to(out["as-of"])
    return Workload(app, {one: events(120, keys=6), other: [replaced(event) for event in events(90, keys=6)]})


def joined_columns() -> Workload:
    """Pairs of windows, over columns: of overlapping windows, in two instances; late records of either side."""
    app = App("columns")
    one = app.topic("one", Event, partitions=2, key="key")
    other = app.topic("other", Event, partitions=3, key="key")
    out = {name: app.topic(name, Pair, key="key") for name in ("tumbling", "sliding")}
    # Which side comes first is left to chance, so only those of one side have an order.
    late = app.topic("late", Event, key=lambda event: f"{event.key} {event.value < 1_000}")
    left, right = (app.stream(topic, event_time="at", max_delay="2s").key_by("key") for topic in (one, other))
    tens, twelves = tumbling("10s"), sliding("12s", every="4s")
    left.window(tens).join(right.window(tens), into=Pair, name="tens").to(out["tumbling"])
    pairs = left.window(twelves).join(right.window(twelves), into=Pair, how="outer", name="twelves", parallelism=2)
    pairs.to(out["sliding"])
    pairs.late.to(late)
    return Workload(app, {one: events(120, keys=6), other: [replaced(event) for event in events(90, keys=6)]})


IN_TOPICS = [joined, joined_columns]
"""All of these jobs."""


def replaced(event: Event) -> Event:
    """Another value at a time that nothing else of its key has."""
    return event.replace(value=1_000 + event.value)
