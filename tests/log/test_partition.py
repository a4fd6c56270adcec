"""The partition actor, in the simulation: what it answers, to whom, and when."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from log_makers import make_batch, values_of

from actorstream.actors import ActorSystem, Message
from actorstream.errors import ActorTerminated, SyncFailed
from actorstream.host import Entropy, Host, MemoryDisk, VirtualClock
from actorstream.log.addresses import catalogue_ref, partition_ref
from actorstream.log.embedded import start_log
from actorstream.log.fences import JOB_PRODUCERS_FROM
from actorstream.log.messages import (
    Append,
    Appended,
    CreateTopic,
    EpochOpened,
    Fetch,
    Fetched,
    Flush,
    Flushed,
    ListOffsets,
    MarkersWritten,
    OffsetsListed,
    OpenEpoch,
    Refused,
    Settled,
    TopicCreated,
    WriteMarkers,
)
from actorstream.model.topic import TopicSpec

PARTITION = partition_ref("t", 0)
JOB_ID = JOB_PRODUCERS_FROM


def new_host(seed: int = 0, disk: MemoryDisk | None = None) -> Host:
    return Host(VirtualClock(), Entropy(seed), disk or MemoryDisk())


def start(host: Host, flush: str = "none", **options: object) -> ActorSystem:
    system = ActorSystem(runtime="simulation", seed=1, host=host)
    start_log(system, flush=flush, **options)  # type: ignore[arg-type]
    system.ask(catalogue_ref(), CreateTopic(TopicSpec("t")))
    return system


@pytest.fixture
def system() -> Iterator[ActorSystem]:
    with start(new_host()) as system:
        yield system


def ask(system: ActorSystem, message: Message) -> Message:
    return system.ask(PARTITION, message, timeout="30s")


def batch(value: bytes, sequence: int = 0, *, epoch: int = 0, producer: int = 7, transactional: bool = True) -> bytes:
    return make_batch(
        value, producer_id=producer, producer_epoch=epoch, base_sequence=sequence, transactional=transactional
    )


def code(answer: Message) -> str:
    assert isinstance(answer, Refused)
    return answer.code


def committed(system: ActorSystem) -> list[bytes]:
    """What a reader of committed records sees, aborted batches still included."""
    answer = ask(system, Fetch(0))
    assert isinstance(answer, Fetched)
    return values_of(answer.batches)


def test_an_append_is_read_back(system) -> None:
    """With its offsets, and the request's number."""
    assert ask(system, Append(make_batch(b"a", b"b"), request=5)) == Appended(0, 2, 5)

    answer = ask(system, Fetch(0, request=6))

    assert values_of(answer.batches) == [b"a", b"b"]
    assert (answer.topic, answer.partition, answer.next_offset, answer.high_watermark, answer.request) == (
        "t",
        0,
        2,
        2,
        6,
    )


def test_bad_bytes_are_refused(system) -> None:
    """Nothing of them is in the log."""
    data = bytearray(make_batch(b"value"))
    data[70] ^= 1

    assert code(ask(system, Append(bytes(data)))) == "corrupt_batch"
    assert code(ask(system, Append(b""))) == "corrupt_batch"
    assert committed(system) == []


def test_only_the_log_writes_markers(system) -> None:
    """A marker from outside could commit what nobody decided."""
    from actorstream.log.control import control_batch

    assert code(ask(system, Append(control_batch(7, 0, commit=True, timestamp_ms=0)))) == "corrupt_batch"


def test_a_conditional_append_is_a_compare_and_set(system) -> None:
    """It is refused if the log ends anywhere else."""
    assert ask(system, Append(make_batch(b"a"), expected_end=0)) == Appended(0, 1)
    assert code(ask(system, Append(make_batch(b"b"), expected_end=0))) == "end_moved"
    assert ask(system, Append(make_batch(b"b"), expected_end=1)) == Appended(1, 2)


def test_a_repeated_batch_is_written_once(system) -> None:
    """And answered with its first place, also after a restart of the process."""
    first = batch(b"a", transactional=False)
    second = batch(b"b", 1, transactional=False)
    ask(system, Append(first))

    assert ask(system, Append(first)) == Appended(0, 1)
    assert ask(system, Append(first + second)) == Appended(0, 2)
    system.stop()
    with start(system.host) as again:
        assert ask(again, Append(second)) == Appended(1, 2)
        assert committed(again) == [b"a", b"b"]


