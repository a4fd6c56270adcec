"""The log's one door for those above it: questions and answers, addresses, codecs, decisions."""

from __future__ import annotations

import os
from typing import Any

from actorstream.log.addresses import catalogue_ref, groups_ref, partition_ref
from actorstream.log.admin import (
    GroupPosition,
    PartitionState,
    TopicState,
    create_topic,
    delete_topic,
    describe_group,
    describe_topic,
    list_groups,
    list_topics,
)
from actorstream.log.answers import answer_of
from actorstream.log.consumer import Consumer, ConsumerRecord
from actorstream.log.decisions import (
    IN_FLIGHT_MAX,
    PRODUCER_EPOCH_MAX,
    SLOTS,
    Cut,
    Decision,
    Done,
    Epoch,
    History,
    Savepoint,
    StateRange,
    changelog_topic,
    decode_decision,
    encode_decision,
    job_topic,
)
from actorstream.log.decoder import Decoded, RawDecoder, TopicDecoder, Undecodable
from actorstream.log.directory import DataDirectory
from actorstream.log.embedded import EmbeddedTransport, start_log
from actorstream.log.holding import EmbeddedLog
from actorstream.log.messages import (
    AllocateProducerIds,
    Append,
    Appended,
    CreateTopic,
    DescribeTopics,
    EpochOpened,
    Fetch,
    Fetched,
    Flush,
    Flushed,
    ListOffsets,
    MarkersWritten,
    OffsetsListed,
    OpenEpoch,
    ProducerIdsAllocated,
    Refused,
    TopicCreated,
    TopicsDescribed,
    WriteMarkers,
)
from actorstream.log.partitioning import partition_for_key
from actorstream.log.picture import describe_actors
from actorstream.log.producer import Producer
from actorstream.log.reaching import DEFAULT_DATA, open_transport
from actorstream.log.records import encode_records
from actorstream.log.refusals import error_of
from actorstream.log.settings import LogSettings
from actorstream.log.settle import read_history, settle
from actorstream.log.supervisor import Log
from actorstream.log.target import Target
from actorstream.log.transport import Transport, ask
from actorstream.log.undecodable import UNDECODABLE
from actorstream.model.keys import decode_topic_key, encode_topic_key
from actorstream.model.topic import Topic
from actorstream.model.values import encode_value, encode_values

__all__ = [
    "UNDECODABLE",
    "Undecodable",
    "AllocateProducerIds",
    "Append",
    "Appended",
    "Consumer",
    "ConsumerRecord",
    "CreateTopic",
    "Cut",
    "DEFAULT_DATA",
    "DataDirectory",
    "Decision",
    "Decoded",
    "DescribeTopics",
    "Done",
    "EmbeddedLog",
    "EmbeddedTransport",
    "Epoch",
    "EpochOpened",
    "Fetch",
    "Fetched",
    "Flush",
    "Flushed",
    "GroupPosition",
    "History",
    "IN_FLIGHT_MAX",
    "ListOffsets",
    "Log",
    "LogSettings",
    "MarkersWritten",
    "OffsetsListed",
    "OpenEpoch",
    "PRODUCER_EPOCH_MAX",
    "PartitionState",
    "Producer",
    "ProducerIdsAllocated",
    "RawDecoder",
    "Refused",
    "SLOTS",
    "Savepoint",
    "StateRange",
    "Target",
    "TopicCreated",
    "TopicDecoder",
    "TopicState",
    "TopicsDescribed",
    "Transport",
    "WriteMarkers",
    "answer_of",
    "ask",
    "catalogue_ref",
    "changelog_topic",
    "create_topic",
    "decode_decision",
    "decode_topic_key",
    "delete_topic",
    "describe_actors",
    "describe_group",
    "describe_topic",
    "encode_decision",
    "encode_records",
    "encode_topic_key",
    "encode_value",
    "encode_values",
    "error_of",
    "groups_ref",
    "job_topic",
    "list_groups",
    "list_topics",
    "open_consumer",
    "open_producer",
    "open_transport",
    "partition_for_key",
    "partition_ref",
    "read_history",
    "settle",
    "start_log",
]


def open_producer(data: str | os.PathLike[str] = DEFAULT_DATA) -> Producer:
    """A producer for the topics of a data directory; close it when done."""
    return Producer(data=data)


def open_consumer(
    topic: Topic[Any] | str,
    *,
    data: str | os.PathLike[str] = DEFAULT_DATA,
    group: str | None = None,
    start: str = "earliest",
    follow: bool = False,
) -> Consumer:
    """A consumer of one topic of a data directory; close it when done."""
    return Consumer(topic, data=data, group=group, start=start, follow=follow)
