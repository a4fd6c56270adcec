"""Each rule of exactly-once, taken out: the simulator must notice.

A simulator that finds nothing proves nothing. Every case plants one bug by replacing one function, and runs jobs under
faults until a seed fails; the number of seeds beside it is some times what it took.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from actorstream.errors import Corrupt
from actorstream.testing import Faults, SimulationFailed, simulate
from actorstream.testing.seeds import CHOSEN
from tests.simulation import corrections, job_plants, joins, log_plants, workloads

Plant = Callable[[pytest.MonkeyPatch], None]


CASES: list[tuple[Plant, str, int]] = [
    (log_plants.no_flush_before_the_ack, "words", 60),
    (log_plants.state_is_acknowledged_before_it_is_durable, "words", 60),
    (log_plants.nothing_is_settled_when_the_log_opens, "words", 60),
    (log_plants.decided_output_is_aborted_at_the_next_epoch, "words", 60),
    (log_plants.undecided_output_is_committed_at_the_next_epoch, "words", 60),
    (log_plants.an_older_epoch_may_still_write, "words", 60),
    (log_plants.readers_see_what_is_undecided, "words", 60),
    (log_plants.repetitions_are_told_without_the_epoch, "words", 60),
    (log_plants.markers_come_before_the_decision, "words", 60),
    (job_plants.rollback_does_nothing, "words", 60),
    (job_plants.state_is_committed_when_it_is_sealed, "words", 60),
    (job_plants.a_piece_of_a_base_stands_for_all_of_it, "bank", 60),
    (job_plants.a_fetch_forgets_what_is_not_decided, "words", 60),
    (job_plants.state_is_loaded_from_undecided_ranges, "words", 60),
    (job_plants.state_is_loaded_but_for_the_last_range, "words", 60),
    (job_plants.sequences_go_on_in_the_next_epoch, "words", 60),
    (job_plants.gathered_output_outlives_its_epoch, "words", 60),
    (job_plants.a_position_is_one_batch_too_far, "pass_through", 60),
    (job_plants.a_position_is_one_batch_too_near, "pass_through", 60),
    (job_plants.barriers_are_not_aligned, "words", 60),
    (job_plants.watermarks_are_not_restored, "windows", 60),
    (job_plants.channels_keep_what_they_hold, "shared", 60),
    (job_plants.a_barrier_overtakes_what_has_come, "words", 60),
    (job_plants.a_barrier_overtakes_what_has_no_credit, "words", 60),
    (job_plants.instances_forget_each_other, "shared", 60),
    (job_plants.an_instance_loads_all_groups, "shared", 60),
    (job_plants.what_waits_for_its_turn_is_not_looked_for, "patterns", 60),
    (job_plants.chunks_are_not_looked_for, "joined_columns", 60),
    (job_plants.chunks_of_closed_windows_stay, "joined_columns", 60),
    (job_plants.deadlines_are_not_restored, "patterns", 60),
    (job_plants.late_records_that_wait_are_not_looked_for, "corrected", 30),
    (job_plants.late_records_that_wait_are_not_looked_for, "sessions", 30),
    (job_plants.late_records_that_wait_are_not_kept, "corrected", 30),
    (job_plants.late_records_that_wait_are_not_kept, "sessions", 30),
    (job_plants.windows_that_have_fired_are_forgotten, "corrected", 30),
    (job_plants.what_is_missing_is_counted_twice, "gaps", 60),
    (job_plants.a_checkpoint_falls_between_two_pieces, "words", 60),
    (log_plants.decisions_are_appended_unconditionally, "pass_through", 60),
    (log_plants.ids_that_were_given_up_are_forgotten, "pass_through", 60),
    (job_plants.files_are_visible_before_the_decision, "part_files", 60),
    (job_plants.files_are_not_committed_again, "part_files", 60),
    (job_plants.orphans_are_left, "part_files", 60),
]


@pytest.mark.skipif(CHOSEN.only is not None, reason="one seed need not find a planted bug")
@pytest.mark.parametrize(("plant", "workload", "seeds"), CASES, ids=lambda value: getattr(value, "__name__", None))
def test_the_simulator_notices(
    plant: Plant, workload: str, seeds: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Within so many seeds, one fails."""
    plant(monkeypatch)
    make: Any = next(
        getattr(module, workload) for module in (workloads, joins, corrections) if hasattr(module, workload)
    )
    job = (partial(make, tmp_path / "parts") if workload == "part_files" else make)()

    with pytest.raises(SimulationFailed) as failed:
        simulate(job.app, job.inputs, seeds=range(seeds), faults=Faults.all(), outside=job.outside, audit=job.audit)

    assert failed.value.seed < seeds


@pytest.mark.skipif(CHOSEN.only is not None, reason="one seed need not meet a lie")
def test_a_disk_that_lies_is_noticed() -> None:
    """Syncs that only pretend void every promise: something committed is gone, or the log says that it is damaged."""
    job = workloads.words()

    with pytest.raises((SimulationFailed, Corrupt)):
        simulate(job.app, job.inputs, seeds=range(100), faults=Faults(lying_sync=1.0, crash_host=2.0))
