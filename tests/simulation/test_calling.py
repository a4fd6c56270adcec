"""Jobs that await coroutines, under every fault; and bugs that must be noticed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from actorstream.streams.engine.asynchronous import AsyncStage
from actorstream.testing import Faults, SimulationFailed, run, simulate
from actorstream.testing.seeds import CHOSEN
from tests.simulation import calling
from tests.simulation.workloads import Workload, assert_everything_happened

SEEDS = 40


@pytest.mark.parametrize("make", [calling.calling, calling.calling_in_any_order], ids=lambda make: make.__name__)
def test_what_is_awaited_counts_once(make: Callable[[], Workload]) -> None:
    """Results, dead letters, and windows over results are those of an undisturbed run."""
    workload = make()

    happened = simulate(workload.app, workload.inputs, seeds=range(SEEDS))

    assert_everything_happened(happened, SEEDS)
    assert happened["aborted"] > 0


def test_calls_may_stand_anywhere() -> None:
    """What lies between them is held back, and comes, with the rest."""
    workload = calling.calling_everywhere()

    happened = simulate(workload.app, workload.inputs, seeds=range(20))

    assert_everything_happened(happened, 20)


def test_a_seed_is_the_same_run_each_time() -> None:
    """Coroutines and actors share one order of events."""
    workload = calling.calling_in_any_order()

    first, again = (simulate(workload.app, workload.inputs, seeds=[7]) for _ in range(2))

    assert first == again


def test_results_come_in_another_order_where_order_is_not_kept() -> None:
    """In memory, too."""
    in_order, in_any = calling.calling(), calling.calling_in_any_order()

    ordered, mixed = (run(one.app, one.inputs) for one in (in_order, in_any))

    called, mixed_called = ([event.value for event in _of(output, "called")] for output in (ordered, mixed))
    assert called != mixed_called
    assert sorted(called) == sorted(mixed_called)
    assert _of(ordered, "counts") == _of(mixed, "counts")


def _of(output: Any, name: str) -> list[Any]:
    return next(values for topic, values in output.items() if topic.name == name)


def a_barrier_overtakes_calls(patch: pytest.MonkeyPatch) -> None:
    """A checkpoint does not wait for what is under way."""
    patch.setattr(AsyncStage, "then", lambda self, action: action())


def a_mark_overtakes_calls(patch: pytest.MonkeyPatch) -> None:
    """Event time does not wait for what is under way."""
    patch.setattr(AsyncStage, "pass_mark", lambda self, watermark, action: action())


def what_is_under_way_outlives_its_epoch(patch: pytest.MonkeyPatch) -> None:
    """The line is not cleared when an epoch begins."""
    right = AsyncStage.begin

    def begin(self: Any, watermark: int) -> None:
        if not hasattr(self, "_line"):
            right(self, watermark)

    patch.setattr(AsyncStage, "begin", begin)


@pytest.mark.skipif(CHOSEN.only is not None, reason="one seed need not find a planted bug")
@pytest.mark.parametrize(
    "plant",
    [
        a_barrier_overtakes_calls,
        a_mark_overtakes_calls,
        what_is_under_way_outlives_its_epoch,
    ],
    ids=lambda plant: plant.__name__,
)
def test_the_simulator_notices(plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Within so many seeds, one fails."""
    workload = calling.calling()
    expected = run(workload.app, workload.inputs)
    plant(monkeypatch)
    check = partial(_as_expected, expected) if plant is a_mark_overtakes_calls else None

    with pytest.raises(SimulationFailed):
        simulate(workload.app, workload.inputs, seeds=range(60), faults=Faults.all(), check=check)


def _as_expected(expected: Any, inputs: Any, output: Any) -> bool:
    return bool(sorted(map(str, _of(expected, "counts"))) == sorted(map(str, _of(output, "counts"))))
