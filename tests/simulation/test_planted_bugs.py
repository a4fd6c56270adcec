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

from actorstream.connectors.files.parts import PartFiles
from actorstream.errors import Corrupt
from actorstream.log import decisions, embedded, fences, producers
from actorstream.log.client import Flushed, RawDecoder
from actorstream.log.partition import Partition
from actorstream.model.instant import START_OF_TIME
from actorstream.streams.engine.sinks import TopicSinkStage
from actorstream.streams.job import coordinator, opening
from actorstream.streams.job.feeds import TopicFeed
from actorstream.streams.job.files import FileLane
from actorstream.streams.job.gate import Gate
from actorstream.streams.job.inner_task import InnerTask
from actorstream.streams.job.lanes import Lane
from actorstream.streams.job.messages import Flow
from actorstream.streams.job.restoring import Restoring
from actorstream.streams.job.source_task import SourceTask
from actorstream.streams.store.changes import decode_changes
from actorstream.streams.store.table import StateTable
from actorstream.testing import Faults, SimulationFailed, simulate
from actorstream.testing.seeds import CHOSEN
from tests.simulation import workloads

Plant = Callable[[pytest.MonkeyPatch], None]


def no_flush_before_the_ack(patch: pytest.MonkeyPatch) -> None:
    """What a checkpoint names may not be on the disk yet."""
    right = Partition._answer_when_durable

    def answer(self: Any, log: Any, context: Any, offset: int, message: Any, *, flush: bool) -> None:
        if isinstance(message, Flushed):
            context.reply(message)
        else:
            right(self, log, context, offset, message, flush=flush)

    patch.setattr(Partition, "_answer_when_durable", answer)


def state_is_acknowledged_before_it_is_durable(patch: pytest.MonkeyPatch) -> None:
    """No append is ever waited for: neither the changes of state nor the decisions themselves."""
    patch.setattr(
        Partition, "_answer_when_durable", lambda self, log, context, offset, answer, flush: context.reply(answer)
    )


def nothing_is_settled_when_the_log_opens(patch: pytest.MonkeyPatch) -> None:
    """A marker that power failure took is missing until the job begins again."""
    patch.setattr(embedded, "settle", lambda system: None)


def decided_output_is_aborted_at_the_next_epoch(patch: pytest.MonkeyPatch) -> None:
    """The partition does not hear what was committed."""
    patch.setattr(fences, "_is_committed", lambda producer, settled: False)


def undecided_output_is_committed_at_the_next_epoch(patch: pytest.MonkeyPatch) -> None:
    """Whatever is open is taken for good."""
    patch.setattr(fences, "_is_committed", lambda producer, settled: True)


def an_older_epoch_may_still_write(patch: pytest.MonkeyPatch) -> None:
    """Nobody is fenced, neither by the partition nor by what it remembers of producers."""
    patch.setattr(fences.Fences, "check", lambda self, headers: None)
    patch.setattr(fences.Fences, "open", lambda self, asked, states: [])


def readers_see_what_is_undecided(patch: pytest.MonkeyPatch) -> None:
    """No last stable offset."""
    patch.setattr(Partition, "_stable_offset", Partition._high_watermark)


def repetitions_are_told_without_the_epoch(patch: pytest.MonkeyPatch) -> None:
    """A batch of a new epoch with the sequence of an old one is taken for its repetition."""
    right = producers._judge

    def judge(header: Any, known: Any) -> Any:
        for batch in known.batches if known is not None else ():
            if (batch.first_sequence, batch.last_sequence) == (header.base_sequence, header.last_sequence):
                return producers.Repeated(batch.first_offset, batch.last_offset + 1)
        return right(header, known)

    def after(known: Any, header: Any) -> Any:
        batch = producers.ProducedBatch(
            header.base_sequence, header.last_sequence, header.base_offset, header.last_offset
        )
        before = known.batches if known is not None else ()
        open_from = known.open_from if known is not None and known.open_from is not None else header.base_offset
        return producers.Producer(header.producer_epoch, (*before, batch)[-5:], open_from)

    def ended(known: Any, header: Any) -> Any:
        return (known or producers.Producer(0))._replace(epoch=header.producer_epoch, open_from=None)

    patch.setattr(producers, "_judge", judge)
    patch.setattr(producers, "_after", after)
    patch.setattr(producers, "_ended", ended)


