"""The schedules that break simpler protocols, one by one; their numbers are those of the design's list of schedules.

Two more are in `test_coordinators` (13, who coordinates) and `test_planted_bugs` (15, exactly the ranges named).
"""

from __future__ import annotations

from typing import Any

import pytest

from actorstream.actors.flow import Outlet
from actorstream.actors.flow.amount import FIRST_WINDOW
from actorstream.errors import JobFailed
from actorstream.host import Entropy, MemoryDisk
from actorstream.log.client import (
    SLOTS,
    Append,
    CreateTopic,
    Done,
    Epoch,
    Fetch,
    History,
    ListOffsets,
    OpenEpoch,
    RawDecoder,
    StateRange,
    TopicDecoder,
    catalogue_ref,
    decode_decision,
    encode_records,
    job_topic,
    partition_ref,
)
from actorstream.log.decisions import verdict
from actorstream.log.fences import JOB_PRODUCERS_FROM
from actorstream.log.messages import Settled, WriteMarkers
from actorstream.model.topic import Topic, TopicSpec
from actorstream.streams.job.elements import Barrier
from actorstream.streams.job.memory import MemoryCluster, Outcome
from actorstream.streams.job.opening import decision_append
from actorstream.streams.job.planning import job_spec
from actorstream.streams.job.spec import Settings
from actorstream.streams.store.table import StateTable
from actorstream.testing import run
from actorstream.testing.schedule import Witness
from tests.simulation import workloads

T = Topic("t", int)
PARTITION = partition_ref("t", 0)
ID = JOB_PRODUCERS_FROM


def cluster_with(topic: str) -> MemoryCluster:
    """A log with one topic of one partition."""
    cluster = MemoryCluster()
    cluster.ask(catalogue_ref(), CreateTopic(TopicSpec(topic)))
    return cluster


def batch(values: list[int], *, epoch: int, sequence: int, slot: int = 0) -> Append:
    """Provisional output of a lane."""
    return Append(
        encode_records(
            [0] * len(values),
            [None] * len(values),
            [b"%d" % value for value in values],
            producer_id=ID + slot,
            producer_epoch=epoch,
            base_sequence=sequence,
            transactional=True,
        )
    )


def opened(epoch: int, settled: tuple[Settled, ...] = ()) -> OpenEpoch:
    """The job's epoch begins in a partition."""
    return OpenEpoch("job", epoch, tuple(ID + slot for slot in range(SLOTS)), settled)


def visible(cluster: MemoryCluster) -> list[int]:
    """What a reader of committed records sees."""
    answer: Any = cluster.ask(PARTITION, Fetch(0))
    return [value for one in TopicDecoder(int).decode(answer, 0, answer.next_offset) for value in one.values]


def decisions(cluster: MemoryCluster, job: str) -> list[Any]:
    """What lies in a job's log."""
    answer: Any = cluster.ask(partition_ref(job_topic(job), 0), Fetch(0, committed=False, max_bytes=1 << 24))
    return [decode_decision(value or b"", "test") for _, _, value in RawDecoder().decode(answer)]


def epoch(number: int, first: int) -> Epoch:
    """An epoch of a job with one lane."""
    lanes = {"lane": ID} if number == 1 else {}
    return Epoch(number, first, {}, lanes, ("t",), number, "plan", "test", 0)


# --- the job's log ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_first", ["done", "epoch"])
def test_schedule_1_a_decision_and_a_new_epoch_race(is_first: str) -> None:
    """1: whichever is first is there, the other is refused; nothing is both committed and aborted."""
    cluster = cluster_with(job_topic("job"))
    log = partition_ref(job_topic("job"), 0)
    cluster.ask(log, decision_append(epoch(1, 1), 0, 0))
    racing = {"done": decision_append(Done(1, 1, "plan", 0), 1, 0), "epoch": decision_append(epoch(2, 3), 1, 0)}
    cluster.ask(log, racing.pop(is_first))

    with pytest.raises(JobFailed, match="the log ends at 2, not at 1"):
        cluster.ask(log, racing.popitem()[1])

    kinds = [type(one).__name__ for one in decisions(cluster, "job")]
    assert kinds == ["Epoch", "Done" if is_first == "done" else "Epoch"]


