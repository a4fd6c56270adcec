"""Each rule of jobs on nodes, taken out: the simulator must notice, as one that finds nothing proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from actorstream.errors import BadInput
from actorstream.streams.engine import packed
from actorstream.streams.engine.packed import Packed
from actorstream.streams.job import restoring
from actorstream.streams.job.kinds import Kinds
from actorstream.testing import SimulationFailed, simulate
from actorstream.testing.seeds import CHOSEN
from tests.simulation import joins, workloads
from tests.simulation.workloads import Workload

SEEDS = 12

Plant = Callable[[pytest.MonkeyPatch], None]


def marks_stay_behind(patch: pytest.MonkeyPatch) -> None:
    """A batch arrives without what was due before its records."""
    real = Packed.unpack

    def unpack(self: Packed, kind: Any) -> Any:
        self._parts[3] = None
        return real(self, kind)

    patch.setattr(Packed, "unpack", unpack)


def numbers_arrive_in_another_order(patch: pytest.MonkeyPatch) -> None:
    """Times, watermarks, offsets belong to other records."""
    real = packed._numbers

    def numbers(given: Any) -> Any:
        found = real(given)
        return found[::-1] if isinstance(found, list) else found

    patch.setattr(packed, "_numbers", numbers)


def types_do_not_travel(patch: pytest.MonkeyPatch) -> None:
    """Each batch is one of anything."""
    patch.setattr(Kinds, "number", lambda self, kind: 0)


def a_new_task_begins_with_nothing(patch: pytest.MonkeyPatch) -> None:
    """What replaces a task of a lost node does not load its state."""
    patch.setattr(restoring.Restoring, "start", lambda self, context, restore, groups: self._then())


CASES: list[tuple[Plant, Callable[[], Workload]]] = [
    (marks_stay_behind, workloads.timers),
    (numbers_arrive_in_another_order, workloads.windows),
    (types_do_not_travel, workloads.summaries),
    (types_do_not_travel, joins.joined_columns),
    (a_new_task_begins_with_nothing, workloads.words),
]


@pytest.mark.skipif(CHOSEN.only is not None, reason="the bug is another one's")
@pytest.mark.parametrize(("plant", "make"), CASES, ids=lambda one: one.__name__)
def test_the_simulator_notices(plant: Plant, make: Callable[[], Workload], monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a few seeds."""
    workload = make()
    plant(monkeypatch)

    with pytest.raises((SimulationFailed, BadInput)):
        simulate(workload.app, workload.inputs, nodes=4, seeds=range(SEEDS))
