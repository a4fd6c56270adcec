"""A job's decisions: the records of its log, what they add up to, and what they mean for a batch in a partition.

Theory of operation. Every append to a job's log is a compare-and-set on its end, so the log is a single history that
all coordinators agree on. `Epoch` opens an attempt to run the job, and by opening it ends the one before: what that one
had not decided is aborted. `Done` is the commit point of one checkpoint: source positions, state and output, together.
An `Epoch` without an assignment is a stop. Markers in the partitions follow from this log and can be written again from
it at any time.

This module owns the history and the verdict; what positions and state ranges look like inside is the job's business.

Source: the visibility rule is the project's own (docs/internals/exactly-once.md); transactions by log and markers
follow KIP-98; barriers follow Carbone et al., "Lightweight asynchronous snapshots for distributed dataflows" (2015).
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from actorstream.errors import BadInput, UnsupportedFormat
from actorstream.log.messages import OpenEpoch, Settled, WriteMarkers
from actorstream.log.undecodable import UNDECODABLE

FORMAT = 1
IN_FLIGHT_MAX = 1
"""Checkpoints of a job that may be undecided at a time."""

SLOTS = IN_FLIGHT_MAX + 1
"""Producer ids that each lane owns: checkpoint n writes with id `first + n % SLOTS`."""

PRODUCER_EPOCH_MAX = 32_767
"""The largest producer epoch that a record batch can carry; a job asks for new ids before it gets there."""

PREFIX = "__job."


def job_topic(job: str) -> str:
    """The internal topic that holds a job's decisions."""
    return PREFIX + job


def changelog_topic(job: str) -> str:
    """The internal topic that holds the changes of a job's state."""
    return f"__changelog.{job}"


class StateRange(msgspec.Struct, frozen=True, array_like=True):
    """Records [start, end) of the changelog hold changes of these key groups (both ends included).

    A `base` replaces what came before it, others add to it.
    """

    first_group: int
    last_group: int
    start: int
    end: int
    base: bool = False


class Cut(msgspec.Struct, frozen=True, array_like=True):
    """Where one lane's output of a checkpoint ends in one partition."""

    slot: int
    last_sequence: int
    last_offset: int


class Epoch(msgspec.Struct, frozen=True, omit_defaults=True, tag="epoch"):
    """One attempt to run the job begins; all before it end."""

    epoch: int
    first_checkpoint: int
    assignment: dict[str, Any] | None  # task → key groups or splits; None: the job stops here
    lanes: dict[str, int]  # lane → first of its producer ids
    sink_topics: tuple[str, ...]
    producer_epoch_base: int  # producer epoch = epoch - base
    plan_hash: str
    reason: str
    at_us: int
    format: int = FORMAT
    region: int = 0


class Done(msgspec.Struct, frozen=True, omit_defaults=True, tag="done"):
    """Checkpoint n is decided: the commit point. Entries that did not change are absent."""

    epoch: int
    checkpoint: int
    plan_hash: str
    at_us: int
    sources: dict[str, Any] = {}
    watermarks: dict[str, int] = {}
    state: dict[str, tuple[StateRange, ...]] = {}
    sinks: dict[str, dict[str, Cut]] = {}  # partition → lane → where its output ends
    handles: dict[str, tuple[str, ...]] = {}  # two-phase sink → what to commit
    schemas: dict[str, dict[str, Any]] = {}  # state → the type that it is kept as; empty: it says nothing
    format: int = FORMAT
    region: int = 0


class Savepoint(msgspec.Struct, frozen=True, omit_defaults=True, tag="savepoint"):
    """A checkpoint that a person named; what it needs is never collected."""

    name: str
    checkpoint: int
    at_us: int
    format: int = FORMAT


Decision = Epoch | Done | Savepoint

_decoder = msgspec.json.Decoder(Decision)


class _Version(msgspec.Struct):
    format: int = FORMAT


_version = msgspec.json.Decoder(_Version)


def encode_decision(decision: Decision) -> bytes:
    """The record's value: JSON, so that any Kafka tool shows it."""
    return msgspec.json.encode(decision)


def decode_decision(data: bytes, where: str) -> Decision:
    """The decision in a record's value.

    Raises:
        UnsupportedFormat: written by a newer version.
        BadInput: not a decision.
    """
    try:
        found = _version.decode(data).format
        if found > FORMAT:
            raise UnsupportedFormat(where, found, FORMAT)
        decision: Decision = _decoder.decode(data)
        return decision
    except UNDECODABLE as error:
        raise BadInput(f"{where}: not a decision of a job: {error}") from error


