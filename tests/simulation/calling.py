"""A job that awaits coroutines, for the simulator."""

from __future__ import annotations

import asyncio

from actorstream import App, agg, dead_letter, retry, tumbling
from tests.simulation.workloads import Event, Workload, events


def calling() -> Workload:
    """Calls that take turns in coming back, some of which fail for good; windows over what they give."""
    return _calling("calling", ordered=True)


def calling_in_any_order() -> Workload:
    """The same where order is not kept: what counts goes by event time."""
    return _calling("calling-in-any-order", ordered=False)


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
