"""Joins of windows give the same over columns as by rows, whatever the batches, the order, and who is late."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from actorstream import App, Record, sliding, tumbling
from actorstream.streams.engine import column_join, pairing
from actorstream.streams.job.memory import MemoryCluster, Outcome
from actorstream.streams.job.planning import splits
from actorstream.streams.job.spec import JobSpec, Settings
from actorstream.streams.plan.joins import WindowJoin
from actorstream.streams.plan.nodes import Collect, walk
from actorstream.streams.plan.physical import RULES, optimise, physical
from actorstream.streams.plan.rules import choose_joins
from actorstream.streams.windows import WindowSpec
from tests.streams.makers import Event, Pieces, cut, event, seconds


class Pair(Record):
    """What both sides say."""

    key: str | None
    value: int | None
    value_right: int | None


EVENTS = st.lists(st.builds(event, st.integers(0, 40), st.sampled_from("ab"), st.integers(0, 9)), max_size=25)
SIZES = st.lists(st.integers(1, 6), min_size=1, max_size=3)
WINDOWS = st.sampled_from([tumbling("5s"), sliding("6s", every="4s"), sliding("9s", every="3s"), sliding("7s", "2s")])
HOWS = st.sampled_from(["inner", "left", "outer"])
DELAYS = st.sampled_from(["0s", "3s", "60s"])

Found = tuple[list[Any], list[Any], list[Any]]
"""What each key gives, in order; all that it gives; what is late."""


def results(
    inputs: tuple[Sequence[Event], Sequence[Event]],
    sizes: Sequence[int],
    window: WindowSpec,
    how: str,
    delay: str,
    columns: tuple[bool, bool, bool],
) -> tuple[dict[Any, list[Any]], list[Any]]:
    """What each key gives, in order, and what is late.

    Args:
        columns: whether the left and the right come as columns, and whether the join is over columns.
    """
    app = App("job")
    sides = [
        app.stream(Pieces(cut(events, sizes), columnar=columnar), event_time="at", max_delay=delay, name=name)
        for events, columnar, name in zip(inputs, columns, ("one", "other"), strict=False)
    ]
    left, right = (side.key_by("key").window(window) for side in sides)
    joined = left.join(right, into=Pair, how=how, name="joined")
    into: list[Any] = []
    late: list[Any] = []
    ends: Any = (
        Collect(name="pairs", inputs=(joined._node,), into=lambda batch: into.extend(batch.rows())),
        Collect(name="late", inputs=(joined.late._node,), into=lambda batch: late.extend(batch.rows())),
    )
    ends = optimise(ends, [rule for rule in RULES if columns[2] or rule is not choose_joins])
    assert [one.over_columns for one in walk(ends) if isinstance(one, WindowJoin)] == [columns[2]]
    outcome = Outcome()
    job = JobSpec("job", physical(ends, splits), (), Settings(until="end", idle=False), outcome.report)
    with closing(MemoryCluster()) as cluster:
        cluster.run(job, outcome)
    by_key: dict[Any, list[Any]] = {}
    for pair in into:
        by_key.setdefault(pair.key, []).append((pair.value, pair.value_right))
    return by_key, sorted((one.key, seconds(one.at), one.value) for one in late)


@given(EVENTS, EVENTS, SIZES, SIZES, WINDOWS, HOWS, DELAYS, st.booleans(), st.booleans())
def test_columns_give_what_rows_give(
    left: list[Event],
    right: list[Event],
    sizes: list[int],
    others: list[int],
    window: WindowSpec,
    how: str,
    delay: str,
    left_columns: bool,
    right_columns: bool,
) -> None:
    """Each key the same pairs in the same order, and the same records are late; however the batches are cut."""
    rows = results((left, right), sizes, window, how, delay, (False, False, False))

    assert results((left, right), others, window, how, delay, (left_columns, right_columns, True)) == rows


@given(EVENTS, EVENTS, WINDOWS, HOWS)
def test_the_pairs_are_those_of_every_window(
    left: list[Event], right: list[Event], window: WindowSpec, how: str
) -> None:
    """As found one by one."""
    found, late = results((left, right), [4], window, how, "60s", (True, True, True))

    assert late == []
    pairs = Counter((key, *pair) for key, pairs in found.items() for pair in pairs)
    assert pairs == brute(left, right, window, how)


def brute(left: Sequence[Event], right: Sequence[Event], window: WindowSpec, how: str) -> Counter[Any]:
    """Every pair of each window, by looking at all."""
    size, every = window.size_us // 1_000_000, window.every_us // 1_000_000
    pairs: list[Any] = []
    for start in range(-100 * every, 100 * every, every):  # The tests' day begins at a multiple of every size here.
        for key in "ab":
            lefts, rights = (
                [one.value for one in side if one.key == key and start <= seconds(one.at) < start + size]
                for side in (left, right)
            )
            pairs += [(key, one, other) for one in lefts for other in rights]
            pairs += [(key, one, None) for one in lefts if not rights and how != "inner"]
            pairs += [(key, None, other) for other in rights if not lefts and how == "outer"]
    return Counter(pairs)


@example([event(5, "a", 0), event(5, "a", 1)], [event(0, "a", 2)], tumbling("5s"), "outer", 1, 3)  # A window each.
@given(EVENTS, EVENTS, WINDOWS, HOWS, st.integers(1, 6), st.integers(1, 6))
def test_pieces_do_not_matter(
    left: list[Event], right: list[Event], window: WindowSpec, how: str, pairs_max: int, due_max: int
) -> None:
    """How many pairs are made, and how many records are joined at once."""
    whole = results((left, right), [5], window, how, "3s", (True, True, True))
    before = pairing.PAIRS_MAX, column_join.DUE_RECORDS
    try:
        pairing.PAIRS_MAX, column_join.DUE_RECORDS = pairs_max, due_max

        assert results((left, right), [5], window, how, "3s", (True, True, True)) == whole
    finally:
        pairing.PAIRS_MAX, column_join.DUE_RECORDS = before
