"""Pairs of work and floor, in one process, in turn; prints ratios.

A benchmark states its work, checks its own answer, and compares with a floor measured in the same run. Absolute times
differ from machine to machine and minute to minute; the ratio of two that ran side by side says something.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

ROUNDS = 5


@dataclass(frozen=True)
class Pair:
    """`work` and `floor` do the same and return the same answer; `count` records each; `goal`: a share of the floor."""

    name: str
    work: Callable[[], object]
    floor: Callable[[], object]
    count: int
    goal: float


def measure(pair: Pair, rounds: int = ROUNDS) -> float:
    """Run both in turn and print speeds and ratios; gives the median ratio."""
    expected = pair.floor()
    found = pair.work()  # Also warms up what is loaded once.
    assert found == expected, f"{pair.name}: the answers differ: {found!r} and {expected!r}"
    ratios = []
    for number in range(rounds):
        floor_seconds = _time(pair.floor)
        work_seconds = _time(pair.work)
        ratios.append(floor_seconds / work_seconds)
        print(
            f"  {pair.name} {number + 1}: {pair.count / work_seconds / 1e6:.2f} M/s, "
            f"floor {pair.count / floor_seconds / 1e6:.2f} M/s, ratio {ratios[-1]:.0%}"
        )
    median = statistics.median(ratios)
    print(
        f"{pair.name}: {median:.0%} of the floor (min {min(ratios):.0%}, max {max(ratios):.0%}); goal {pair.goal:.0%}"
    )
    return median


def _time(work: Callable[[], object]) -> float:
    gc.collect()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
