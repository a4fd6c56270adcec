"""Bugs to plant in the log and in the decisions of jobs: each takes one rule out, by replacing a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from actorstream.log import decisions, embedded, fences, producers
from actorstream.log.client import Flushed
from actorstream.log.partition import Partition
from actorstream.streams.job import coordinator, opening

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
