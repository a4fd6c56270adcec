"""What one may ask of the log's actors, and what they answer.

Every question carries a `request` number that the answer repeats, so that an asker with several open questions can
tell the answers apart. Answers to a question that cannot be served are `Refused`, never silence.
"""

from __future__ import annotations

import msgspec

from actorstream.actors import Message
from actorstream.model.topic import TopicSpec


class Refused(Message):
    """The question could not be served; `code` is for programs, `reason` for people.

    `facts` are the attributes of the error that this code stands for, so that the asker can raise it, too.
    """

    request: int
    code: str  # one of the names in `REFUSALS`
    reason: str
    facts: dict[str, str | int | None] = msgspec.field(default_factory=dict)


REFUSALS = (
    "unknown_topic",
    "topic_mismatch",
    "topic_in_use",
    "corrupt_batch",
    "end_moved",  # a conditional append found the end elsewhere
    "fenced",  # a newer producer epoch is known
    "out_of_order",  # a producer's sequence has a gap
    "not_open",  # a job's producer appends before its epoch was opened here
    "slot_busy",  # the producer's earlier transaction is still open here
    "offset_out_of_range",
    "disk_full",
    "corrupt",  # bytes on the disk fail their check
    "unsupported",
)


# --- the catalogue of topics -------------------------------------------------------------------------------------


class CreateTopic(Message):
    """Create a topic, or find it as it is. Answered by `TopicCreated`, or `Refused("topic_mismatch")`."""

    spec: TopicSpec
    request: int = 0


class TopicCreated(Message):
    spec: TopicSpec
    created: bool  # False: it was there already
    request: int = 0


class DeleteTopic(Message):
    """Delete a topic and its records. Answered by `TopicDeleted`."""

    topic: str
    request: int = 0


class TopicDeleted(Message):
    topic: str
    request: int = 0


class DescribeTopics(Message):
    """All topics, or the named ones that exist. Answered by `TopicsDescribed`, sorted by name.

    Internal topics are among all only if `internal` asks for them; named, they are always found.
    """

    names: tuple[str, ...] | None = None
    request: int = 0
    internal: bool = False


class TopicsDescribed(Message):
    specs: tuple[TopicSpec, ...]
    request: int = 0


class AllocateProducerIds(Message):
    """`count` producer ids that nobody has had. Answered by `ProducerIdsAllocated`."""

    count: int
    owner: str  # a job's name, or "" for a plain producer; one id has one owner
    request: int = 0


class ProducerIdsAllocated(Message):
    first: int
    count: int
    request: int = 0


# --- one partition -------------------------------------------------------------------------------------------------


class Append(Message):
    """Append whole record batches. Answered by `Appended`.

    Base offset and leader epoch of each batch are set here. `expected_end`: append only if the log ends there
    (a compare-and-set; else `Refused("end_moved")`). `flush`: answer only when it is on stable storage.
    A batch with a producer id follows KIP-98: a repeated one is answered with its first offsets, a gap is refused.
    A transactional batch opens that producer's transaction in this partition.
    """

    batches: bytes
    expected_end: int | None = None
    flush: bool = False
    request: int = 0


class Appended(Message):
    first_offset: int
    end_offset: int  # one past the last record of this append
    request: int = 0


class Fetch(Message):
    """Whole batches from the one that holds `offset` on. Answered by `Fetched`, at once if there is anything.

    `committed`: nothing at or past the last stable offset. At the end of the log the answer waits up to `wait_us`.
    At least one batch comes even if it is larger than `max_bytes`.
    """

    offset: int
    max_bytes: int = 1 << 20
    committed: bool = True
    wait_us: int = 0
    request: int = 0


class Fetched(Message):
    """`aborted`: (producer id, first offset) of aborted transactions within the range, as in Kafka's fetch answer."""

    topic: str
    partition: int
    batches: bytes
    next_offset: int  # where the next fetch goes on: past the last batch here, or the offset asked for
    aborted: tuple[tuple[int, int], ...]
    log_start: int
    high_watermark: int
    last_stable_offset: int
    request: int = 0


class Flush(Message):
    """Make everything below `up_to` durable, under every flush setting. Answered by `Flushed`."""

    up_to: int
    request: int = 0


class Flushed(Message):
    up_to: int
    request: int = 0


class ListOffsets(Message):
    """Where the log begins and ends. Answered by `OffsetsListed`.

    With `timestamp_ms`: also the first offset whose timestamp is not before it, or -1.
    """

    timestamp_ms: int | None = None
    request: int = 0


class OffsetsListed(Message):
    log_start: int
    high_watermark: int
    last_stable_offset: int
    at_timestamp: int = -1
    request: int = 0


class Settled(Message, frozen=True):
    """What a job's log decided about one producer in one partition: committed up to here, in this epoch."""

    producer_id: int
    producer_epoch: int
    last_sequence: int
    last_offset: int


class OpenEpoch(Message):
    """A job's new epoch. Answered by `EpochOpened`.

    For each producer id with an open transaction of a lower epoch: a commit marker if one of `settled` covers the
    transaction, else an abort marker. From now on lower epochs of these ids are fenced, and appends of this epoch are
    taken. After a restart a partition refuses appends of jobs (`not_open`) until it hears this.
    """

    job: str
    producer_epoch: int
    producer_ids: tuple[int, ...]
    settled: tuple[Settled, ...] = ()
    request: int = 0


class EpochOpened(Message):
    request: int = 0


class WriteMarkers(Message):
    """End the open transactions of these producers here, all in one append. Answered by `MarkersWritten`.

    A producer without an open transaction gets no marker, so repeating this does no harm; nor does one whose open
    transaction goes beyond what was decided: that is a later one.
    """

    producers: tuple[tuple[int, int], ...]  # (producer id, producer epoch)
    commit: bool
    last_offsets: tuple[int, ...] = ()  # of what was decided, one for each producer; none: whatever is open
    request: int = 0


class MarkersWritten(Message):
    end_offset: int
    request: int = 0


# --- groups --------------------------------------------------------------------------------------------------------


class CommitOffsets(Message):
    """Remember where a group is. Answered by `OffsetsCommitted`, when durable."""

    group: str
    offsets: tuple[tuple[str, int, int], ...]  # (topic, partition, offset of the next record to read)
    request: int = 0


class OffsetsCommitted(Message):
    request: int = 0


class FetchOffsets(Message):
    """Where a group is. Answered by `OffsetsFetched`; partitions without a commit are absent."""

    group: str
    request: int = 0


class OffsetsFetched(Message):
    offsets: tuple[tuple[str, int, int], ...]
    request: int = 0


class ListGroups(Message):
    """The names of all groups that committed. Answered by `GroupsListed`."""

    request: int = 0


class GroupsListed(Message):
    groups: tuple[str, ...]
    request: int = 0
