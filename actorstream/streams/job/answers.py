"""What a partition, or the catalogue, answers to a coordinator."""

from __future__ import annotations

from actorstream.log.client import (
    Appended,
    EpochOpened,
    Fetched,
    MarkersWritten,
    OffsetsListed,
    ProducerIdsAllocated,
    Refused,
    TopicCreated,
    TopicsDescribed,
)

LogAnswer = (
    Appended
    | EpochOpened
    | Fetched
    | MarkersWritten
    | OffsetsListed
    | ProducerIdsAllocated
    | TopicCreated
    | TopicsDescribed
    | Refused
)