def markers_come_before_the_decision(patch: pytest.MonkeyPatch) -> None:
    """A partition commits what it makes durable."""
    right = Partition._answer_when_durable

    def answer(self: Any, log: Any, context: Any, offset: int, message: Any, *, flush: bool) -> None:
        right(self, log, context, offset, message, flush=flush)
        if isinstance(message, Flushed):
            opened = [(one, log.producers.epoch(one), True) for one in list(log.producers._open)]
            self._mark(log, context, opened)

    patch.setattr(Partition, "_answer_when_durable", answer)


def rollback_does_nothing(patch: pytest.MonkeyPatch) -> None:
    """A task that lives on keeps what no checkpoint decided."""
    patch.setattr(StateTable, "rollback", lambda self: None)


def state_is_committed_when_it_is_sealed(patch: pytest.MonkeyPatch) -> None:
    """A layer becomes the base before its decision."""
    right = StateTable.seal

    def seal(self: Any, checkpoint: int) -> Any:
        changes = right(self, checkpoint)
        self.commit(checkpoint)
        return changes

    patch.setattr(StateTable, "seal", seal)


def state_is_loaded_from_undecided_ranges(patch: pytest.MonkeyPatch) -> None:
    """All that lies in the changelog is applied."""

    def apply(self: Any, answer: Any) -> None:
        for offset, key, value in RawDecoder().decode(answer):
            if key is not None and key.decode() in self._tables:
                self._tables[key.decode()].load(decode_changes(value or b"", str(offset)))
        self._next = len(self._ranges)
        self._then()

    patch.setattr(Restoring, "_apply", apply)


def state_is_loaded_but_for_the_last_range(patch: pytest.MonkeyPatch) -> None:
    """One checkpoint's changes are forgotten."""
    right = Restoring.start

    def start(self: Any, context: Any, state: Any) -> None:
        right(self, context, {name: ranges[:-1] for name, ranges in state.items()})

    patch.setattr(Restoring, "start", start)


def sequences_go_on_in_the_next_epoch(patch: pytest.MonkeyPatch) -> None:
    """A lane does not begin from 0."""
    right = Lane.begin

    def begin(self: Any, *arguments: int) -> None:
        before = getattr(self, "_next_sequence", {})
        right(self, *arguments)
        self._next_sequence = before

    patch.setattr(Lane, "begin", begin)


def gathered_output_outlives_its_epoch(patch: pytest.MonkeyPatch) -> None:
    """What a sink has gathered and not sent is sent in the next epoch."""

    def take(self: Any) -> Any:
        taken, self._gathered, self._count = self._gathered, {}, 0
        return {partition: taken[partition] for partition in sorted(taken)}

    patch.setattr(TopicSinkStage, "take", take)
    patch.setattr(TopicSinkStage, "restored", lambda self: None)


def a_position_is_one_batch_too_far(patch: pytest.MonkeyPatch) -> None:
    """What was fetched counts as read."""
    patch.setattr(TopicFeed, "position", lambda self: self.next_fetch)


def a_position_is_one_batch_too_near(patch: pytest.MonkeyPatch) -> None:
    """The last batch is read again after a crash."""
    right = TopicFeed.take

    def take(self: Any) -> Any:
        before = self._position
        taken = right(self)
        if taken is not None:
            self.before_the_last = before
        return taken

    def seek(self: Any, position: Any, right_seek: Any = TopicFeed.seek) -> None:
        right_seek(self, position)
        self.before_the_last = self._position

    patch.setattr(TopicFeed, "take", take)
    patch.setattr(TopicFeed, "seek", seek)
    patch.setattr(TopicFeed, "position", lambda self: self.before_the_last)


def barriers_are_not_aligned(patch: pytest.MonkeyPatch) -> None:
    """A channel that has delivered its barrier is not blocked."""

    def following(self: Any) -> Any:
        count = len(self._channels)
        for step in range(count):
            channel = self._channels[(self._turn + step) % count]
            if channel.queue:
                self._turn = (self._turn + step + 1) % count
                return channel
        return None

    patch.setattr(Gate, "_next", following)


def watermarks_are_not_restored(patch: pytest.MonkeyPatch) -> None:
    """A source forgets how far event time was."""
    right = SourceTask.begin

    def begin(self: Any, context: Any, prepare: Any) -> None:
        right(self, context, prepare)
        self.timeline.latest = START_OF_TIME

    patch.setattr(SourceTask, "begin", begin)


