"""What a task writes and promises: lanes, and its part of a checkpoint."""

from __future__ import annotations

from typing import Any

import pytest

from actorstream.log.client import Cut, StateRange
from actorstream.streams.engine.sinks import Gathered
from actorstream.streams.job.checkpoints import Checkpoints
from actorstream.streams.job.lanes import Lane
from actorstream.streams.job.messages import Ack, Progress
from actorstream.streams.job.pending import Pending

# --- lanes -----------------------------------------------------------------------------------------------------------


def gathered(count: int) -> Gathered:
    """So many records for one partition."""
    made = Gathered()
    made.timestamps_ms, made.keys, made.values = [0] * count, [None] * count, [b"x"] * count
    return made


def test_sequences_run_per_partition_and_slot() -> None:
    """From 0, without gaps, also over the checkpoints that share a slot."""
    lane = Lane("lane", "out")
    lane.begin(100, 3, 4)

    first = [lane.encode(0, gathered(2))[1], lane.encode(0, gathered(3))[1], lane.encode(1, gathered(1))[1]]
    lane.seal(4)
    second = lane.encode(0, gathered(1))[1]
    lane.seal(5)
    third = lane.encode(0, gathered(1))[1]

    assert (first, second, third) == ([1, 4, 0], 0, 5)


def test_a_new_epoch_counts_from_nothing() -> None:
    """With another producer epoch, so that nothing is taken for a repetition."""
    lane = Lane("lane", "out")
    lane.begin(100, 3, 4)
    lane.encode(0, gathered(2))

    lane.begin(100, 4, 6)

    assert (lane.encode(0, gathered(2))[1], lane.unanswered(), lane.open_checkpoint) == (1, 1, 6)


def test_cuts_are_known_when_all_appends_are_answered() -> None:
    """By partition the last sequence and offset; in whatever order the answers come."""
    lane = Lane("lane", "out")
    lane.begin(100, 3, 5)
    for partition, count in ((0, 2), (1, 1), (0, 3)):
        lane.encode(partition, gathered(count))
    lane.seal(5)
    lane.appended(5, 0, 4, 90)
    lane.appended(5, 1, 0, 7)
    assert not lane.is_answered(5)

    lane.appended(5, 0, 1, 80)

    assert lane.is_answered(5)
    assert lane.take_cuts(5) == {0: Cut(1, 4, 89), 1: Cut(1, 0, 6)}
    assert lane.take_cuts(5) is None


def test_the_next_checkpoints_appends_are_kept_apart() -> None:
    """What belongs to it is not in the cuts of the one before."""
    lane = Lane("lane", "out")
    lane.begin(100, 0, 1)
    lane.encode(0, gathered(1))
    lane.seal(1)
    lane.encode(0, gathered(1))

    lane.appended(1, 0, 0, 1)

    assert (lane.is_answered(1), lane.is_answered(2), lane.unanswered()) == (True, False, 1)
    assert lane.take_cuts(1) == {0: Cut(1, 0, 0)}


def test_a_checkpoint_without_output_has_no_cuts() -> None:
    """It is ready at once."""
    lane = Lane("lane", "out")
    lane.begin(100, 0, 1)
    lane.seal(1)

    assert (lane.is_answered(1), lane.take_cuts(1)) == (True, {})


# --- checkpoints -----------------------------------------------------------------------------------------------------


def ack(task: str, checkpoint: int, **parts: Any) -> Ack:
    """A task's answer."""
    empty: dict[str, Any] = {name: {} for name in ("sources", "watermarks", "state", "sinks", "handles")}
    return Ack(epoch=2, checkpoint=checkpoint, task=task, progress=Progress(), **{**empty, **parts})


def test_a_checkpoint_needs_the_answers_of_all_tasks() -> None:
    """To the same checkpoint; others do not count."""
    checkpoints = Checkpoints(["a", "b"], 7)
    assert (checkpoints.trigger(1000), checkpoints.missing()) == (7, ["a", "b"])

    assert not checkpoints.ack(ack("a", 6))
    assert not checkpoints.ack(ack("a", 7))
    assert checkpoints.missing() == ["b"]
    assert checkpoints.ack(ack("b", 7))


def test_a_decision_holds_what_all_tasks_said() -> None:
    """Positions, watermarks, state and output; lanes of two tasks into one partition, too."""
    checkpoints = Checkpoints(["a", "b"], 7)
    checkpoints.trigger(1000)
    ranges = (StateRange(0, 255, 0, 1),)
    checkpoints.ack(ack("a", 7, sources={"a": {"position": 3}}, sinks={"out-0": {"x": Cut(1, 2, 3)}}))
    checkpoints.ack(ack("b", 7, watermarks={"c": 9}, state={"s": ranges}, sinks={"out-0": {"y": Cut(1, 0, 4)}}))

    done = checkpoints.done(2, "hash", 1234)

    assert (done.epoch, done.checkpoint, done.plan_hash, done.at_us) == (2, 7, "hash", 1234)
    assert (done.sources, done.watermarks, done.state) == ({"a": {"position": 3}}, {"c": 9}, {"s": ranges})
    assert done.sinks == {"out-0": {"x": Cut(1, 2, 3), "y": Cut(1, 0, 4)}}


def test_numbers_are_never_used_again() -> None:
    """And only one checkpoint is in flight."""
    checkpoints = Checkpoints(["a"], 7)
    checkpoints.trigger(1)
    with pytest.raises(AssertionError):
        checkpoints.trigger(2)

    checkpoints.ack(ack("a", 7))
    checkpoints.decided()

    assert (checkpoints.in_flight, checkpoints.missing(), checkpoints.trigger(3)) == (None, [], 8)
    assert not checkpoints.ack(ack("a", 7))


def test_a_tasks_part_is_ready_when_nothing_is_waited_for() -> None:
    """Each thing that was named must be done."""
    pending = Pending(7)
    pending.wait("lane")
    pending.wait("changelog")
    pending.sources["a"] = {"position": 3}

    pending.done("lane")
    assert (pending.is_ready(), pending.waits_for("lane"), pending.waits_for("changelog")) == (False, False, True)
    pending.done("changelog")

    answer = pending.ack(2, "task", Progress(records_in=5))
    assert (answer.epoch, answer.checkpoint, answer.task, answer.sources) == (2, 7, "task", {"a": {"position": 3}})
    assert answer.progress.records_in == 5
