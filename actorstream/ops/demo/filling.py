"""Fills the demo's input topics, each record once, however often it is interrupted.

The input is the same every time, and each partition is written in order. So what a partition holds is the beginning of
what belongs there, and its end says where to go on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, TypeVar

from actorstream.errors import TopicMismatch
from actorstream.log.client import (
    Producer,
    Transport,
    create_topic,
    describe_topic,
    encode_topic_key,
    partition_for_key,
)
from actorstream.model.topic import Topic

CHUNK_RECORDS: Final = 20_000

V = TypeVar("V")


def fill(
    transport: Transport,
    topic: Topic[V],
    values: Sequence[V],
    *,
    key: Callable[[V], str],
    time: Callable[[V], datetime],
    progress: Callable[[int], None],
) -> int:
    """Write what is missing of `values` into the topic; gives how many that were.

    Args:
        key: the key under which the topic writes a value.
        time: a value's event time, which becomes the record's timestamp.
        progress: told how many values are there, again and again.

    Raises:
        TopicMismatch: the topic is made in another way, or holds more than these values.
    """
    create_topic(transport, topic)
    missing = _missing(transport, topic, values, key)
    done = len(values) - len(missing)
    progress(done)
    with Producer(transport=transport) as producer:
        for start in range(0, len(missing), CHUNK_RECORDS):
            chunk = missing[start : start + CHUNK_RECORDS]
            producer.send_many(topic, chunk, timestamps=list(map(time, chunk)))
            progress(done + start + len(chunk))
    return len(missing)


def _missing(transport: Transport, topic: Topic[Any], values: Sequence[V], key: Callable[[V], str]) -> list[V]:
    """The values that their partitions do not hold yet, in order."""

    @cache
    def partition_of(one: str) -> int:
        return partition_for_key(encode_topic_key(one), topic.partitions)

    there = [one.end_offset for one in describe_topic(transport, topic.name).partitions]
    if not any(there):
        return list(values)
    missing = []
    for value in values:
        partition = partition_of(key(value))
        if there[partition]:
            there[partition] -= 1
        else:
            missing.append(value)
    if any(there):
        raise TopicMismatch(
            f"topic {topic.name!r} holds more than the demo's records; start over with --fresh, or choose another "
            "directory with --data"
        )
    return missing
