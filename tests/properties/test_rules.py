"""Rewrite rules keep results: random plans give the same with each rule, without it, and with all of them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstream import App
from actorstream.streams.job.memory import MemoryCluster, Outcome
from actorstream.streams.job.planning import splits
from actorstream.streams.job.spec import JobSpec, Settings
from actorstream.streams.plan.nodes import Collect
from actorstream.streams.plan.physical import RULES, Rule, optimise, physical
from actorstream.streams.plan.rules import fuse
from tests.properties.plans import STEPS, Built
from tests.streams.makers import Event, Pieces, cut, event

EVENTS = st.lists(st.builds(event, st.integers(0, 30), st.sampled_from("ab"), st.integers(0, 9)), max_size=25)
SIZES = st.lists(st.integers(1, 6), min_size=1, max_size=3)


def results(events: Sequence[Event], sizes: Sequence[int], steps: Sequence[str], rules: Sequence[Rule]) -> list[Any]:
    """What a plan of these steps collects after these rules, in one order."""
    app = App("job")
    pieces = cut(events, sizes)
    stream = app.stream(Pieces(pieces, columnar=True), event_time="at", max_delay="2s", name="columns")
    other = app.stream(Pieces(pieces), event_time="at", max_delay="3s", name="rows")
    built = Built(app, stream, other)
    for step in steps:
        built.stream = STEPS[step](built)
    into: list[Any] = []
    ends = optimise(
        (Collect(name="collect", inputs=(built.stream._node,), into=lambda batch: into.extend(batch.rows())),), rules
    )
    outcome = Outcome()
    job = JobSpec("job", physical(ends, splits), (), Settings(until="end", idle=False), outcome.report)
    with closing(MemoryCluster()) as cluster:
        cluster.run(job, outcome)
    return sorted((one.key, one.at, one.value) for one in into)


@pytest.mark.parametrize("rule", [one for one in RULES if one is not fuse], ids=lambda rule: rule.__name__)
@given(events=EVENTS, sizes=SIZES, steps=st.lists(st.sampled_from(sorted(STEPS)), max_size=6))
def test_a_rule_changes_no_result(rule: Rule, events: list[Event], sizes: list[int], steps: list[str]) -> None:
    """Neither alone nor as one of all; `fuse` is what makes row operators run, so it is always there."""
    plain = results(events, sizes, steps, [fuse])

    assert results(events, sizes, steps, [rule, fuse]) == plain
    assert results(events, sizes, steps, [one for one in RULES if one is not rule]) == plain
    assert results(events, sizes, steps, RULES) == plain
