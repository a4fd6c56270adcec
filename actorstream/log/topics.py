"""Topics as clients of the log see them: found by name, or made as a program declares them."""

from __future__ import annotations

from typing import Any

from actorstream.errors import UnknownTopic
from actorstream.log.messages import CreateTopic, DescribeTopics, TopicCreated, TopicsDescribed
from actorstream.log.transport import Transport, ask
from actorstream.model.topic import Topic, TopicSpec


def topic_name(topic: Topic[Any] | str) -> str:
    """The name of a topic that may be given by its name."""
    return topic if isinstance(topic, str) else topic.name


def spec_of(topic: Topic[Any]) -> TopicSpec:
    """A topic as the log remembers it, from its declaration."""
    return TopicSpec(
        name=topic.name,
        partitions=topic.partitions,
        replication=topic.replication,
        retention_us=topic.retention_us,
        compacted=topic.compacted,
        key=topic.key if isinstance(topic.key, str) else None,
        schema=None if topic.type is None else _describe(topic.type),
    )


def find_topic(transport: Transport, name: str) -> TopicSpec:
    """The topic of this name.

    Raises:
        UnknownTopic: there is none; names those that there are.
    """
    found = ask(transport, "catalogue", DescribeTopics((name,)), TopicsDescribed).specs
    if found:
        return found[0]
    known = ask(transport, "catalogue", DescribeTopics(), TopicsDescribed).specs
    raise UnknownTopic(name, tuple(spec.name for spec in known))


def make_topic(transport: Transport, topic: Topic[Any]) -> TopicSpec:
    """The topic as it is in the log, made if it was not there.

    Raises:
        TopicMismatch: it is there, made in another way.
    """
    return ask(transport, "catalogue", CreateTopic(spec_of(topic)), TopicCreated).spec


def _describe(kind: Any) -> dict[str, Any]:
    from actorstream.model.schema import describe

    return describe(kind)