def test_schedule_2_a_new_epoch_sends_the_same_sequence_again() -> None:
    """2: sequences begin anew with each epoch, so it repeats nothing; the older epoch is fenced, also after a crash."""
    cluster = cluster_with("t")
    cluster.ask(PARTITION, opened(0))
    cluster.ask(PARTITION, batch([1], epoch=0, sequence=0))
    cluster.ask(PARTITION, opened(1))

    cluster.ask(PARTITION, batch([1], epoch=1, sequence=0))
    cluster.ask(PARTITION, WriteMarkers(((ID, 1),), commit=True))

    assert visible(cluster) == [1]
    with pytest.raises(JobFailed, match="took over"):
        cluster.ask(PARTITION, batch([2], epoch=0, sequence=1))
    cluster.system.crash(PARTITION)
    with pytest.raises(JobFailed, match=r"not open|took over"):
        cluster.ask(PARTITION, batch([2], epoch=0, sequence=1))


def test_schedule_3_a_marker_does_not_commit_the_next_checkpoint() -> None:
    """3: output of n+1 that is there before the marker of n has a producer id of its own, and stays undecided."""
    cluster = cluster_with("t")
    cluster.ask(PARTITION, opened(0))
    cluster.ask(PARTITION, batch([1, 2], epoch=0, sequence=0, slot=0))
    cluster.ask(PARTITION, batch([3], epoch=0, sequence=0, slot=1))

    cluster.ask(PARTITION, WriteMarkers(((ID, 0),), commit=True))

    assert visible(cluster) == [1, 2]
    cluster.ask(PARTITION, opened(1))
    assert visible(cluster) == [1, 2]


@pytest.mark.parametrize("seed", range(12))
def test_schedule_4_what_a_decision_names_survives_power_failure(seed: int) -> None:
    """4: though the log never flushes by itself, positions, state and output of the last decision are there."""
    job = workloads.words()
    cluster = MemoryCluster(seed=seed)
    for topic, values in job.inputs.items():
        cluster.write(topic, values, batch_records=2)
    settings = Settings(checkpoint_us=3_000, until="end", idle=False, fetch_bytes_max=1, gather_records=4)
    cluster.start(job_spec(job.app._program, settings))
    log = partition_ref(job_topic("words"), 0)
    witness = Witness()
    cluster.system.simulator.trace = witness
    witness.wait_for("Committed")
    cluster.system.run(until=lambda: witness.count > seed, steps_max=20_000)
    disk = cluster.host.disk
    assert isinstance(disk, MemoryDisk)
    disk.crash_host(Entropy(seed))
    cluster.close()

    again = MemoryCluster(host=cluster.host)

    history = History()
    answer: Any = again.ask(log, Fetch(0, committed=False, max_bytes=1 << 24))
    for offset, _, value in RawDecoder().decode(answer):
        history.apply(decode_decision(value or b"", "test"), offset)
    for source, saved in history.sources.items():
        end: Any = again.ask(partition_ref("lines", int(source[-2])), ListOffsets())
        assert saved["position"] <= end.high_watermark
    assert history.done is not None
    for partition, lanes in history.done.sinks.items():
        topic, _, number = partition.rpartition("-")
        end = again.ask(partition_ref(topic, int(number)), ListOffsets())
        assert all(cut.last_offset < end.last_stable_offset for cut in lanes.values())


def test_schedule_5_a_value_changed_in_place_is_rolled_back() -> None:
    """5: nobody but its own layer holds the object that a function appended to."""
    table: StateTable[list[int]] = StateTable("recent", list[int])
    table.put(0, b"k", [1])
    table.seal(1)
    table.commit(1)
    value = table.get(0, b"k")
    assert value is not None
    value.append(2)
    table.put(0, b"k", value)
    table.seal(2)

    table.rollback()

    assert table.get(0, b"k") == [1]