def test_a_gap_is_refused(system) -> None:
    """The records before are missing."""
    assert code(ask(system, Append(batch(b"a", 3, transactional=False)))) == "out_of_order"


def test_committed_readers_stop_at_what_is_undecided(system) -> None:
    """The marker lets them go on; it takes an offset."""
    ask(system, Append(make_batch(b"plain")))
    ask(system, Append(batch(b"open")))
    assert committed(system) == [b"plain"]
    assert values_of(ask(system, Fetch(0, committed=False)).batches) == [b"plain", b"open"]
    assert ask(system, ListOffsets()) == OffsetsListed(0, 2, 1)

    assert ask(system, WriteMarkers(((7, 0),), commit=True)) == MarkersWritten(3)

    assert committed(system) == [b"plain", b"open"]
    assert ask(system, WriteMarkers(((7, 0),), commit=True)) == MarkersWritten(3)


def test_aborted_transactions_are_listed_for_readers(system) -> None:
    """As in Kafka's answer: producer id, and where it began."""
    ask(system, Append(batch(b"a")))
    ask(system, WriteMarkers(((7, 0),), commit=False))

    answer = ask(system, Fetch(0))

    assert answer.aborted == ((7, 0),)
    assert ask(system, Fetch(0, committed=False)).aborted == ()


def test_a_reader_at_the_end_waits(system) -> None:
    """The next append answers it; without one, time does, with nothing."""
    waiting = system.ask_future(PARTITION, Fetch(0, wait_us=60_000_000), "90s")
    ask(system, ListOffsets())
    assert not waiting.done()

    ask(system, Append(make_batch(b"a")))
    system.run(until=waiting.done)
    assert values_of(waiting.result().batches) == [b"a"]

    before_us = system.host.clock.now_us()
    empty = ask(system, Fetch(1, wait_us=500_000))
    assert (empty.batches, empty.next_offset) == (b"", 1)
    assert system.host.clock.now_us() - before_us >= 500_000


def test_a_committed_reader_waits_for_the_marker(system) -> None:
    """Undecided records do not wake it."""
    waiting = system.ask_future(PARTITION, Fetch(0, wait_us=60_000_000), "90s")
    ask(system, Append(batch(b"a")))
    assert not waiting.done()

    ask(system, WriteMarkers(((7, 0),), commit=True))
    system.run(until=waiting.done)

    assert values_of(waiting.result().batches) == [b"a"]


def test_a_fetch_outside_the_log_is_refused(system) -> None:
    """The error says what there is."""
    refused = ask(system, Fetch(5))

    assert (refused.code, refused.facts["requested"], refused.facts["end"]) == ("offset_out_of_range", 5, 0)


def test_a_flush_is_durable(system) -> None:
    """Whatever the setting: a lost host keeps what a flush answered for."""
    for value in (b"a", b"b", b"c"):
        ask(system, Append(make_batch(value)))
    assert ask(system, Flush(3)) == Flushed(3)
    ask(system, Append(make_batch(b"lost")))
    assert code(ask(system, Flush(9))) == "offset_out_of_range"
    system.abandon()
    disk = system.host.disk
    disk.crash_host(Entropy(4))

    with start(system.host) as again:
        assert committed(again)[:3] == [b"a", b"b", b"c"]


@pytest.mark.parametrize("seed", range(20))
def test_under_commit_what_was_answered_or_read_survives_a_lost_host(seed) -> None:
    """Readers see nothing that may vanish."""
    host = new_host(seed)
    system = start(host, "commit")
    answers = [system.ask_future(PARTITION, Append(make_batch(b"%d" % at)), "9s") for at in range(10)]
    system.run(until=answers[seed % 10].done)
    answered = sum(answer.done() for answer in answers)
    seen = committed(system)
    system.abandon()
    host.disk.crash_host(host.entropy)  # type: ignore[attr-defined]

    with start(host, "commit") as again:
        found = committed(again)
    assert found == [b"%d" % at for at in range(len(found))]
    assert len(found) >= max(answered, len(seen))


def test_many_appends_share_a_sync() -> None:
    """Group commit: while one sync runs, the next gathers."""
    host = new_host()
    with start(host, "commit") as system:
        before = host.disk.syncs  # type: ignore[attr-defined]
        answers = [system.ask_future(PARTITION, Append(make_batch(b"%d" % at)), "9s") for at in range(100)]
        system.run(until=lambda: all(answer.done() for answer in answers))

        assert host.disk.syncs - before < 20  # type: ignore[attr-defined]


