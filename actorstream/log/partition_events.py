"""What the log's own actors, timers and background work tell a partition; nobody else sends these."""

from __future__ import annotations

from actorstream.actors import Message
from actorstream.model.topic import TopicSpec


class Configure(Message):
    """The catalogue's: the topic changed."""

    spec: TopicSpec


class Synced(Message):
    """A sync ended: everything below `offset` is durable."""

    offset: int


class FlushDue(Message):
    """Under `flush="interval"`: so long ago something was appended first after the last sync."""


class FetchExpired(Message):
    """The reader of this number waited as long as it wanted to."""

    number: int
