"""Crashes: what was flushed is there, in order, without a hole; torn tails are cut; damage is named."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from killing_disk import KillingDisk, ProcessKilled
from log_makers import all_values, append, make_batch

from actorstream.errors import Corrupt, Mistake
from actorstream.host import Entropy, MemoryDisk
from actorstream.log.control import control_batch
from actorstream.log.recovery_point import RecoveryPoint
from actorstream.log.storage import PartitionLog

AT = "log/t-0"


def opened(disk: MemoryDisk, segment_bytes_max: int = 600) -> PartitionLog:
    return PartitionLog.open(disk, AT, segment_bytes_max=segment_bytes_max)


def flip(disk: MemoryDisk, path: str, position: int) -> None:
    """Change one byte that was durable long ago."""
    file = disk.open(path)
    content = bytearray(file.read(0, file.size()))
    content[position] ^= 0x40
    file.truncate(0)
    file.append(content)
    file.sync()


def write_some(log: PartitionLog, entropy: Entropy, written: list[bytes], steps: int) -> int:
    """Appends and flushes at random; how many of `written` are durable."""
    durable = len(written)
    for _ in range(steps):
        if entropy.chance(0.3):
            log.flush()
            durable = len(written)
        else:
            values = [b"value-%d" % (len(written) + at) for at in range(entropy.between(1, 4))]
            data = make_batch(*values, producer_id=7, producer_epoch=0, base_sequence=len(written))
            append(log, data)
            written += values
    return max(durable, log.flushed_offset)


@given(st.integers(0, 2**32), st.booleans())
@settings(max_examples=150, deadline=None)
def test_what_was_flushed_survives_any_crash(seed, of_host) -> None:
    """Crash after crash: flushed values are there, the rest is a prefix of what was written, producers fit it."""
    entropy, disk, written = Entropy(seed), MemoryDisk(), list[bytes]()
    for _ in range(4):
        log = opened(disk)
        durable = write_some(log, entropy, written, entropy.between(0, 14))
        if of_host:
            disk.crash_host(entropy)
        else:
            disk.crash_process(entropy)

        again = opened(disk)

        found = all_values(again)
        assert found == written[: len(found)]
        assert len(found) >= durable
        assert again.end_offset == len(found)
        if found:
            assert again.producers.producers[7].next_sequence == len(found)
        del written[len(found) :]


@given(st.integers(0, 2**32))
@settings(max_examples=50, deadline=None)
def test_a_killed_process_loses_at_most_its_last_write(seed) -> None:
    """The page cache survives it, flushed or not."""
    entropy, disk, written = Entropy(seed), MemoryDisk(), list[bytes]()
    log = opened(disk)
    write_some(log, entropy, written, 15)
    whole = log.end_offset
    disk.crash_process(entropy)

    assert opened(disk).end_offset >= whole - 4


def test_a_torn_tail_is_cut_and_counted() -> None:
    """Appends go on from where the good part ends."""
    disk = MemoryDisk()
    log = opened(disk)
    append(log, make_batch(b"a"))
    append(log, make_batch(b"b" * 100))
    file = disk.open(f"{AT}/00000000000000000000.log")
    file.truncate(file.size() - 30)

    again = opened(disk)

    assert again.cut_bytes > 100
    assert append(again, make_batch(b"c")) == (1, 2)
    assert all_values(again) == [b"a", b"c"]


@pytest.mark.parametrize("flushed", [True, False])
def test_damage_in_the_middle_is_corruption(flushed) -> None:
    """Named by file and position; the file keeps every byte; also when nothing was ever flushed."""
    disk = MemoryDisk()
    log = opened(disk, 1 << 20)
    for at in range(5):
        append(log, make_batch(b"value-%d" % at))
    if flushed:
        log.flush()
    size = len(make_batch(b"value-0"))
    flip(disk, f"{AT}/00000000000000000000.log", 2 * size + 70)

    with pytest.raises(Corrupt) as caught:
        opened(disk)

    assert caught.value.path.endswith("00000000000000000000.log")
    assert caught.value.position == 2 * size
    assert disk.open(f"{AT}/00000000000000000000.log").size() == 5 * size


def test_a_damaged_tail_that_was_flushed_is_corruption() -> None:
    """Nothing follows it, but it had been promised."""
    disk = MemoryDisk()
    log = opened(disk)
    append(log, make_batch(b"a"))
    append(log, make_batch(b"b"))
    log.flush()
    file = disk.open(f"{AT}/00000000000000000000.log")
    file.truncate(file.size() - 1)

    with pytest.raises(Corrupt, match=r"ends at offset 1, but 2 had been flushed|bytes long"):
        opened(disk)


def test_a_batch_in_the_wrong_place_is_corruption() -> None:
    """Base offsets lie outside the CRC, so they are held against each other."""
    disk = MemoryDisk()
    log = opened(disk)
    append(log, make_batch(b"a"))
    append(log, make_batch(b"b"))
    flip(disk, f"{AT}/00000000000000000000.log", len(make_batch(b"a")) + 7)

    with pytest.raises(Corrupt, match="base offset 65 where 1 must follow"):
        opened(disk)


def test_a_batch_of_an_epoch_that_never_led_is_corruption() -> None:
    """The epoch is held against the epoch file."""
    disk = MemoryDisk()
    log = opened(disk)
    append(log, make_batch(b"a"))
    flip(disk, f"{AT}/00000000000000000000.log", 15)

    with pytest.raises(Corrupt, match="leader epoch 64"):
        opened(disk)


def test_damage_in_a_sealed_segment_is_named_when_it_is_read() -> None:
    """Opening does not read what was sealed; reading checks it."""
    disk = MemoryDisk()
    log = opened(disk, 150)
    for at in range(6):
        append(log, make_batch(b"value-%d" % at))
    log.close()
    flip(disk, f"{AT}/00000000000000000000.log", 70)
    again = opened(disk, 150)

    with pytest.raises(Corrupt, match=r"00000000000000000000\.log: corrupt at byte 0"):
        again.read(0, 1000)


def test_a_sealed_segment_that_is_cut_short_is_corruption() -> None:
    """The next one does not begin where it ends."""
    disk = MemoryDisk()
    log = opened(disk, 150)
    for at in range(3):
        append(log, make_batch(b"value-%d" % at))
    newest = sorted(name for name in disk.list(AT) if name.endswith(".log"))[-2]
    file = disk.open(f"{AT}/{newest}")
    file.truncate(file.size() - 1)

    with pytest.raises(Corrupt):
        opened(disk, 150)


def test_a_hole_that_was_never_promised_ends_the_log() -> None:
    """A lost host may keep a later write and lose an earlier one; the earlier reads as zeros."""
    disk = MemoryDisk()
    log = opened(disk)
    for value in (b"a", b"b", b"c"):
        append(log, make_batch(value))
    size = len(make_batch(b"a"))
    file = disk.open(f"{AT}/00000000000000000000.log")
    content = file.read(0, 3 * size)
    file.truncate(0)
    file.append(content[: size + 20] + bytes(size - 20) + content[2 * size :])

    again = opened(disk)

    assert all_values(again) == [b"a"]
    assert again.cut_bytes == 2 * size


@given(st.lists(st.integers(1, 10_000), max_size=20), st.integers(0, 300), st.integers(0, 255))
def test_a_recovery_point_never_says_too_much(offsets, cut, noise) -> None:
    """However its file is torn, the point is one that was noted."""
    disk = MemoryDisk()
    disk.make_dir(AT)
    point = RecoveryPoint(disk, AT)
    for offset in offsets:
        point.rise(offset)
    file = disk.open(f"{AT}/recovery-point")
    file.truncate(min(cut, file.size()))
    file.append(bytes([noise]))

    assert RecoveryPoint(disk, AT).offset in {0, *offsets}


class Life:
    """One process after the other on one disk; each is killed at some change of the disk."""

    def __init__(self, seed: int) -> None:
        self.entropy, self.disk = Entropy(seed), MemoryDisk()
        self.written: list[bytes] = []
        self.durable = 0
        self.start = 0
        self.last_ms = 0

    def live(self, changes: int) -> None:
        """Open, write, flush, trim, roll, close, until killed."""
        disk = KillingDisk(self.disk, changes)
        try:
            log = PartitionLog.open(disk, AT, segment_bytes_max=500)
            self.take_stock(log)
            while True:
                self.step(log)
        except ProcessKilled:
            return

    def take_stock(self, log: PartitionLog) -> None:
        """What the log holds is what was written, from its start; what was durable is there."""
        assert log.start_offset <= self.durable
        assert log.end_offset >= self.durable
        self.start = log.start_offset
        del self.written[log.end_offset :]
        assert all_values(log) == self.written[self.start :]
        if log.end_offset:
            assert log.producers.producers[7].next_sequence == log.end_offset

    def step(self, log: PartitionLog) -> None:
        match self.entropy.below(10):
            case 0:
                log.flush()
                self.durable = len(self.written)
            case 1:
                log.trim(self.durable)
            case 2 if self.entropy.chance(0.3):
                log.close()
                self.durable = len(self.written)
                raise ProcessKilled
            case _:
                values = [b"v%d" % (len(self.written) + at) for at in range(self.entropy.between(1, 3))]
                data = make_batch(*values, producer_id=7, producer_epoch=0, base_sequence=len(self.written))
                self.written += values  # From here on it may be there, or not.
                append(log, data)
                self.durable = max(self.durable, log.flushed_offset)


@given(st.integers(0, 2**32), st.lists(st.integers(0, 60), min_size=1, max_size=6), st.booleans())
@settings(max_examples=200, deadline=None)
def test_a_crash_at_any_change_of_the_disk_loses_nothing_durable(seed, lives, of_host) -> None:
    """In the middle of opening, rolling, sealing, trimming and closing, too."""
    life = Life(seed)

    for changes in lives:
        life.live(changes)
        if of_host:
            life.disk.crash_host(life.entropy)
        else:
            life.disk.crash_process(life.entropy)

    life.take_stock(PartitionLog.open(life.disk, AT, segment_bytes_max=500))


def closed_log() -> MemoryDisk:
    """A log of several segments with aborted transactions, closed; all of it was durable."""
    disk = MemoryDisk()
    log = opened(disk, 400)
    for at in range(12):
        data = make_batch(b"v%d" % at, producer_id=7, producer_epoch=0, base_sequence=at, transactional=True)
        append(log, data)
        append(log, control_batch(7, 0, commit=bool(at % 3), timestamp_ms=5))
    log.close()
    return disk


CLOSED = closed_log()
FILES = [f"{AT}/{name}" for name in CLOSED.list(AT)]


@given(st.sampled_from(FILES), st.integers(0, 2**16), st.integers(1, 255), st.sampled_from(["flip", "cut", "add"]))
@example(f"{AT}/00000000000000000020.log", 7, 6, "flip")  # A base offset, outside the CRC, of what is not scanned.
@settings(max_examples=300, deadline=None)
def test_damage_anywhere_is_named_or_harmless(path, where, how, kind) -> None:
    """One file changed: all values come back, or an error that a person can read; never other values."""
    disk = CLOSED.clone()
    file = disk.open(path)
    content = bytearray(file.read(0, file.size()))
    where %= len(content) or 1
    if kind == "flip" and content:
        content[where] ^= how
    elif kind == "cut":
        del content[where:]
    else:
        content += bytes([how]) * (where % 100)
    file.truncate(0)
    file.append(content)

    try:
        log = opened(disk, 400)
        found = all_values(log)
        aborted = log.producers.aborted_within(0, log.end_offset)
    except Mistake:
        return

    assert found == [b"v%d" % at for at in range(12)]
    assert [first for _, first in aborted] == [0, 6, 12, 18]
