"""Producers as one partition knows them: whose batch repeats, whose has a gap, which transactions are open or aborted.

Guarantees: the state is a function of the log's prefix; applying the same batches gives the same state, whether they
come from a producer or are read again after a crash. Leaves to others: which producers may write at all (`partition`),
the bytes of snapshots (`snapshot`).

Theory of operation. Of each producer id the newest epoch and its last five batches are kept. A batch is a repetition if
its first and last sequence equal those of one of the five; it is next if it begins one after the last; anything else is
a gap. A newer epoch begins at 0. A transactional batch opens a transaction that the producer's next marker ends. The
last stable offset is where the earliest open transaction begins; transactions that a marker aborted are remembered for
readers, who skip them.

Source: KIP-98, sections "Idempotent producer guarantees" and "Transactional guarantees".
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

from actorstream.log.batch import NO_PRODUCER, SEQUENCE_END, BatchHeader

BATCHES_REMEMBERED = 5
"""As many batches may be in flight from one Kafka producer."""

PRODUCERS_MAX = 100_000
"""Beyond this the producer that was silent for longest is forgotten, unless its transaction is open."""


class ProducedBatch(NamedTuple):
    """One batch of a producer, as it lies in the log."""

    first_sequence: int
    last_sequence: int
    first_offset: int
    last_offset: int


class Producer(NamedTuple):
    """What is known of one producer id. `open_from`: where its open transaction begins, or None."""

    epoch: int
    batches: tuple[ProducedBatch, ...] = ()
    open_from: int | None = None

    @property
    def next_sequence(self) -> int:
        """The sequence that must come next in this epoch."""
        return (self.batches[-1].last_sequence + 1) % SEQUENCE_END if self.batches else 0


class AbortedTransaction(NamedTuple):
    """A transaction that was aborted: its first record, and its marker, which is its last."""

    producer_id: int
    first_offset: int
    last_offset: int
    last_stable_offset: int  # of the log when the marker was written


class Rejected(NamedTuple):
    """Why a batch may not be appended: a code of `messages.REFUSALS`, and words for people."""

    code: str
    reason: str


class Repeated(NamedTuple):
    """The batch is in the log already, here."""

    first_offset: int
    end_offset: int


class ProducerStates:
    """See the module."""

    __slots__ = ("_open", "aborted", "producers")

    def __init__(
        self, producers: dict[int, Producer] | None = None, aborted: Iterable[AbortedTransaction] = ()
    ) -> None:
        self.producers: dict[int, Producer] = producers or {}  # The longest silent first.
        self.aborted: list[AbortedTransaction] = list(aborted)  # In order of their markers.
        self._open = {
            producer_id: producer.open_from
            for producer_id, producer in self.producers.items()
            if producer.open_from is not None
        }

    # --- asking ------------------------------------------------------------------------------------------------

    def check(self, headers: list[BatchHeader]) -> tuple[list[Repeated], Rejected | None]:
        """What to do with batches that ask to be appended together.

        Returns:
            The leading ones that are repetitions; the rest may be appended, unless they are rejected.
        """
        staged: dict[int, Producer] = {}
        repeated: list[Repeated] = []
        for index, header in enumerate(headers):
            if header.producer_id == NO_PRODUCER:
                continue
            known = staged.get(header.producer_id) or self.producers.get(header.producer_id)
            verdict = _judge(header, known)
            if isinstance(verdict, Rejected):
                return repeated, verdict
            if verdict is None:
                staged[header.producer_id] = _after(known, header)
            elif len(repeated) == index:
                repeated.append(verdict)
            else:
                return repeated, Rejected("out_of_order", "a batch that is in the log already follows a new one")
        return repeated, None

    def open_transaction(self, producer_id: int) -> Producer | None:
        """The producer, if it has an open transaction here."""
        return self.producers[producer_id] if producer_id in self._open else None

    def epoch(self, producer_id: int) -> int:
        """The newest epoch of the producer that the log knows; -1 if none."""
        known = self.producers.get(producer_id)
        return known.epoch if known else -1

    def last_stable_offset(self, high_watermark: int) -> int:
        """The offset from which on something is undecided, or not yet to be read at all."""
        return min(min(self._open.values(), default=high_watermark), high_watermark)

    def aborted_within(self, start_offset: int, end_offset: int) -> tuple[tuple[int, int], ...]:
        """(producer id, first offset) of aborted transactions that reach into [start_offset, end_offset)."""
        first = bisect_left(self.aborted, start_offset, key=_last_offset)
        found = []
        for transaction in self.aborted[first:] if first else self.aborted:
            if transaction.first_offset < end_offset:
                found.append((transaction.producer_id, transaction.first_offset))
            if transaction.last_stable_offset >= end_offset:
                break  # All that were aborted later began later.
        return tuple(found)

    # --- following the log -------------------------------------------------------------------------------------

    def apply(self, header: BatchHeader, *, commit: bool | None = None) -> None:
        """A batch was appended, or is read again. `commit`: what it says, if it is a marker."""
        producer_id = header.producer_id
        if producer_id == NO_PRODUCER:
            return
        known = self.producers.pop(producer_id, None)
        if not header.is_control:
            self.producers[producer_id] = after = _after(known, header)
            if after.open_from is not None:
                self._open[producer_id] = after.open_from
            self._forget_silent()
        elif commit is not None:
            self.producers[producer_id] = _ended(known, header)
            self._end_transaction(header, commit)
        elif known is not None:
            self.producers[producer_id] = known

    def _end_transaction(self, header: BatchHeader, commit: bool) -> None:
        open_from = self._open.pop(header.producer_id, None)
        if open_from is not None and not commit:
            stable = self.last_stable_offset(header.next_offset)
            self.aborted.append(AbortedTransaction(header.producer_id, open_from, header.last_offset, stable))

    def forget_before(self, start_offset: int) -> None:
        """Records before `start_offset` are gone, and so are transactions that ended before it."""
        self.aborted = self.aborted[bisect_left(self.aborted, start_offset, key=_last_offset) :]

    def _forget_silent(self) -> None:
        if len(self.producers) > PRODUCERS_MAX:
            silent = next((known for known in self.producers if known not in self._open), None)
            if silent is not None:
                del self.producers[silent]


def _judge(header: BatchHeader, known: Producer | None) -> Rejected | Repeated | None:
    """None: the batch is the producer's next."""
    who = f"producer {header.producer_id}, epoch {header.producer_epoch}"
    if known is not None and header.producer_epoch < known.epoch:
        return Rejected("fenced", f"{who}: epoch {known.epoch} took over")
    same_epoch = known is not None and header.producer_epoch == known.epoch
    if known is not None and same_epoch:
        for batch in known.batches:
            if (batch.first_sequence, batch.last_sequence) == (header.base_sequence, header.last_sequence):
                return Repeated(batch.first_offset, batch.last_offset + 1)
    expected = known.next_sequence if known is not None and same_epoch else 0
    if header.base_sequence != expected:
        return Rejected("out_of_order", f"{who}: sequence {header.base_sequence} where {expected} must come next")
    if known is not None and known.open_from is not None and not (header.is_transactional and same_epoch):
        return Rejected("slot_busy", f"{who}: its transaction from offset {known.open_from} on is still open")
    return None


def _after(known: Producer | None, header: BatchHeader) -> Producer:
    """The producer after this batch of records."""
    batch = ProducedBatch(header.base_sequence, header.last_sequence, header.base_offset, header.last_offset)
    before = known.batches if known is not None and known.epoch == header.producer_epoch else ()
    open_from = known.open_from if known is not None else None
    if open_from is None and header.is_transactional:
        open_from = header.base_offset
    return Producer(header.producer_epoch, (*before, batch)[-BATCHES_REMEMBERED:], open_from)


def _ended(known: Producer | None, header: BatchHeader) -> Producer:
    """The producer after this marker; one of a newer epoch fences the older."""
    if known is None or known.epoch < header.producer_epoch:
        return Producer(header.producer_epoch)
    return known._replace(open_from=None)


def _last_offset(transaction: AbortedTransaction) -> int:
    return transaction.last_offset
