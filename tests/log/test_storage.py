"""A partition's log on a disk: what goes in comes out, in order, also after it was closed and opened."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_makers import all_values, append, make_batch, values_of

from actorstream.errors import Corrupt, DiskFull, OffsetOutOfRange, UnsupportedFormat
from actorstream.host import MemoryDisk, RealDisk
from actorstream.log.batch import iterate_batches
from actorstream.log.control import control_batch
from actorstream.log.storage import PartitionLog

AT = "log/t-0"


def opened(disk: MemoryDisk, segment_bytes_max: int = 1000, topic_id: str = "aa") -> PartitionLog:
    return PartitionLog.open(disk, AT, topic_id=topic_id, segment_bytes_max=segment_bytes_max)


def filled(disk: MemoryDisk, count: int = 40) -> PartitionLog:
    log = opened(disk)
    for at in range(count):
        append(log, make_batch(b"v%03d" % at, at_ms=1000 + at))
    return log


def test_offsets_are_dense_from_zero() -> None:
    """Each append tells where it begins and where the log ends."""
    log = opened(MemoryDisk())

    assert append(log, make_batch(b"a", b"b")) == (0, 2)
    assert append(log, make_batch(b"c") + make_batch(b"d", b"e")) == (2, 5)
    assert values_of(log.read(0, 1 << 20).batches) == [b"a", b"b", b"c", b"d", b"e"]


def test_a_full_segment_is_sealed_and_another_begun() -> None:
    """Files are named by their first offset, with twenty digits, beside their indexes."""
    disk = MemoryDisk()
    log = filled(disk)

    logs = [name for name in disk.list(AT) if name.endswith(".log")]
    assert logs[0] == "00000000000000000000.log"
    assert len(logs) > 2
    assert disk.exists(f"{AT}/00000000000000000000.index")
    assert disk.exists(f"{AT}/00000000000000000000.timeindex")
    assert all_values(log) == [b"v%03d" % at for at in range(40)]


def test_a_reader_at_the_end_reads_on_in_the_next_segment() -> None:
    """It had read all of a segment that was full afterwards: what comes next begins another one."""
    log = opened(MemoryDisk())
    read, offset = list[bytes](), 0
    for at in range(40):
        append(log, make_batch(b"v%03d" % at))
        found = log.read(offset, 1 << 20)
        read, offset = read + values_of(found.batches), found.next_offset

    assert read == [b"v%03d" % at for at in range(40)]


def test_a_read_holds_whole_batches_and_at_least_one() -> None:
    """The batch with the offset comes whole, though it begins before it, and though it is larger than asked for."""
    log = opened(MemoryDisk())
    append(log, make_batch(b"a" * 400, b"b" * 400))
    append(log, make_batch(b"c"))

    read = log.read(1, 10)

    assert [header.base_offset for header in iterate_batches(read.batches)] == [0]
    assert read.next_offset == 2
    assert log.read(3, 10) == (b"", 3)


def test_a_read_ends_where_it_is_told_to() -> None:
    """Readers of committed records stop at the last stable offset."""
    log = opened(MemoryDisk(), 10_000)
    for value in (b"a", b"b", b"c"):
        append(log, make_batch(value))

    assert values_of(log.read(0, 1 << 20, end_offset=2).batches) == [b"a", b"b"]
    assert log.read(2, 1 << 20, end_offset=2) == (b"", 2)


def test_a_read_outside_the_log_is_refused() -> None:
    """The error says what there is."""
    log = opened(MemoryDisk())
    append(log, make_batch(b"a"))

    with pytest.raises(OffsetOutOfRange, match=r"t-0: offset 2 is outside \[0, 1\)"):
        log.read(2, 100)


@pytest.mark.parametrize("when", [0, 1000, 1013, 1039, 1040])
def test_the_first_offset_of_a_time(when) -> None:
    """The first record that is not older; -1 if all are."""
    log = filled(MemoryDisk())

    assert log.offset_at(when) == next((at for at in range(40) if 1000 + at >= when), -1)


def test_the_first_offset_of_a_time_within_a_batch() -> None:
    """Times may go back and forth; the first that is new enough counts."""
    from actorstream.log.records import encode_records

    log = opened(MemoryDisk())
    append(log, encode_records([50, 10, 70], None, [b"a", b"b", b"c"]))

    assert [log.offset_at(when) for when in (10, 50, 60, 71)] == [0, 0, 2, -1]


def test_a_closed_log_opens_as_it_was() -> None:
    """Offsets, values, producers, aborted transactions."""
    disk = MemoryDisk()
    log = opened(disk)
    append(log, make_batch(b"a", producer_id=7, producer_epoch=0, base_sequence=0, transactional=True))
    append(log, control_batch(7, 0, commit=False, timestamp_ms=5))
    append(log, make_batch(b"b", producer_id=8, producer_epoch=1, base_sequence=0, transactional=True))
    log.close()

    again = opened(disk)

    assert (again.start_offset, again.end_offset, again.cut_bytes) == (0, 3, 0)
    assert again.producers.producers == log.producers.producers
    assert again.producers.aborted_within(0, 3) == ((7, 0),)
    assert again.producers.last_stable_offset(3) == 2


def test_producers_come_back_from_the_batches_when_snapshots_are_gone() -> None:
    """A snapshot only shortens the way."""
    disk = MemoryDisk()
    log = opened(disk, 300)
    for at in range(20):
        append(log, make_batch(b"x%d" % at, producer_id=7, producer_epoch=0, base_sequence=at))
    log.close()
    for name in disk.list(AT):
        if name.endswith((".snapshot", ".index", ".timeindex")):
            disk.remove(f"{AT}/{name}")

    again = opened(disk, 300)

    assert again.producers.producers == log.producers.producers
    assert all_values(again) == [b"x%d" % at for at in range(20)]


@pytest.mark.parametrize("suffix", [".index", ".timeindex"])
def test_an_index_that_makes_no_sense_is_built_again(suffix) -> None:
    """Nothing is read from where a broken index says."""
    disk = MemoryDisk()
    log = opened(disk, 1 << 20)
    for at in range(300):
        append(log, make_batch(b"v%03d" % at, at_ms=1000 + at))
    log.close()
    file = disk.open(f"{AT}/00000000000000000000{suffix}")
    content = file.read(0, file.size())
    file.truncate(0)
    file.append(bytes(byte ^ 0x15 for byte in content))

    again = opened(disk, 1 << 20)

    assert values_of(again.read(250, 70).batches) == [b"v250"]
    assert again.offset_at(1250) == 250


def test_an_index_that_points_beside_a_batch_is_built_again() -> None:
    """Its last entry is looked at before it is believed."""
    disk = MemoryDisk()
    log = opened(disk, 1 << 20)
    for at in range(300):
        append(log, make_batch(b"v%03d" % at))
    log.close()
    file = disk.open(f"{AT}/00000000000000000000.index")
    file.truncate(0)
    file.append(struct.pack(">ii", 60, 4321))

    again = opened(disk, 1 << 20)

    assert values_of(again.read(250, 70).batches) == [b"v250"]


def test_trimming_removes_whole_segments_from_the_front() -> None:
    """What is asked for is a bound: a segment that reaches beyond it stays."""
    disk = MemoryDisk()
    log = filled(disk)

    log.trim(25)

    assert 0 < log.start_offset <= 25
    assert all_values(log) == [b"v%03d" % at for at in range(log.start_offset, 40)]
    log.close()
    assert opened(disk).start_offset == log.start_offset


def test_trimming_by_time_spares_what_is_new_or_undecided() -> None:
    """A segment goes when all its records are older, and lies below the bound."""
    log = filled(MemoryDisk())

    log.trim_older(1000, 40)
    assert log.start_offset == 0
    log.trim_older(1030, 10)
    assert log.start_offset <= 10
    log.trim_older(1030, 40)
    assert 10 < log.start_offset <= 30


def test_truncating_drops_the_tail_and_what_was_known_of_it() -> None:
    """Producers, epochs and segments end where the log ends."""
    disk = MemoryDisk()
    log = opened(disk, 300)
    for at in range(20):
        append(log, make_batch(b"x%d" % at, producer_id=7, producer_epoch=0, base_sequence=at))

    log.truncate(11)

    assert (log.end_offset, log.producers.producers[7].next_sequence) == (11, 11)
    append(log, make_batch(b"new", producer_id=7, producer_epoch=0, base_sequence=11))
    assert all_values(log) == [*(b"x%d" % at for at in range(11)), b"new"]


def test_a_full_disk_leaves_the_log_as_it_was() -> None:
    """Nothing of the batch is there, and smaller ones still fit."""
    disk = MemoryDisk()
    log = opened(disk, 1 << 20)
    append(log, make_batch(b"a"))
    disk.capacity_bytes = disk.used_bytes + 200

    with pytest.raises(DiskFull):
        append(log, make_batch(b"b" * 1000))

    assert append(log, make_batch(b"c")) == (1, 2)
    assert all_values(log) == [b"a", b"c"]


def test_a_newer_format_is_refused() -> None:
    """With the version found and the newest known."""
    disk = MemoryDisk()
    opened(disk).close()
    file = disk.open(f"{AT}/partition.json")
    file.truncate(0)
    file.append(b'{"format":9,"topic":"whatever"}')

    with pytest.raises(UnsupportedFormat, match="9"):
        opened(disk)


def test_another_topics_directory_is_refused() -> None:
    """A topic that was deleted and made again has another id."""
    disk = MemoryDisk()
    opened(disk).close()

    with pytest.raises(Corrupt, match="aa"):
        opened(disk, topic_id="bb")


def test_epochs_are_written_before_their_batches() -> None:
    """The file is Kafka's text."""
    disk = MemoryDisk()
    log = opened(disk)
    append(log, make_batch(b"a", b"b"))
    log.begin_epoch(5)
    append(log, make_batch(b"c"))

    file = disk.open(f"{AT}/leader-epoch-checkpoint")
    assert file.read(0, file.size()) == b"0\n2\n0 0\n5 2\n"
    assert [header.leader_epoch for header in iterate_batches(log.read(0, 1000).batches)] == [0, 5]


