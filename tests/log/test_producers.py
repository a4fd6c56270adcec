"""What a partition knows about producers: repetition, gaps, epochs, transactions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_makers import make_batch

from actorstream.log.batch import BatchHeader, assign, check_batches, read_header
from actorstream.log.control import control_batch
from actorstream.log.producers import Producer, ProducerStates, Rejected, Repeated


def headers_of(count: int = 1, sequence: int = 0, *, epoch: int = 0, transactional: bool = False, producer: int = 7):
    data = make_batch(
        *([b"x"] * count),
        producer_id=producer,
        producer_epoch=epoch,
        base_sequence=sequence,
        transactional=transactional,
    )
    return check_batches(data)


class Prefix:
    """A log without bytes: the states, and where the next offset is."""

    def __init__(self) -> None:
        self.states, self.end, self.headers = ProducerStates(), 0, list[tuple[BatchHeader, bool | None]]()

    def take(self, headers: list[BatchHeader], commit: bool | None = None) -> None:
        for header in headers:
            placed = header._replace(base_offset=self.end)
            self.states.apply(placed, commit=commit)
            self.headers.append((placed, commit))
            self.end = placed.next_offset

    def mark(self, commit: bool, *, epoch: int = 0, producer: int = 7) -> None:
        data = bytearray(control_batch(producer, epoch, commit=commit, timestamp_ms=0))
        self.take([read_header(data)], commit)


def code(states: ProducerStates, headers: list[BatchHeader]) -> str | None:
    _, rejected = states.check(headers)
    return rejected.code if rejected else None


def test_a_repeated_batch_is_answered_with_its_first_place() -> None:
    """Each of the last five is remembered."""
    log = Prefix()
    for sequence in range(0, 50, 10):
        log.take(headers_of(10, sequence))

    assert log.states.check(headers_of(10, 0)) == ([Repeated(0, 10)], None)
    assert log.states.check(headers_of(10, 40)) == ([Repeated(40, 50)], None)


def test_the_sixth_last_is_a_gap() -> None:
    """What is no longer remembered cannot be told from a gap."""
    log = Prefix()
    for sequence in range(0, 60, 10):
        log.take(headers_of(10, sequence))

    assert code(log.states, headers_of(10, 0)) == "out_of_order"


def test_a_gap_is_refused() -> None:
    """Sequences follow each other."""
    log = Prefix()
    log.take(headers_of(10, 0))

    assert code(log.states, headers_of(1, 11)) == "out_of_order"
    assert code(log.states, headers_of(1, 10)) is None
    assert code(log.states, headers_of(1, 3, producer=8)) == "out_of_order"


def test_sequences_begin_again_after_the_largest() -> None:
    """After 2^31 - 1 comes 0, also within a batch."""
    states = ProducerStates()
    top = headers_of(4, 2**31 - 2)

    states.apply(top[0])

    assert top[0].last_sequence == 1
    assert code(states, headers_of(1, 2)) is None


def test_a_newer_epoch_begins_at_zero_and_fences_the_older() -> None:
    """The older producer may write nothing more."""
    log = Prefix()
    log.take(headers_of(10, 0))

    assert code(log.states, headers_of(1, 10, epoch=1)) == "out_of_order"
    log.take(headers_of(1, 0, epoch=1))
    assert code(log.states, headers_of(1, 10, epoch=0)) == "fenced"
    assert log.states.check(headers_of(10, 0)) == ([], Rejected("fenced", "producer 7, epoch 0: epoch 1 took over"))


def test_batches_of_one_append_follow_each_other() -> None:
    """What is asked together is judged together."""
    states = ProducerStates()
    data = bytearray(
        make_batch(b"a", b"b", producer_id=7, producer_epoch=0, base_sequence=0)
        + make_batch(b"c", producer_id=7, producer_epoch=0, base_sequence=2)
    )

    assert states.check(check_batches(data)) == ([], None)
    for header in assign(data, check_batches(data), 0, 0)[:1]:
        states.apply(header)
    assert states.check(check_batches(data)) == ([Repeated(0, 2)], None)


def test_the_last_stable_offset_is_where_the_first_open_transaction_begins() -> None:
    """It moves on with the marker, not before."""
    log = Prefix()
    log.take(headers_of(3, 0, producer=1))
    log.take(headers_of(2, 0, transactional=True, producer=7))
    log.take(headers_of(2, 0, transactional=True, producer=8))

    assert log.states.last_stable_offset(log.end) == 3
    log.mark(True, producer=7)
    assert log.states.last_stable_offset(log.end) == 5
    log.mark(False, producer=8)
    assert log.states.last_stable_offset(log.end) == log.end == 9


def test_readers_learn_which_transactions_in_their_range_were_aborted() -> None:
    """A transaction counts if any of its records or its marker lies in the range."""
    log = Prefix()
    log.take(headers_of(2, 0, transactional=True))  # 0, 1
    log.mark(False)  # 2
    log.take(headers_of(2, 2, transactional=True))  # 3, 4
    log.mark(True)  # 5
    log.take(headers_of(2, 4, transactional=True))  # 6, 7
    log.mark(False)  # 8

    assert log.states.aborted_within(0, 9) == ((7, 0), (7, 6))
    assert log.states.aborted_within(2, 3) == ((7, 0),)
    assert log.states.aborted_within(3, 6) == ()
    assert log.states.aborted_within(7, 8) == ((7, 6),)


def test_records_outside_an_open_transaction_are_refused() -> None:
    """A producer that began a transaction ends it before it writes anything else."""
    log = Prefix()
    log.take(headers_of(2, 0, transactional=True))

    assert code(log.states, headers_of(1, 2)) == "slot_busy"
    assert code(log.states, headers_of(1, 0, epoch=1, transactional=True)) == "slot_busy"
    assert code(log.states, headers_of(1, 2, transactional=True)) is None


def test_a_marker_of_a_newer_epoch_fences() -> None:
    """The older producer's next batch is refused, and the new one begins at 0."""
    log = Prefix()
    log.take(headers_of(2, 0, transactional=True))
    log.mark(False, epoch=1)

    assert code(log.states, headers_of(1, 2, transactional=True)) == "fenced"
    assert code(log.states, headers_of(1, 0, epoch=1)) is None


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["plain", "open", "commit", "abort"])), max_size=40))
@settings(max_examples=80)
def test_the_state_is_a_function_of_the_log(steps) -> None:
    """Reading the same batches again gives the same state; what is open bounds what is stable."""
    log = Prefix()
    for producer, step in steps:
        known = log.states.producers.get(producer, Producer(0))
        if step in ("commit", "abort"):
            log.mark(step == "commit", producer=producer)
        elif known.open_from is None or step == "open":
            log.take(headers_of(2, known.next_sequence, producer=producer, transactional=step == "open"))

    again = ProducerStates()
    for header, commit in log.headers:
        again.apply(header, commit=commit)

    assert (again.producers, again.aborted) == (log.states.producers, log.states.aborted)
    assert list(again.producers) == list(log.states.producers)
    opened = [known.open_from for known in again.producers.values() if known.open_from is not None]
    assert again.last_stable_offset(log.end) == min(opened, default=log.end)


def test_a_marker_of_another_kind_changes_nothing() -> None:
    """Kafka writes control batches that end no transaction."""
    log = Prefix()
    log.take(headers_of(2, 0, transactional=True))
    data = control_batch(7, 0, commit=True, timestamp_ms=0)

    log.states.apply(read_header(data), commit=None)

    assert log.states.last_stable_offset(3) == 0
    assert log.states.open_transaction(7) is not None


@pytest.mark.parametrize("upto", [0, 1, 2])
def test_what_ended_before_the_log_starts_is_forgotten(upto) -> None:
    """Aborted transactions go with their records."""
    log = Prefix()
    log.take(headers_of(1, 0, transactional=True))
    log.mark(False)

    log.states.forget_before(upto)

    assert bool(log.states.aborted) is (upto < 2)
