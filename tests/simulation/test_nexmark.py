"""Nexmark's queries under every fault: a program that was interrupted gives what an uninterrupted one gives."""

from __future__ import annotations

from typing import Any

import pytest

from actorstream.testing import simulate
from benchmarks.nexmark import reference
from benchmarks.nexmark.catalogue import QUERIES
from tests.nexmark import events

SEEDS, SEEDS_ON_NODES = 6, 2
NODES = 4
COUNT = 250


@pytest.mark.parametrize("name", QUERIES)
def test_recovered_equals_uninterrupted(name: str) -> None:
    """Crashes, lost writes and cut connections change nothing of what a query commits."""
    program = events.over_topics(QUERIES[name], events.records(events.shuffled(COUNT)))

    happened = simulate(program.app, program.given, seeds=range(SEEDS))

    assert happened["epochs"] >= SEEDS


@pytest.mark.parametrize("name", QUERIES)
def test_four_nodes_equal_one(name: str) -> None:
    """Also when nodes are lost: operators of two partitions are on several of them.

    What is updated as records arrive depends on which partition comes first, but for the last update.
    """
    query, arrived = QUERIES[name], events.records(events.shuffled(COUNT))
    program = events.over_topics(query, arrived, partitions=2)
    expected = reference.found(query, events.answered(query, arrived))

    def is_the_last(inputs: Any, output: Any) -> bool:
        return reference.found(query, output[program.answers]) == expected

    happened = simulate(
        program.app,
        program.given,
        nodes=NODES,
        seeds=range(SEEDS_ON_NODES),
        check=is_the_last if query.latest else None,
    )

    assert happened["epochs"] >= SEEDS_ON_NODES