@pytest.mark.parametrize(
    ("decided", "epoch_", "sequence", "offset", "newest", "expected"),
    [
        (Settled(1, 3, 9, 20), 3, 9, 20, 3, "committed"),
        (Settled(1, 3, 9, 20), 3, 5, 10, 7, "committed"),
        (Settled(1, 3, 9, 20), 3, 9, 25, 3, "aborted"),  # The same sequence, further on: never decided.
        (Settled(1, 3, 9, 20), 3, 10, 21, 3, "undecided"),
        (Settled(1, 3, 9, 20), 3, 10, 21, 4, "aborted"),
        (Settled(1, 3, 9, 20), 4, 0, 30, 4, "undecided"),
        (None, 3, 0, 0, 3, "undecided"),
        (None, 3, 0, 0, 4, "aborted"),
    ],
)
def test_schedule_8_every_batch_has_one_verdict(
    decided: Settled | None, epoch_: int, sequence: int, offset: int, newest: int, expected: str
) -> None:
    """8: committed, aborted or undecided follows from the job's log alone, for any batch."""
    assert verdict(decided, epoch_, sequence, offset, newest) == expected


def finished() -> tuple[MemoryCluster, workloads.Workload]:
    """A job that has come to the end of its input."""
    job = workloads.words()
    cluster, outcome = MemoryCluster(seed=4), Outcome()
    for topic, values in job.inputs.items():
        cluster.write(topic, values)
    cluster.run(job_spec(job.app._program, Settings(until="end", idle=False), report=outcome.report), outcome)
    return cluster, job


def test_schedule_9_a_stop_fences() -> None:
    """9: a stop is an epoch; what a task of the job still sends afterwards is refused."""
    cluster, _ = finished()
    history = History()
    for offset, one in enumerate(decisions(cluster, "words")):
        history.apply(one, offset)
    lane, first = next(iter(history.lanes.items()))
    late = encode_records(
        [0],
        [None],
        [b"1"],
        producer_id=first,
        producer_epoch=history.last_epoch - 1 - history.bases[lane],
        base_sequence=0,
        transactional=True,
    )

    with pytest.raises(JobFailed, match="took over"):
        cluster.ask(partition_ref("counts", 0), Append(late))

    assert history.is_stopped


def test_schedule_10_a_job_ends_after_its_markers() -> None:
    """10: then all is visible, its log ends with the stop, and after power failure all is visible at once."""
    cluster, job = finished()
    counts = job.app._program.topics["counts"]
    expected = run(job.app, job.inputs)[counts]

    before = [value for part in cluster.read(counts) for _, value in part]
    disk = cluster.host.disk
    assert isinstance(disk, MemoryDisk)
    disk.crash_host(Entropy(1))
    cluster.close()
    again = MemoryCluster(host=cluster.host)

    assert decisions(again, "words")[-1].assignment is None
    assert len(before) == len(expected)
    assert [value for part in again.read(counts) for _, value in part] == before


def test_schedule_11_nothing_is_sent_before_the_receiver_is_ready() -> None:
    """11: an outlet is shut, for barriers, too, until the receiver has opened it in this epoch."""
    outlet: Outlet[Barrier] = Outlet()
    outlet.offer(Barrier(7))
    assert outlet.take() is None

    outlet.open(FIRST_WINDOW)

    going = outlet.take()
    assert going is not None
    assert going.element == Barrier(7)
    outlet.reset()
    outlet.offer(Barrier(8))
    assert outlet.take() is None


def test_schedule_12_no_number_of_a_checkpoint_is_used_twice() -> None:
    """12: an epoch begins beyond any number that the one before may have used, whether that decided one or not."""
    history = History()
    history.apply(epoch(1, 1), 0)
    assert history.next_first_checkpoint() > 1  # It may have been in flight when the epoch ended.
    history.apply(epoch(2, history.next_first_checkpoint()), 1)
    history.apply(Done(2, 9, "plan", 0), 2)

    assert history.next_first_checkpoint() > 10  # One may have been in flight after the last decision.


def test_schedule_15_a_base_takes_the_place_of_what_was_before_it() -> None:
    """15: what a decision names of a state is all that will be loaded of it, in that order."""
    history = History()
    history.apply(epoch(1, 1), 0)
    history.apply(Done(1, 1, "plan", 0, state={"s": (StateRange(0, 255, 0, 4),)}), 1)
    history.apply(Done(1, 2, "plan", 0, state={"s": (StateRange(0, 255, 6, 9),)}), 2)
    assert [one.start for one in history.state["s"]] == [0, 6]

    history.apply(Done(1, 3, "plan", 0, state={"s": (StateRange(0, 255, 20, 22, base=True),)}), 3)

    assert [one.start for one in history.state["s"]] == [20]
