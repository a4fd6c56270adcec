"""A job that awaits coroutines, for the simulator."""

from __future__ import annotations

import asyncio
from typing import Any

from actorstream import App, agg, dead_letter, retry, tumbling
from tests.simulation.workloads import Event, Place, Workload, events


def calling() -> Workload:
    """Calls that take turns in coming back, some of which fail for good; windows over what they give."""
    return _calling("calling", ordered=True)


def calling_in_any_order() -> Workload:
    """The same where order is not kept: what counts goes by event time."""
    return _calling("calling-in-any-order", ordered=False)


def calling_everywhere() -> Workload:
    """Calls behind calls, in front of and behind a table, a window, a split and a union."""
    app = App("calling-everywhere")
    source, places = app.topic("source", Event, partitions=2, key="key"), app.topic("places", Place, partitions=2)
    named, counts = app.topic("named", dict, key="key"), app.topic("counts", dict, key="key")
    values = app.topic("values", int)

    async def nap(value: Any) -> Any:
        await asyncio.sleep(0.003)
        return value

    async def raised(event: Event) -> Event:
        await asyncio.sleep(event.value % 3 / 1000)
        return event.replace(value=event.value + 1)

    async def value_of(event: Event) -> int:
        return event.value

    once = app.stream(source, event_time="at", max_delay="2s").map(raised, name="once", concurrency=3)
    twice = once.filter(lambda event: event.value % 7 != 0, name="some").map(raised, name="twice", concurrency=7)
    table = app.table(app.stream(places).map(nap, name="read", concurrency=2), key="id")
    by_place = twice.key_by(lambda event: event.value % 5, name="place")
    by_place.join(table, lambda event, place: {"key": event.key, "at": place and place.name}, name="join").to(named)
    windows = twice.key_by("key").window(tumbling("10s")).aggregate(name="windows", n=agg.count())
    windows.map(nap, name="asked", concurrency=4).to(counts)
    high, low = twice.split(high=lambda event: event.value > 50, low=lambda event: True)
    lows = low.map(value_of, name="lows", ordered=False)
    high.map(value_of, name="highs").union(lows, name="all").to(values)
    return Workload(app, {source: events(100), places: [Place(number, f"p{number}") for number in range(5)]})


def _calling(name: str, *, ordered: bool) -> Workload:
    app = App(name)
    source = app.topic("source", Event, partitions=3, key="key")
    called = app.topic("called", Event, partitions=2, key=(lambda event: event.key) if ordered else lambda e: e.value)
    counts = app.topic("counts", dict, key="key")
    bad = app.topic("bad", key=lambda letter: letter["record"]["value"])
    policy = retry(times=1, backoff="2ms") | dead_letter(bad)

    @app.stream(source, event_time="at", max_delay="2s").map(concurrency=5, ordered=ordered, on_error=policy)
    async def ask(event: Event) -> Event:
        if event.value % 5:
            await asyncio.sleep(event.value * 7 % 10 / 500)
        if event.value % 17 == 3:
            raise ValueError(event.value)
        return event.replace(value=event.value + 1000)

    ask.to(called)
    windows = ask.key_by("key").window(tumbling("10s"))
    windows.aggregate(n=agg.count(), first=agg.first("value"), last=agg.last("value")).to(counts)
    return Workload(app, {source: events(120)})
