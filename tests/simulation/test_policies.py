"""Failure policies under every fault: what is left out, and what is written about it, is as in an undisturbed run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from actorstream import App, ListState, ValueState, dead_letter, retry, skip
from actorstream.testing import SimulationFailed, simulate
from actorstream.testing.seeds import CHOSEN
from tests.simulation.job_plants import a_checkpoint_falls_between_two_pieces
from tests.simulation.workloads import Workload, assert_everything_happened

SEEDS = 25


def policies() -> Workload:
    """Numbers of which some fail for good, some now and then, some in the middle of changing the state."""
    app = App("policies")
    numbers = app.topic("numbers", int, partitions=2, key=lambda n: n % 5)
    sums = app.topic("sums", int, partitions=2)
    bad = app.topic("bad", key=lambda letter: letter["record"])
    calls: Counter[int] = Counter()

    def flaky(n: int) -> int:
        calls[n] += 1
        if n % 10 == 0 and calls[n] % 3:
            raise OSError("not now")
        return n

    steady = app.stream(numbers).map(flaky, on_error=retry(times=3, backoff="5ms..20ms"))
    known = steady.map(lambda n: n + 0 // (n % 7), name="known", on_error=dead_letter(bad))

    @known.key_by(lambda n: n % 5, name="key").process(on_error=skip)
    def add(n: int, total: ValueState[int], seen: ListState[int]) -> Iterator[int]:
        total.set((total.get() or 0) + n)
        seen.append(n)
        yield (total.get() or 0) * 1000 + len(seen)
        if n % 11 == 0:
            raise ValueError(n)

    add.to(sums)
    return Workload(app, {numbers: range(160)})


def test_policies_are_exactly_once() -> None:
    """Dead letters, results, and the state that they come from."""
    workload = policies()

    happened = simulate(workload.app, workload.inputs, seeds=range(SEEDS))

    assert_everything_happened(happened, SEEDS)
    assert happened["aborted"] > 0


@pytest.mark.skipif(CHOSEN.only is not None, reason="one seed need not find a planted bug")
def test_a_checkpoint_in_the_middle_of_a_retry_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The record that is being tried would be lost with a crash after it."""
    a_checkpoint_falls_between_two_pieces(monkeypatch)
    workload = policies()

    with pytest.raises(SimulationFailed):
        simulate(workload.app, workload.inputs, seeds=range(SEEDS))