def test_under_interval_an_append_is_soon_durable() -> None:
    """It is answered at once; a little later a lost host keeps it."""
    host = new_host()
    system = start(host, "interval")
    ask(system, Append(make_batch(b"a")))
    deadline_us = host.clock.now_us() + 200_000
    system.run(until=lambda: host.clock.now_us() > deadline_us)
    system.abandon()
    host.disk.crash_host(Entropy(1))  # type: ignore[attr-defined]

    with start(host) as again:
        assert committed(again) == [b"a"]


def test_a_failed_sync_ends_the_log() -> None:
    """It is never tried again: what the page cache shows can no longer be trusted."""
    host = new_host()
    with start(host, "commit") as system:
        _break_syncs(host.disk)  # type: ignore[arg-type]
        with pytest.raises(ActorTerminated):
            ask(system, Append(make_batch(b"a")))
        system.run(steps_max=5000)

        with pytest.raises(LookupError):
            system.find("log")


def _break_syncs(disk: MemoryDisk) -> None:
    """From now on files that are open refuse to be made durable."""

    def fail() -> bool:
        raise SyncFailed("t-0: Input/output error")

    disk.lying_sync = fail  # type: ignore[method-assign]


def test_a_full_disk_refuses_and_goes_on() -> None:
    """The append is not in the log; readers, and later smaller appends, are served."""
    host = new_host()
    with start(host) as system:
        ask(system, Append(make_batch(b"a")))
        disk = host.disk
        disk.capacity_bytes = disk.used_bytes + 150  # type: ignore[attr-defined]

        refused = ask(system, Append(make_batch(b"b" * 500)))

        assert (code(refused), "no space left" in refused.reason) == ("disk_full", True)
        assert ask(system, Append(make_batch(b"c"))) == Appended(1, 2)
        assert committed(system) == [b"a", b"c"]
        disk.capacity_bytes = None  # type: ignore[attr-defined]


def test_a_crashed_partition_comes_back_from_disk(system) -> None:
    """Its supervisor starts it again; nothing that was answered is gone."""
    ask(system, Append(make_batch(b"a")))
    system.crash(PARTITION)

    assert committed(system) == [b"a"]
    assert ask(system, Append(make_batch(b"b"))) == Appended(1, 2)


def test_a_damaged_partition_says_so_and_the_others_go_on() -> None:
    """Every question gets the file and the position."""
    host = new_host()
    system = start(host)
    ask(system, Append(make_batch(b"value")))
    ask(system, Append(make_batch(b"value")))
    system.abandon()
    file = host.disk.open("log/t-0/00000000000000000000.log")
    content = bytearray(file.read(0, file.size()))
    content[66] ^= 1
    file.truncate(0)
    file.append(content)

    with start(host) as again:
        refused = ask(again, Fetch(0))
        assert (code(refused), refused.facts["position"]) == ("corrupt", 0)
        assert str(refused.facts["path"]).endswith("/t-0/00000000000000000000.log")
        created = again.ask(catalogue_ref(), CreateTopic(TopicSpec("other")))
        assert isinstance(created, TopicCreated)
        assert again.ask(partition_ref("other", 0), Append(make_batch(b"x"))) == Appended(0, 1)


# --- jobs ------------------------------------------------------------------------------------------------------------


def open_epoch(epoch: int, *settled: Settled) -> OpenEpoch:
    return OpenEpoch("job", epoch, (JOB_ID, JOB_ID + 1), settled)


def test_a_job_writes_nothing_before_its_epoch_is_open_here(system) -> None:
    """Also not after a restart: only the job's log knows which epoch is the newest."""
    data = batch(b"a", producer=JOB_ID, epoch=1)
    assert code(ask(system, Append(data))) == "not_open"

    assert ask(system, open_epoch(1)) == EpochOpened()
    assert ask(system, Append(data)) == Appended(0, 1)

    system.crash(PARTITION)
    assert code(ask(system, Append(batch(b"b", 1, producer=JOB_ID, epoch=1)))) == "not_open"


def test_a_new_epoch_fences_the_old(system) -> None:
    """Its appends are refused, and so is its attempt to open again."""
    ask(system, open_epoch(1))
    ask(system, open_epoch(2))

    assert code(ask(system, Append(batch(b"a", producer=JOB_ID, epoch=1)))) == "fenced"
    assert code(ask(system, Append(batch(b"a", producer=JOB_ID, epoch=3)))) == "not_open"
    assert code(ask(system, open_epoch(1))) == "fenced"


