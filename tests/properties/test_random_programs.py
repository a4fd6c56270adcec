"""Random programs give the same whatever crashes, in whatever order partitions come, and whether or not input ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from actorstream import App
from actorstream.model.topic import Topic
from actorstream.testing import run, simulate
from tests.properties.plans import STEPS, Built
from tests.properties.programs import run_with
from tests.streams.makers import Event, event

EVENTS = st.lists(st.builds(event, st.integers(0, 30), st.sampled_from("abc"), st.integers(0, 9)), max_size=25)
PROGRAMS = st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=5)
THE_END = 10_000
"""A second beyond all windows."""


def program(steps: Sequence[str], partitions: int) -> tuple[App, Topic[Event], Topic[Event]]:
    """A program of these steps over a topic, and another one to bring in."""
    app = App("job")
    one = app.topic("one", Event, partitions=partitions, key="key")
    other = app.topic("other", Event, key="key")
    first = app.stream(one, event_time="at", max_delay="40s")
    built = Built(app, first, app.stream(other, event_time="at", max_delay="40s"))
    for step in steps:
        built.stream = STEPS[step](built)
    built.stream.to(app.topic("results", Event))
    return app, one, other


def sorted_results(output: Mapping[Any, Sequence[Any]]) -> list[Any]:
    """The committed results, in one order."""
    found = next(values for topic, values in output.items() if getattr(topic, "name", topic) == "results")
    return sorted((one.key, one.at, one.value) for one in found)


@settings(max_examples=25, deadline=None)
@given(EVENTS, EVENTS, PROGRAMS, st.integers(0, 1_000_000))
def test_a_program_gives_the_same_under_every_fault(
    events: list[Event], others: list[Event], steps: list[str], seed: int
) -> None:
    """Crashes, lost writes, and recovery: as if nothing had been."""
    app, one, other = program(steps, partitions=2)
    undisturbed = sorted_results(run(app, {one: events, other: others}))

    def is_the_same(inputs: Any, output: Any) -> bool:
        return sorted_results(output) == undisturbed

    simulate(app, {one: events, other: others}, seeds=[seed], check=is_the_same)


@settings(max_examples=40, deadline=None)
@given(EVENTS, EVENTS, PROGRAMS, st.integers(0, 1_000_000))
def test_the_order_of_records_within_their_delay_does_not_matter(
    events: list[Event], others: list[Event], steps: list[str], seed: int
) -> None:
    """Nor in which partition, with which others, they lie."""
    app, one, other = program(steps, partitions=1)
    in_order = sorted_results(run(app, {one: events, other: others}))
    shuffled = Random(seed).sample(events, len(events))
    app, one, other = program(steps, partitions=3)

    assert sorted_results(run(app, {one: shuffled, other: others})) == in_order


@settings(max_examples=40, deadline=None)
@given(EVENTS, EVENTS, PROGRAMS, st.integers(1, 8))
def test_a_topic_that_goes_on_gives_what_one_that_ends_gives(
    events: list[Event], others: list[Event], steps: list[str], slice_records: int
) -> None:
    """Once the watermark has passed: the end of the input is only a very late watermark."""
    app, one, other = program(steps, partitions=1)
    ended = sorted_results(run(app, {one: events, other: others}))
    last = event(THE_END)
    app, one, other = program(steps, partitions=1)
    inputs = {one: [*events, last], other: [*others, last]}

    output = run_with(app, inputs, slice_records=slice_records, until="caught_up")

    live = sorted_results(output)
    assert [row for row in live if row[1] < event(THE_END / 2).at] == ended
