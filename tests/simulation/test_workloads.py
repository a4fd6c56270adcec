"""Jobs of every kind under every fault: what they commit is what an undisturbed run commits."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from actorstream.testing import Faults, simulate
from tests.simulation import workloads
from tests.simulation.workloads import Workload

SEEDS = 40

ALL = [
    workloads.pass_through,
    workloads.words,
    workloads.bank,
    workloads.timers,
    workloads.windows,
    workloads.lookup,
    workloads.both,
    workloads.chain,
    workloads.generated,
]


def under_faults(workload: Workload, seeds: int = SEEDS) -> Counter[str]:
    """What happened."""
    return simulate(workload.app, workload.inputs, seeds=range(seeds), outside=workload.outside, audit=workload.audit)


@pytest.mark.parametrize("make", ALL, ids=lambda make: make.__name__)
def test_the_output_is_that_of_an_undisturbed_run(make) -> None:
    """Per key the same sequence, over all keys the same records; nothing that was read is ever taken back."""
    happened = under_faults(make())

    assert all(happened[fault] > 0 for fault in Faults.all().rates())
    assert happened["epochs"] > 2 * SEEDS
    assert happened["look"] > 0


def test_files_are_never_taken_back_and_none_is_left_over(tmp_path: Path) -> None:
    """A reader of the directory sees each value once and for good; at the end no hidden part remains."""
    directory = tmp_path / "parts"

    happened = under_faults(workloads.part_files(directory))

    assert happened["crash_actor"] > 0
    assert [path.name for path in directory.iterdir() if path.name.startswith(".")] == []
