"""Bugs to plant in the tasks of jobs: each takes one rule out, by replacing a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from actorstream.actors.flow import Amount, Fence, Inlet, Outlet
from actorstream.connectors.files.parts import PartFiles
from actorstream.log.client import RawDecoder
from actorstream.model.identity import KEY_GROUPS
from actorstream.model.instant import START_OF_TIME
from actorstream.streams.engine.buckets import Buckets
from actorstream.streams.engine.gaps import GapsStage
from actorstream.streams.engine.match import MatchStage
from actorstream.streams.engine.panes import PanesStage
from actorstream.streams.engine.sessions import SessionsStage
from actorstream.streams.engine.sinks import TopicSinkStage
from actorstream.streams.engine.stragglers import Stragglers
from actorstream.streams.engine.window_stage import WindowStage
from actorstream.streams.job.checkpoints import Checkpoints
from actorstream.streams.job.elements import Barrier
from actorstream.streams.job.feeds import TopicFeed
from actorstream.streams.job.files import FileLane
from actorstream.streams.job.gate import Gate
from actorstream.streams.job.inner_task import InnerTask
from actorstream.streams.job.lanes import Lane
from actorstream.streams.job.messages import Flow
from actorstream.streams.job.restoring import Restoring
from actorstream.streams.job.source_task import SourceTask
from actorstream.streams.job.state_writer import StateWriter
from actorstream.streams.store.changes import decode_changes
from actorstream.streams.store.table import StateTable

Plant = Callable[[pytest.MonkeyPatch], None]


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


def a_piece_of_a_base_stands_for_all_of_it(patch: pytest.MonkeyPatch) -> None:
    """Whoever loads it forgets the key groups that other pieces hold."""
    right = StateWriter._piece
    patch.setattr(StateWriter, "_piece", lambda *given: right(*given)._replace(groups=range(KEY_GROUPS)))


def a_fetch_forgets_what_is_not_decided(patch: pytest.MonkeyPatch) -> None:
    """Many keys are read at once, but only from the base."""

    def fetch(self: Any, namespace: int, keys: Any) -> None:
        live = self._live.setdefault(namespace, {})
        for key in keys:
            if key not in live and key not in self._touched.get(namespace, ()) and self.is_outside:
                found = self._base.get(namespace, key)
                live[key] = None if found is None else self._decode(found)

    patch.setattr(StateTable, "fetch", fetch)


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

    def start(self: Any, context: Any, state: Any, groups: Any) -> None:
        right(self, context, {name: ranges[:-1] for name, ranges in state.items()}, groups)

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

    def size_of(self: Any, number: int) -> int | None:
        weight = self._channels[number].inlet.next_weight
        return None if weight is None else int(weight.size_bytes)

    patch.setattr(Gate, "_size_of", size_of)


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
        place = self.gate.next_place(flow.channel)
        self.gate.put(flow.channel, *place, flow.element, Amount(flow.records, flow.size))
        self.work(context)

    patch.setitem(InnerTask._table, Flow, on_flow)


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


def narrow_windows(patch: pytest.MonkeyPatch) -> None:
    """No bug, but windows of a few records, so that much waits for credit."""
    narrow = Amount(4, 64)
    patch.setattr("actorstream.actors.flow.inlet.FIRST_WINDOW", narrow)
    for window in ("FIRST_WINDOW", "LEAST_WINDOW", "MOST_WINDOW"):
        patch.setattr(f"actorstream.actors.flow.pace.{window}", narrow)


def credit_is_released_on_arrival(patch: pytest.MonkeyPatch) -> None:
    """What has come gives credit at once, as if it had been taken."""
    narrow_windows(patch)
    right = InnerTask._table[Flow]

    def on_flow(self: Any, flow: Any, context: Any) -> None:
        right(self, flow, context)
        inlet = self.gate._by_name[flow.channel].inlet
        inlet._amount = inlet._amount.plus(Amount(flow.records, flow.size))
        self.give_credit(context, flow.channel)

    patch.setitem(InnerTask._table, Flow, on_flow)
    patch.setattr(Inlet, "take", lambda self, now_us: self._queue.popleft())


def a_barrier_overtakes_what_has_come(patch: pytest.MonkeyPatch) -> None:
    """At the receiver it goes before batches that wait to be processed."""
    right = Inlet.put

    def put(self: Any, epoch: int, sequence: int, element: Any, weight: Any) -> bool:
        came = right(self, epoch, sequence, element, weight)
        if came and isinstance(element, Barrier):
            self._queue.appendleft(self._queue.pop())
        return came

    patch.setattr(Inlet, "put", put)


def a_barrier_overtakes_what_has_no_credit(patch: pytest.MonkeyPatch) -> None:
    """At the sender it goes before batches that wait for credit, as it needs none."""
    narrow_windows(patch)
    right = Outlet.offer

    def offer(self: Any, element: Any, weight: Any) -> None:
        right(self, element, weight)
        if isinstance(element, Barrier):
            self._waiting.appendleft(self._waiting.pop())

    patch.setattr(Outlet, "offer", offer)


def a_higher_epoch_is_accepted(patch: pytest.MonkeyPatch) -> None:
    """What comes from an epoch that the receiver has not opened is taken in with the rest."""
    patch.setattr(Fence, "lets_in", lambda self, epoch, sequence: epoch >= self.epoch)


def what_waits_for_its_turn_is_not_looked_for(patch: pytest.MonkeyPatch) -> None:
    """After a recovery the records that wait to be matched lie in the state, and nobody comes to fetch them."""
    patch.setattr(Buckets, "rebuild", lambda self: None)


def deadlines_are_not_restored(patch: pytest.MonkeyPatch) -> None:
    """After a recovery nothing tells that the time of a partial match is over."""
    right = MatchStage.restored

    def restored(self: Any) -> None:
        right(self)
        self._deadlines.clear()

    patch.setattr(MatchStage, "restored", restored)


def chunks_are_not_looked_for(patch: pytest.MonkeyPatch) -> None:
    """What a join over columns had kept is there, but not joined with what comes."""
    patch.setattr("actorstream.streams.store.chunks.ChunkTable.chunks", lambda self: [])


def chunks_of_closed_windows_stay(patch: pytest.MonkeyPatch) -> None:
    """A record whose window has closed is met by one of a window that comes."""

    def between(self: Any, start: int, end: int) -> Any:
        return self.frame

    patch.setattr("actorstream.streams.engine.column_join._Part.between", between)


def what_is_missing_is_counted_twice(patch: pytest.MonkeyPatch) -> None:
    """The numbers of producers begin anew in each epoch."""
    patch.setattr(GapsStage, "restored", lambda self: [self._numberings.delete_namespace(one) for one in range(3)])


def a_checkpoint_falls_between_two_pieces(patch: pytest.MonkeyPatch) -> None:
    """What must wait until all stages are through does not."""

    def once_through(self: Any, action: Callable[[], None]) -> None:
        action()

    patch.setattr("actorstream.streams.engine.rows.PIECE_RECORDS", 1)
    patch.setattr("actorstream.streams.job.task.Task.once_through", once_through)


def instances_forget_each_other(patch: pytest.MonkeyPatch) -> None:
    """Of a state that several instances share, the decision holds what the last of them wrote."""
    right = Checkpoints.done

    def done(self: Any, *arguments: Any) -> Any:
        decided = right(self, *arguments)
        return msgspec.structs.replace(decided, state={name: ranges[-1:] for name, ranges in decided.state.items()})

    patch.setattr(Checkpoints, "done", done)


def an_instance_loads_all_groups(patch: pytest.MonkeyPatch) -> None:
    """Also those of the others, so that what they emit is emitted twice."""
    right = Restoring.start
    patch.setattr(
        Restoring,
        "start",
        lambda self, context, state, groups: right(self, context, state, range(KEY_GROUPS)),
    )


def late_records_that_wait_are_not_looked_for(patch: pytest.MonkeyPatch) -> None:
    """After a recovery those that are to correct windows lie in the state, and nobody comes to fetch them."""
    patch.setattr(Stragglers, "restored", lambda self: self._turns.clear())


def late_records_that_wait_are_not_kept(patch: pytest.MonkeyPatch) -> None:
    """No checkpoint holds those that wait for their turn."""
    for stage in (PanesStage, SessionsStage):

        def begin(self: Any, *arguments: Any, right: Any = stage.__init__) -> None:
            right(self, *arguments)
            self.tables = self.tables[:1]

        patch.setattr(stage, "__init__", begin)


def windows_that_have_fired_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    """After a recovery those that are kept for late records are due once more."""
    patch.setattr(PanesStage, "resume_at", WindowStage.resume_at)