class History:
    """What a job's log adds up to, record by record.

    Guarantees: epochs and checkpoints only grow; what one decision said is never unsaid by a later one.
    """

    def __init__(self) -> None:
        self.epoch: Epoch | None = None
        self.done: Done | None = None
        self.end = 0  # one past the last record seen: what the next append expects
        self.lanes: dict[str, int] = {}  # lane → first of its newest producer ids
        self.bases: dict[str, int] = {}  # lane → producer_epoch_base its newest ids were first used with
        self._generations: dict[str, list[tuple[int, int]]] = {}  # lane → (base, first id), all that it ever had
        self.sink_topics: dict[str, None] = {}
        self.sources: dict[str, Any] = {}
        self.watermarks: dict[str, int] = {}
        self.instances: dict[str, Any] = {}  # task → how many, when the last checkpoint was decided
        self.state: dict[str, tuple[StateRange, ...]] = {}
        self.schemas: dict[str, dict[str, Any]] = {}
        self.savepoints: dict[str, int] = {}
        self._cuts: dict[tuple[str, str, int], tuple[int, Cut]] = {}  # (partition, lane, slot) → (epoch, cut)

    @property
    def last_epoch(self) -> int:
        """The newest epoch, 0 if there was none."""
        return 0 if self.epoch is None else self.epoch.epoch

    @property
    def last_checkpoint(self) -> int:
        """The newest decided checkpoint, 0 if there was none."""
        return 0 if self.done is None else self.done.checkpoint

    @property
    def is_stopped(self) -> bool:
        """Whether the last epoch is a stop (or there was none)."""
        return self.epoch is None or self.epoch.assignment is None

    def next_first_checkpoint(self) -> int:
        """The first checkpoint number that a new epoch may use: never one that an earlier epoch may have used."""
        if self.epoch is None:
            return 1
        if self.done is not None and self.done.epoch == self.epoch.epoch:
            return self.done.checkpoint + IN_FLIGHT_MAX + 2
        return self.epoch.first_checkpoint + IN_FLIGHT_MAX + 1

    def apply(self, decision: Decision, offset: int) -> None:
        """Take the record at `offset` into account."""
        assert offset >= self.end
        self.end = offset + 1
        match decision:
            case Epoch():
                self._on_epoch(decision)
            case Done():
                self._on_done(decision)
            case Savepoint():
                self.savepoints[decision.name] = decision.checkpoint

    def _on_epoch(self, epoch: Epoch) -> None:
        assert epoch.epoch > self.last_epoch, "an epoch went back"
        self.epoch = epoch
        self.lanes.update(epoch.lanes)
        self.bases.update(dict.fromkeys(epoch.lanes, epoch.producer_epoch_base))
        for lane, first in epoch.lanes.items():
            self._generations.setdefault(lane, []).append((epoch.producer_epoch_base, first))
        self.sink_topics.update(dict.fromkeys(epoch.sink_topics))

    def _on_done(self, done: Done) -> None:
        assert done.epoch == self.last_epoch, "a checkpoint of an ended epoch was decided"
        assert done.checkpoint > self.last_checkpoint, "a checkpoint went back"
        self.done = done
        assert self.epoch is not None
        self.instances = dict(self.epoch.assignment or {})
        self.sources.update(done.sources)
        self.watermarks.update(done.watermarks)
        self.schemas.update(done.schemas)
        for state, ranges in done.state.items():
            self.state[state] = _needed((*self.state.get(state, ()), *ranges))
        for partition, lanes in done.sinks.items():
            for lane, cut in lanes.items():
                self._cuts[partition, lane, cut.slot] = (done.epoch, cut)

    def settled(self, partition: str) -> tuple[Settled, ...]:
        """What is committed in one partition, for each producer id that committed anything there."""
        return tuple(
            self._settled(lane, epoch, cut)
            for (where, lane, _), (epoch, cut) in self._cuts.items()
            if where == partition
        )

    def _settled(self, lane: str, epoch: int, cut: Cut) -> Settled:
        """A cut, by the producer ids that the lane had in that epoch."""
        base, first = next(one for one in reversed(self._generations[lane]) if one[0] <= epoch)
        return Settled(first + cut.slot, epoch - base, cut.last_sequence, cut.last_offset)

    def markers(self, partition: str) -> WriteMarkers:
        """The commits that follow from the decisions about one partition; those that are there already do no harm."""
        settled = self.settled(partition)
        return WriteMarkers(
            tuple((one.producer_id, one.producer_epoch) for one in settled),
            commit=True,
            last_offsets=tuple(one.last_offset for one in settled),
        )

    def openings(self, job: str, partition: str) -> list[OpenEpoch]:
        """What one partition must hear of the newest epoch: one question for all producer ids of the same age.

        Ids that a lane no longer writes with are among them: an epoch that has ended may have left output behind.
        """
        by_base: dict[int, list[int]] = {}
        for generations in self._generations.values():
            for base, first in generations:
                by_base.setdefault(base, []).extend(first + slot for slot in range(SLOTS))
        settled = self.settled(partition)
        return [
            OpenEpoch(
                job,
                min(self.last_epoch - base, PRODUCER_EPOCH_MAX),
                tuple(ids),
                tuple(one for one in settled if one.producer_id in ids),
            )
            for base, ids in by_base.items()
        ]


Verdict = Literal["committed", "aborted", "undecided"]


def verdict(
    settled: Settled | None, producer_epoch: int, last_sequence: int, last_offset: int, newest_epoch: int
) -> Verdict:
    """What the job's log says of a batch.

    Args:
        settled: what is committed of the batch's producer id in its partition, if anything.
        producer_epoch, last_sequence, last_offset: the batch's.
        newest_epoch: the producer epoch of the newest `Epoch` in the job's log.
    """
    if settled is not None and settled.producer_epoch == producer_epoch and last_sequence <= settled.last_sequence:
        return "committed" if last_offset <= settled.last_offset else "aborted"
    return "aborted" if newest_epoch > producer_epoch else "undecided"


def _needed(ranges: tuple[StateRange, ...]) -> tuple[StateRange, ...]:
    """Those that are not replaced, group by group, by later bases."""
    kept: list[StateRange] = []
    replaced = 0  # A bit for each key group.
    for one in reversed(ranges):
        groups = ((1 << (one.last_group - one.first_group + 1)) - 1) << one.first_group
        if groups & ~replaced:
            kept.append(one)
        if one.base:
            replaced |= groups
    return tuple(reversed(kept))
