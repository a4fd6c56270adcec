"""A job's decisions over random lives of a job: what is committed only grows, and every batch has one verdict."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actorstream.log.decisions import SLOTS, Cut, Done, Epoch, History, decode_decision, encode_decision, verdict

LANES = ("one/0", "two/0")
PARTITIONS = ("out-0", "out-1")


@dataclass(frozen=True)
class Written:
    """A batch that some attempt wrote, and which checkpoint it belongs to."""

    lane: str
    partition: str
    producer_id: int
    epoch: int
    checkpoint: int
    last_sequence: int
    last_offset: int

    @property
    def slot(self) -> tuple[str, str, int]:
        """Where the history keeps one cut."""
        return self.partition, self.lane, self.checkpoint % SLOTS


class JobLife(RuleBasedStateMachine):
    """Attempts write, decide or die. What is true of each batch is known; the history must say the same."""

    def __init__(self) -> None:
        super().__init__()
        self.history = History()
        self.written: list[Written] = []
        self.committed: set[Written] = set()
        self.offsets = dict.fromkeys(PARTITIONS, 0)
        self.sequences: dict[tuple[str, str, int], int] = {}
        self.checkpoint = 0
        self.used: set[int] = set()  # checkpoints that any epoch may have written under
        self.next_id = 0

    def decide(self, decision: Epoch | Done) -> None:
        """Append to the job's log, as bytes."""
        self.history.apply(decode_decision(encode_decision(decision), "here"), self.history.end)

    @rule(fresh=st.booleans(), gap=st.integers(0, 2))
    def open_epoch(self, fresh: bool, gap: int) -> None:
        """A new attempt: all that is undecided is lost. Sometimes it takes new producer ids."""
        number = self.history.last_epoch + 1
        lanes = {}
        for lane in LANES:
            if lane not in self.history.lanes or fresh:
                lanes[lane] = self.next_id
                self.next_id += SLOTS
        first = self.history.next_first_checkpoint()
        assert first not in self.used
        self.checkpoint = first
        self.sequences = {}
        self.decide(
            Epoch(
                epoch=number,
                first_checkpoint=first,
                assignment={},
                lanes=lanes,
                sink_topics=("out",),
                producer_epoch_base=number,
                plan_hash="",
                reason="",
                at_us=0,
            )
        )
        for partition in PARTITIONS:  # Others write, too.
            self.offsets[partition] += gap

    @precondition(lambda self: self.history.epoch is not None)
    @rule(lane=st.sampled_from(LANES), partition=st.sampled_from(PARTITIONS), count=st.integers(1, 3))
    def write(self, lane: str, partition: str, count: int) -> None:
        """A lane appends some records for the open checkpoint."""
        slot = self.checkpoint % SLOTS
        sequence = self.sequences.get((lane, partition, slot), 0) + count
        self.sequences[lane, partition, slot] = sequence
        self.offsets[partition] += count
        self.used.add(self.checkpoint)
        self.written.append(
            Written(
                lane,
                partition,
                self.history.lanes[lane] + slot,
                self.history.last_epoch,
                self.checkpoint,
                sequence - 1,
                self.offsets[partition] - 1,
            )
        )

    @precondition(lambda self: self.history.epoch is not None)
    @rule()
    def commit(self) -> None:
        """All tasks have answered: the open checkpoint is decided."""
        mine = [
            one for one in self.written if (one.epoch, one.checkpoint) == (self.history.last_epoch, self.checkpoint)
        ]
        sinks: dict[str, dict[str, Cut]] = {}
        for one in mine:
            cut = Cut(self.checkpoint % SLOTS, one.last_sequence, one.last_offset)
            sinks.setdefault(one.partition, {})[one.lane] = cut
        self.decide(Done(epoch=self.history.last_epoch, checkpoint=self.checkpoint, plan_hash="", at_us=0, sinks=sinks))
        self.used.add(self.checkpoint)
        self.committed.update(mine)
        self.checkpoint += 1

    def says(self, one: Written) -> str:
        """The verdict on a batch, as a partition would ask for it."""
        settled = {of.producer_id: of for of in self.history.settled(one.partition)}
        base = self.base_of(one)
        newest = self.history.last_epoch - base
        return verdict(settled.get(one.producer_id), one.epoch - base, one.last_sequence, one.last_offset, newest)

    def base_of(self, one: Written) -> int:
        """The epoch that the batch's producer ids were first used in: what its producer epoch counts from."""
        bases = {
            producer_id: self.history.last_epoch - opening.producer_epoch
            for opening in self.history.openings("job", one.partition)
            for producer_id in opening.producer_ids
        }
        return bases[one.producer_id]

    def is_over(self, one: Written) -> bool:
        """Whether nobody asks any more: its marker was durable before a later epoch could commit after it."""
        return any(other.slot == one.slot and other.epoch > one.epoch for other in self.committed)

    @invariant()
    def every_batch_has_the_verdict_that_is_true(self) -> None:
        """Committed, if it was; aborted, if its attempt has ended; else undecided. So nothing is ever taken back."""
        for one in self.written:
            if one in self.committed and self.is_over(one):
                continue
            if one in self.committed:
                expected = "committed"
            elif one.epoch < self.history.last_epoch:
                expected = "aborted"
            else:
                expected = "undecided"
            assert self.says(one) == expected


TestJobLife = JobLife.TestCase
