"""Random programs on four nodes commit what they commit in one process."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from actorstream.testing import run, simulate
from tests.properties import test_parallelism as divided
from tests.properties.test_random_programs import EVENTS, PROGRAMS, program, sorted_results
from tests.streams.makers import Event


@settings(max_examples=20, deadline=None)
@given(EVENTS, EVENTS, PROGRAMS, st.integers(0, 1_000_000), st.sampled_from([2, 4]))
def test_four_nodes_equal_one(
    events: list[Event], others: list[Event], steps: list[str], seed: int, partitions: int
) -> None:
    """Without faults and under all of them: crashed nodes, cut cables, crashes of everything."""
    app, one, other = program(steps, partitions=partitions)
    undisturbed = sorted_results(run(app, {one: events, other: others}))

    def is_the_same(inputs: Any, output: Any) -> bool:
        return sorted_results(output) == undisturbed

    simulate(app, {one: events, other: others}, nodes=4, seeds=[seed], check=is_the_same)


@settings(max_examples=10, deadline=None)
@given(divided.EVENTS, st.integers(0, 1_000_000))
def test_operators_in_four_instances_on_four_nodes_equal_one_instance_in_one_process(
    events: list[Event], seed: int
) -> None:
    """Windows, state, timers, joins: by key the same, in the same order, whatever befalls the nodes."""
    undivided = divided.Runs().run(1, events, until="end")
    app = divided.program(4)
    topics = app._program.topics
    inputs = {topics["events"]: events, topics["spread"]: events, topics["table"]: divided.TABLE}

    def is_the_same(_: Any, output: Any) -> bool:
        return {topic.name: divided.by_key(values) for topic, values in output.items()} == undivided

    simulate(app, inputs, nodes=4, seeds=[seed], check=is_the_same)
