"""Which epoch of each job's producers may write to a partition.

Guarantees: after a start nothing of a job is taken until its epoch was opened here, for only its own log knows which
epoch is the newest; of two epochs the older is refused. Pure.

Producer ids of jobs are told from all others by their number, so that a partition needs to ask nobody.
"""

from __future__ import annotations

from actorstream.errors import Fenced
from actorstream.log.batch import BatchHeader
from actorstream.log.decisions import verdict
from actorstream.log.messages import OpenEpoch, Settled
from actorstream.log.producers import Producer, ProducerStates
from actorstream.log.refusals import NotOpen, SlotBusy

JOB_PRODUCERS_FROM = 1 << 40
"""Producer ids from here on belong to jobs, those below to plain producers."""

OPEN_MAX = 100_000
"""So many producer ids of jobs may be open in one partition."""


class Fences:
    """See the module."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: dict[int, int] = {}  # Producer id -> epoch.

    def check(self, headers: list[BatchHeader]) -> None:
        """Whether these batches come from epochs that are open here.

        Raises:
            NotOpen: a job's epoch was not opened here since the start.
            Fenced: a newer one was.
        """
        for header in headers:
            if header.producer_id < JOB_PRODUCERS_FROM:
                continue
            epoch = self._open.get(header.producer_id)
            if epoch is None or header.producer_epoch > epoch:
                raise NotOpen(f"epoch {header.producer_epoch} of producer {header.producer_id} is not open here")
            if header.producer_epoch < epoch:
                raise Fenced(f"producer {header.producer_id}: epoch {epoch} took over from {header.producer_epoch}")

    def open(self, asked: OpenEpoch, states: ProducerStates) -> list[tuple[int, bool]]:
        """Let an epoch write, and none before it; the transactions to end first, and whether to commit them.

        Raises:
            Fenced: a newer epoch is known.
            SlotBusy: only a part of an open transaction was decided; it can be neither committed nor aborted.
        """
        for producer_id in asked.producer_ids:
            newest = max(self._open.get(producer_id, -1), states.epoch(producer_id))
            if newest > asked.producer_epoch:
                raise Fenced(f"job {asked.job!r}: epoch {newest} took over from {asked.producer_epoch}")
        settled = {(one.producer_id, one.producer_epoch): one for one in asked.settled}
        endings = []
        for producer_id in asked.producer_ids:
            producer = states.open_transaction(producer_id)
            if producer is not None and producer.epoch < asked.producer_epoch:
                decided = settled.get((producer_id, producer.epoch))
                endings.append((producer_id, _is_committed(producer, decided, asked.producer_epoch)))
        self._open.update(dict.fromkeys(asked.producer_ids, asked.producer_epoch))
        return endings


def _is_committed(producer: Producer, settled: Settled | None, newest_epoch: int) -> bool:
    """Whether what the job decided covers the producer's open transaction."""
    assert producer.open_from is not None
    last = producer.batches[-1]
    if verdict(settled, producer.epoch, last.last_sequence, last.last_offset, newest_epoch) == "committed":
        return True
    if settled is not None and settled.last_offset >= producer.open_from:
        raise SlotBusy(
            f"the transaction from offset {producer.open_from} to {last.last_offset} was decided only up to "
            f"{settled.last_offset}"
        )
    return False