def channels_keep_what_they_hold(patch: pytest.MonkeyPatch) -> None:
    """Batches of the epoch that ended are processed in the next."""

    def on_flow(self: Any, flow: Any, context: Any) -> None:
        self.gate.put(flow.channel, flow.element, (flow.records, flow.size))
        self.work(context)

    patch.setitem(InnerTask._table, Flow, on_flow)


def decisions_are_appended_unconditionally(patch: pytest.MonkeyPatch) -> None:
    """A coordinator that another took over from still decides."""
    right = opening.decision_append

    def append(decision: Any, expected_end: int, at_us: int) -> Any:
        found = right(decision, expected_end, at_us)
        return type(found)(found.batches, expected_end=None, flush=found.flush)

    patch.setattr(coordinator, "decision_append", append)
    patch.setattr(opening, "decision_append", append)


def ids_that_were_given_up_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    """A partition hears of a lane's newest producer ids alone, and two coordinators each allocate."""
    right = decisions.History.openings

    def openings(self: Any, job: str, partition: str) -> Any:
        newest = [first + slot for first in self.lanes.values() for slot in range(decisions.SLOTS)]
        return [one for one in right(self, job, partition) if one.producer_ids[0] in newest]

    patch.setattr(decisions.History, "openings", openings)
    patch.setattr(opening.Opening, "_lanes_without_ids", lambda self: list(self._job.plan.lanes()))


def files_are_visible_before_the_decision(patch: pytest.MonkeyPatch) -> None:
    """A part gets its name when it is prepared."""
    right = FileLane.seal

    def seal(self: Any, checkpoint: int) -> Any:
        handle, prepare = right(self, checkpoint)

        def both() -> None:
            prepare()
            self._sink.commit(handle)

        return handle, both if handle is not None else prepare

    patch.setattr(FileLane, "seal", seal)


def files_are_not_committed_again(patch: pytest.MonkeyPatch) -> None:
    """What was decided and not renamed before a crash is removed with the orphans."""
    right = FileLane.recovery
    patch.setattr(FileLane, "recovery", lambda self, handles: right(self, ()))


def orphans_are_left(patch: pytest.MonkeyPatch) -> None:
    """Nobody removes what no checkpoint will commit."""
    patch.setattr(PartFiles, "abort", lambda self, keep, prefix: None)


CASES: list[tuple[Plant, str, int]] = [
    (no_flush_before_the_ack, "words", 60),
    (state_is_acknowledged_before_it_is_durable, "words", 60),
    (nothing_is_settled_when_the_log_opens, "words", 60),
    (decided_output_is_aborted_at_the_next_epoch, "words", 60),
    (undecided_output_is_committed_at_the_next_epoch, "words", 60),
    (an_older_epoch_may_still_write, "words", 60),
    (readers_see_what_is_undecided, "words", 60),
    (repetitions_are_told_without_the_epoch, "words", 60),
    (markers_come_before_the_decision, "words", 60),
    (rollback_does_nothing, "words", 60),
    (state_is_committed_when_it_is_sealed, "words", 60),
    (state_is_loaded_from_undecided_ranges, "words", 60),
    (state_is_loaded_but_for_the_last_range, "words", 60),
    (sequences_go_on_in_the_next_epoch, "words", 60),
    (gathered_output_outlives_its_epoch, "words", 60),
    (a_position_is_one_batch_too_far, "pass_through", 60),
    (a_position_is_one_batch_too_near, "pass_through", 60),
    (barriers_are_not_aligned, "words", 60),
    (watermarks_are_not_restored, "windows", 60),
    (channels_keep_what_they_hold, "words", 60),
    (decisions_are_appended_unconditionally, "pass_through", 60),
    (ids_that_were_given_up_are_forgotten, "pass_through", 60),
    (files_are_visible_before_the_decision, "part_files", 60),
    (files_are_not_committed_again, "part_files", 60),
    (orphans_are_left, "part_files", 60),
]


@pytest.mark.skipif(CHOSEN.only is not None, reason="one seed need not find a planted bug")
@pytest.mark.parametrize(("plant", "workload", "seeds"), CASES, ids=lambda value: getattr(value, "__name__", None))
def test_the_simulator_notices(
    plant: Plant, workload: str, seeds: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Within so many seeds, one fails."""
    plant(monkeypatch)
    make: Any = getattr(workloads, workload)
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
