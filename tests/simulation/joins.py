"""A job of joins, for the simulator."""

from __future__ import annotations

from typing import Any

from actorstream import App, tumbling
from tests.simulation.workloads import Event, Workload, events


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


def replaced(event: Event) -> Event:
    """Another value at a time that nothing else of its key has."""
    return event.replace(value=1_000 + event.value)
