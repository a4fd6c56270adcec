"""Rewrite rules keep results: random plans give the same with each rule, without it, and with all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstream import App, agg, tumbling
from actorstream.streams.job.memory import MemoryCluster, Outcome
from actorstream.streams.job.planning import splits
from actorstream.streams.job.spec import JobSpec, Settings
from actorstream.streams.plan.nodes import Collect
from actorstream.streams.plan.physical import RULES, Rule, optimise, physical
from actorstream.streams.plan.rules import fuse
from tests.streams.makers import Event, Pieces, cut, event

Step = Callable[["Built"], Any]


@dataclass
class Built:
    """A plan as far as it is built: the newest stream, and another one to bring in."""

    app: App
    stream: Any
    other: Any


def _map(value: Event) -> Event:
    return value.replace(value=value.value * 3)


def _is_odd(value: Event) -> bool:
    return value.value % 2 == 1


def _windows(built: Built, **options: Any) -> Any:
    windows = built.stream.key_by("key").window(tumbling("4s"))
    return windows.aggregate(Event, **options, value=agg.sum("value"), at=agg.max("at"))


STEPS: dict[str, Step] = {
    "where": lambda built: built.stream.where(pl.col("value") > 2),
    "where key": lambda built: built.stream.where(pl.col("key") != "b"),
    "keyed where": lambda built: built.stream.key_by("key").where(pl.col("value") % 3 > 0).where(pl.col("value") < 50),
    "with_columns": lambda built: built.stream.with_columns(value=pl.col("value") + 1, into=Event),
    "with other": lambda built: built.stream.with_columns(key=pl.col("key") + "b", into=Event),
    "select": lambda built: built.stream.select("at", "value", "key", into=Event),
    "map": lambda built: built.stream.map(_map),
    "filter": lambda built: built.stream.filter(lambda one: one.value % 2 == 0),
    "keyed filter": lambda built: built.stream.key_by("key").filter(lambda one: one.value > 3),
    "union": lambda built: built.stream.union(built.other),
    "with itself": lambda built: built.stream.where(pl.col("value") > 3).union(built.stream),
    "split": lambda built: built.stream.key_by("key").split(odd=_is_odd, rest=lambda one: True)[0],
    "windows": _windows,
    "divided windows": lambda built: _windows(built, parallelism=3),
}

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