def test_a_new_epoch_aborts_what_was_not_decided(system) -> None:
    """And the same sequence of the new epoch is no repetition."""
    ask(system, open_epoch(1))
    ask(system, Append(batch(b"old", producer=JOB_ID, epoch=1)))

    ask(system, open_epoch(2))
    assert ask(system, Append(batch(b"new", producer=JOB_ID, epoch=2))) == Appended(2, 3)
    ask(system, WriteMarkers(((JOB_ID, 2),), commit=True))

    answer = ask(system, Fetch(0))
    assert values_of(answer.batches) == [b"old", b"new"]
    assert answer.aborted == ((JOB_ID, 0),)


def test_a_new_epoch_commits_what_was_decided(system) -> None:
    """The old epoch died between its decision and the marker."""
    ask(system, open_epoch(1))
    ask(system, Append(batch(b"decided", producer=JOB_ID, epoch=1)))
    ask(system, Append(batch(b"not", producer=JOB_ID + 1, epoch=1)))

    ask(system, open_epoch(2, Settled(JOB_ID, 1, 0, 0)))

    answer = ask(system, Fetch(0))
    assert answer.aborted == ((JOB_ID + 1, 1),)
    assert answer.last_stable_offset == answer.high_watermark == 4


def test_opening_an_epoch_again_does_no_harm(system) -> None:
    """Its own open transaction stays open."""
    ask(system, open_epoch(1))
    ask(system, Append(batch(b"a", producer=JOB_ID, epoch=1)))

    assert ask(system, open_epoch(1)) == EpochOpened()
    assert ask(system, ListOffsets()) == OffsetsListed(0, 1, 0)


def test_half_a_transaction_is_neither_committed_nor_aborted(system) -> None:
    """That would break a promise either way, so it is refused."""
    ask(system, open_epoch(1))
    ask(system, Append(batch(b"a", producer=JOB_ID, epoch=1)))
    ask(system, Append(batch(b"b", 1, producer=JOB_ID, epoch=1)))

    assert code(ask(system, open_epoch(2, Settled(JOB_ID, 1, 0, 0)))) == "slot_busy"


@pytest.mark.parametrize("seed", range(10))
def test_transactions_survive_kills(seed) -> None:
    """After each kill the new epoch finds what was decided committed, the rest aborted, and nothing twice."""
    entropy, host = Entropy(seed), new_host(seed)
    decided: list[bytes] = []
    owed: tuple[Settled, ...] = ()
    for epoch in range(1, 5):
        system = start(host)
        ask(system, open_epoch(epoch, *owed))
        value = b"value-%d" % epoch
        placed = ask(system, Append(batch(value, producer=JOB_ID, epoch=epoch)))
        ask(system, Flush(placed.end_offset))
        if entropy.chance(0.6):
            decided.append(value)
            owed = (Settled(JOB_ID, epoch, 0, placed.first_offset),)
            if entropy.chance(0.5):
                ask(system, WriteMarkers(((JOB_ID, epoch),), commit=True))
        system.abandon()
        host.disk.crash_process(entropy)  # type: ignore[attr-defined]

    with start(host) as system:
        ask(system, open_epoch(5, *owed))
        answer = ask(system, Fetch(0))
        aborted = dict.fromkeys(first for _, first in answer.aborted)
        from actorstream.log.batch import iterate_batches
        from actorstream.log.records import decode_batch

        seen = [
            decode_batch(answer.batches, header).values[0]
            for header in iterate_batches(answer.batches)
            if not header.is_control and header.base_offset not in aborted
        ]
        assert seen == decided


def test_old_segments_of_a_topic_with_retention_are_removed() -> None:
    """When a segment is full, those that are older than the topic keeps go."""
    host = new_host()
    with start(host, segment_bytes_max=500) as system:
        spec = TopicSpec("short", retention_us=1_000_000)
        system.ask(catalogue_ref(), CreateTopic(spec))
        short = partition_ref("short", 0)
        for _ in range(20):
            data = make_batch(b"x" * 100, at_ms=host.clock.now_us() // 1000)
            system.ask(short, Append(data))
            system.ask(short, Fetch(system.ask(short, ListOffsets()).high_watermark, wait_us=200_000))

        listed = system.ask(short, ListOffsets())
        assert listed.log_start > 5
        assert system.ask(short, Fetch(listed.log_start)).batches
