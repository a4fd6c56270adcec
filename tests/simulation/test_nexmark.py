"""Nexmark's queries under every fault: a program that was interrupted gives what an uninterrupted one gives."""

from __future__ import annotations

import pytest

from actorstream.testing import simulate
from benchmarks.nexmark.catalogue import QUERIES
from tests.nexmark import events

SEEDS = 6
COUNT = 250


@pytest.mark.parametrize("name", QUERIES)
def test_recovered_equals_uninterrupted(name: str) -> None:
    """Crashes, lost writes and cut connections change nothing of what a query commits."""
    program = events.over_topics(QUERIES[name], events.records(events.shuffled(COUNT)))

    happened = simulate(program.app, program.given, seeds=range(SEEDS))

    assert happened["epochs"] >= SEEDS