def test_a_flush_under_way_survives_a_roll_and_a_close(tmp_path) -> None:
    """The sync runs in another thread while the file is let go; the descriptor is closed after it."""
    log = PartitionLog.open(RealDisk(tmp_path), AT, segment_bytes_max=200)
    append(log, make_batch(b"a" * 50))
    work, offset = log.flush_work()

    append(log, make_batch(b"b" * 150))
    log.close()
    work()

    assert offset == 1


class Steps:
    """A log and the list that it must equal."""

    def __init__(self) -> None:
        self.disk, self.model, self.start = MemoryDisk(), list[bytes](), 0
        self.log = opened(self.disk, 400)

    def run(self, step: tuple[str, int]) -> None:
        kind, number = step
        if kind == "append":
            values = [b"%d" % (len(self.model) + at) for at in range(number % 5 + 1)]
            append(self.log, make_batch(*values))
            self.model += values
        elif kind == "reopen":
            self.log.close(clean=bool(number % 2))
            self.log = opened(self.disk, 400)
        elif kind == "trim":
            self.log.trim(number)
            self.start = self.log.start_offset
        elif self.log.start_offset <= number < self.log.end_offset:
            keep = next(iterate_batches(self.log.read(number, 61).batches)).base_offset
            if keep >= self.start:
                self.log.truncate(keep)
                del self.model[keep:]


@given(
    st.lists(
        st.tuples(st.sampled_from(["append", "append", "append", "reopen", "truncate", "trim"]), st.integers(0, 60)),
        max_size=40,
    )
)
@settings(max_examples=80, deadline=None)
def test_a_log_is_a_list(steps) -> None:
    """Whatever is appended, cut, trimmed, closed, killed and opened, in whatever order."""
    run = Steps()

    for step in steps:
        run.run(step)

    assert all_values(run.log) == run.model[run.start :]
    assert run.log.end_offset == len(run.model)
