"""Jobs of every kind under every fault: what they commit is what an undisturbed run commits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from actorstream.testing import simulate
from actorstream.testing.seeds import CHOSEN
from tests.simulation import corrections, joins, workloads
from tests.simulation.workloads import Workload, assert_everything_happened

SEEDS = 40


def check(workload: Workload) -> None:
    """Under all faults, from many seeds."""
    happened = simulate(
        workload.app, workload.inputs, seeds=range(SEEDS), outside=workload.outside, audit=workload.audit
    )

    assert_everything_happened(happened, SEEDS)
    if workload.outside is None and CHOSEN.only is None:
        assert happened["aborted"] > 0


IN_TOPICS = [*workloads.IN_TOPICS, *joins.IN_TOPICS, corrections.corrected]


@pytest.mark.parametrize("make", IN_TOPICS, ids=lambda make: make.__name__)
def test_the_output_is_that_of_an_undisturbed_run(make: Callable[[], Workload]) -> None:
    """Per key the same sequence, over all keys the same records; nothing that was read is ever taken back."""
    check(make())


def test_files_are_never_taken_back_and_none_is_left_over(tmp_path: Path) -> None:
    """A reader of the directory sees each value once and for good; at the end no hidden part remains."""
    check(workloads.part_files(tmp_path / "parts"))
