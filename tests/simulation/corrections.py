"""A job whose windows are corrected by records that come late, and have to wait for their turn."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from actorstream import App, Window, agg, sliding, tumbling
from actorstream.host import Entropy
from tests.simulation.workloads import START, Event, Workload


def uneven(count: int) -> list[Event]:
    """Events of a few keys, each a second after the one before; half of them late, some of those too late for all."""
    entropy, found = Entropy(count), []
    for second in range(count):
        back = entropy.between(4, 50) if entropy.chance(0.5) else entropy.below(3)
        at = START + timedelta(seconds=max(second - back, 0))
        found.append(Event(f"k{entropy.below(5)}", second, at))
    return found


def corrected() -> Workload:
    """Windows that are kept for late records, from three partitions, and what came too late even so."""
    app = App("corrected")
    readings = app.topic("readings", Event, partitions=3, key="key")
    counts, sets = app.topic("counts", dict, key="key"), app.topic("sets", dict, key="key")
    changes, late = app.topic("changes", dict, key="key"), app.topic("late", Event, key="key")
    keyed = app.stream(readings, event_time="at", max_delay="2s").key_by("key")

    counted = keyed.window(sliding("10s", every="5s"), allowed_lateness="20s").aggregate(
        name="counted", n=agg.count(), values=agg.collect("value")
    )
    counted.map(shown, name="shown").to(counts)
    counted.late.to(late)

    @keyed.window(tumbling("8s"), allowed_lateness="30s")
    def gathered(window: Window[str, Event]) -> dict[str, Any]:
        return {"key": window.key, "start": window.start.isoformat(), "values": sorted(one.value for one in window)}

    gathered.to(sets)
    changing = keyed.window(tumbling("8s"), allowed_lateness="10s", emit="change").aggregate(
        name="changing", n=agg.count()
    )
    changing.map(lambda row: {"key": row.key, "start": row.start.isoformat(), "n": row.n}, name="change").to(changes)
    return Workload(app, {readings: uneven(150)})


def shown(row: Any) -> dict[str, Any]:
    """A result as JSON has it."""
    return {"key": row.key, "start": row.start.isoformat(), "n": row.n, "values": sorted(row.values)}
