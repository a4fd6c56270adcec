"""Looking at a log and changing it: topics and groups, for commands and programs.

Each function takes a transport, so that it works the same in the process that holds the data directory and in others.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from actorstream.log.answers import answer_of
from actorstream.log.messages import (
    CreateTopic,
    DeleteTopic,
    DescribeTopics,
    FetchOffsets,
    GroupsListed,
    ListGroups,
    ListOffsets,
    OffsetsFetched,
    OffsetsListed,
    TopicCreated,
    TopicDeleted,
    TopicsDescribed,
)
from actorstream.log.topics import find_topic, spec_of
from actorstream.log.transport import Transport, ask
from actorstream.model.topic import Topic, TopicPartition, TopicSpec


class PartitionState(NamedTuple):
    """Where a partition begins and ends. Committed readers see what lies below `last_stable_offset`."""

    partition: int
    start_offset: int
    end_offset: int
    last_stable_offset: int


class TopicState(NamedTuple):
    """A topic and its partitions."""

    spec: TopicSpec
    partitions: tuple[PartitionState, ...]


class GroupPosition(NamedTuple):
    """Where a group is in one partition. `lag_records`: how many committed offsets lie ahead; None: no such topic."""

    topic: str
    partition: int
    offset: int
    lag_records: int | None


def list_topics(transport: Transport, *, internal: bool = False) -> list[TopicSpec]:
    """All topics, by name; the log's and the jobs' own ones only if asked for."""
    return list(ask(transport, "catalogue", DescribeTopics(internal=internal), TopicsDescribed).specs)


def create_topic(transport: Transport, topic: Topic[Any]) -> bool:
    """Make the topic; False if it was there already, made in the same way.

    Raises:
        TopicMismatch: it is there, made in another way.
    """
    return ask(transport, "catalogue", CreateTopic(spec_of(topic)), TopicCreated).created


def delete_topic(transport: Transport, name: str) -> None:
    """Delete a topic, its records, and what groups remember of it.

    Raises:
        UnknownTopic: there is none of this name.
        TopicInUse: a job uses it.
    """
    ask(transport, "catalogue", DeleteTopic(name), TopicDeleted)


def describe_topic(transport: Transport, name: str) -> TopicState:
    """A topic and where its partitions begin and end.

    Raises:
        UnknownTopic: there is none of this name.
    """
    spec = find_topic(transport, name)
    return TopicState(spec, tuple(_states(transport, spec)))


def list_groups(transport: Transport) -> list[str]:
    """The names of all groups that committed, sorted."""
    return list(ask(transport, "groups", ListGroups(), GroupsListed).groups)


def describe_group(transport: Transport, name: str) -> list[GroupPosition]:
    """Where a group is, by topic and partition; empty if it never committed."""
    offsets = ask(transport, "groups", FetchOffsets(name), OffsetsFetched).offsets
    topics = tuple(dict.fromkeys(topic for topic, _, _ in offsets))
    specs = ask(transport, "catalogue", DescribeTopics(topics), TopicsDescribed).specs
    ends = {
        (spec.name, state.partition): state.last_stable_offset for spec in specs for state in _states(transport, spec)
    }
    return [GroupPosition(*at, _lag(ends.get(at[:2]), at[2])) for at in offsets]


def _lag(end_offset: int | None, offset: int) -> int | None:
    return None if end_offset is None else max(0, end_offset - offset)


def _states(transport: Transport, spec: TopicSpec) -> list[PartitionState]:
    places = [TopicPartition(spec.name, number) for number in range(spec.partitions)]
    answers = [transport.ask_future(place, ListOffsets()) for place in places]
    listed = [answer_of(transport.wait(answer), OffsetsListed) for answer in answers]
    return [
        PartitionState(number, at.log_start, at.high_watermark, at.last_stable_offset)
        for number, at in enumerate(listed)
    ]
