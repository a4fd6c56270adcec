"""Folding batches before they are divided among instances changes nothing, whatever is late, however they are cut."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstream import App, agg, sliding
from actorstream.streams.engine.aggregate import Aggregated, AggregatePanesStage
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.keys import KeyStage
from actorstream.streams.engine.pre_aggregate import PreAggregateStage
from actorstream.streams.engine.stage import Stage
from actorstream.streams.frames import rows_to_frame
from actorstream.streams.job.memory import MemoryCluster, Outcome
from actorstream.streams.job.planning import splits
from actorstream.streams.job.spec import JobSpec, Settings
from actorstream.streams.plan.nodes import Collect, KeyBy, WindowAggregate, walk
from actorstream.streams.plan.partial import PreAggregate
from actorstream.streams.plan.physical import RULES, Rule, optimise, physical
from actorstream.streams.plan.rules import pre_aggregate
from tests.properties.programs import Reading, delays, inputs, reading, sizes, windows
from tests.properties.reference import Given
from tests.streams.makers import Pieces, cut, us

AGGREGATES = {
    "n": agg.count(),
    "total": agg.sum("value"),
    "weight": agg.mean("weight"),
    "least": agg.min("value"),
    "different": agg.distinct("value"),
}
IN_ORDER = {
    "first": agg.first("value"),
    "last": agg.last("value"),
    "all": agg.collect("value"),
    "top": agg.top(2, by="value"),
    "own": agg.of(int, lambda n, one: n + one.value, lambda one, other: one + other, lambda n: n),
}


def results(
    records: Sequence[Given], pieces: Sequence[int], windows: Any, aggregates: Any, rules: Sequence[Rule], **of: Any
) -> list[Any]:
    """What windows over three instances give, sorted."""
    app = App("job")
    shares = [records[start::2] for start in (0, 1)]
    streams = [
        app.stream(
            Pieces(cut([reading(one) for one in share], pieces), kind=Reading, columnar=of["columnar"]),
            event_time="at",
            max_delay=f"{of['delay']}s",
            name=f"readings {number}",
        )
        for number, share in enumerate(shares)
    ]
    window = sliding(f"{windows[0]}s", every=f"{windows[1]}s")
    counts = streams[0].union(streams[1]).key_by("key").window(window).aggregate(parallelism=3, **aggregates)
    into: list[Any] = []
    ends = optimise(
        (Collect(name="collect", inputs=(counts._node,), into=lambda batch: into.extend(batch.rows())),), rules
    )
    outcome = Outcome()
    job = JobSpec("job", physical(ends, splits), (), Settings(until="end", idle=False), outcome.report)
    with closing(MemoryCluster()) as cluster:
        cluster.run(job, outcome)
    return sorted(repr(one) for one in into)


@pytest.mark.parametrize("aggregates", [AGGREGATES, IN_ORDER], ids=["of any order", "in order"])
@given(records=inputs, sizes=sizes, windows=windows, delay=delays, columnar=st.booleans())
def test_partial_aggregates_give_what_records_give(
    aggregates: Any, records: list[Given], sizes: list[int], windows: Any, delay: int, columnar: bool
) -> None:
    """Of two streams with late records, as rows and as columns."""
    without = [rule for rule in RULES if rule is not pre_aggregate]
    of = {"delay": delay, "columnar": columnar}

    assert results(records, sizes, windows, aggregates, RULES, **of) == results(
        records, sizes, windows, aggregates, without, **of
    )


class Kept(Stage):
    """Remembers the values it is given."""

    def __init__(self) -> None:
        super().__init__("kept")
        self.values: list[Any] = []

    def push(self, batch: Batch) -> None:
        """Take a batch."""
        self.values += map(repr, batch.rows())


def found_at(reached: int, records: list[Given], window: Any, *, folds: bool, columnar: bool) -> tuple[list[Any], int]:
    """What windows that are at `reached` seconds make of one batch, and how many of it were late for them."""
    app = App("job")
    stream = app.stream([], event_time="at", name="readings").key_by("key").window(window)
    counts = stream.aggregate(name="counts", parallelism=2, n=agg.count(), total=agg.sum("value"))
    plan = walk(pre_aggregate((counts._node,)))
    windows, kept = next(one for one in plan if isinstance(one, WindowAggregate)), Kept()
    stage = AggregatePanesStage(windows, Aggregated(windows))
    stage.outputs.append(kept)
    stage.advance(us(reached))
    head: Stage = KeyStage(next(one for one in plan if isinstance(one, KeyBy)), lambda: 0)
    folding = PreAggregateStage(next(one for one in plan if isinstance(one, PreAggregate)))
    head.outputs.append(folding if folds else stage)
    folding.outputs.append(stage)
    rows = [reading(one) for one in records]
    values: Any = {"frame": rows_to_frame(rows, Reading)} if columnar else {"rows": rows}
    times = [us(one.second) for one in records]
    marks = list(accumulate((time - us(5) for time in times), max))
    head.push(Batch(**values, kind=Reading, times=times, own=marks, marks=marks, offsets=range(len(rows))))
    stage.advance(us(1_000))
    return kept.values, stage.late_records


@given(records=inputs.filter(len), reached=st.integers(-50, 70), window=windows, columnar=st.booleans())
def test_what_is_late_only_because_an_idle_partition_was_passed_over(
    records: list[Given], reached: int, window: Any, columnar: bool
) -> None:
    """A receiver whose time is ahead of the partition's own leaves out, and counts, the same records."""
    spec = sliding(f"{window[0]}s", every=f"{window[1]}s")

    folded = found_at(reached, records, spec, folds=True, columnar=columnar)

    assert folded == found_at(reached, records, spec, folds=False, columnar=columnar)
