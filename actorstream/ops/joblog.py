"""What the logs of a directory's jobs say: their last decision, their positions, what they keep.

Guarantees: reads only, and may be asked again while a job runs. A job's positions are those of its last checkpoint.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Any, NamedTuple

from actorstream.log.client import (
    Done,
    Epoch,
    Fetch,
    Fetched,
    GroupPosition,
    History,
    RawDecoder,
    Transport,
    ask,
    decode_decision,
    describe_topic,
    job_topic,
    list_topics,
)
from actorstream.model.topic import TopicPartition

RECENT_MAX = 10
"""Checkpoints that are remembered."""

_PREFIX = job_topic("")
_INSTANCE = re.compile(r"(?P<name>.*?)(~\d+)?\[(?P<number>\d+)\]")


class Decided(NamedTuple):
    """One checkpoint."""

    done: Done
    epoch: Epoch


def jobs(transport: Transport) -> list[str]:
    """The names of all jobs that ever ran here, sorted."""
    names = [spec.name for spec in list_topics(transport, internal=True)]
    return [name.removeprefix(_PREFIX) for name in names if name.startswith(_PREFIX)]


class JobLog:
    """The decisions of one job, read as far as `refresh` found them."""

    def __init__(self, transport: Transport, job: str) -> None:
        self.job = job
        self.history = History()
        self.recent: deque[Decided] = deque(maxlen=RECENT_MAX)
        self._transport = transport
        self._next_offset = 0
        self.refresh()

    def refresh(self) -> None:
        """Read what is new.

        Raises:
            UnknownTopic: no job of this name ever ran here.
            ActorstreamError: its log cannot be read.
        """
        while True:
            asked = Fetch(self._next_offset, committed=False)
            answer = ask(self._transport, TopicPartition(job_topic(self.job), 0), asked, Fetched)
            for offset, _, value in RawDecoder().decode(answer):
                if offset >= self._next_offset:
                    self._apply(offset, value or b"")
            if answer.next_offset == self._next_offset:
                return
            self._next_offset = answer.next_offset

    def _apply(self, offset: int, value: bytes) -> None:
        decision = decode_decision(value, f"{job_topic(self.job)}-0 at offset {offset}")
        self.history.apply(decision, offset)
        if isinstance(decision, Done) and self.history.epoch is not None:
            self.recent.append(Decided(decision, self.history.epoch))

    @property
    def state(self) -> str:
        """Running, or why it stopped. A job that was killed counts as running until it is started again."""
        epoch = self.history.epoch
        if epoch is None:
            return "never ran"
        return "running, or killed" if epoch.assignment is not None else epoch.reason

    @property
    def has_finished(self) -> bool:
        """Whether it came to the end of its input, or was stopped by a person."""
        return self.history.epoch is not None and self.state == "finished"

    def positions(self) -> list[GroupPosition]:
        """Where its sources are in the topics that they read, as if it were a consumer group."""
        ends: dict[str, dict[int, int]] = {}
        return [
            _position(self._transport, source, saved, ends) for source, saved in sorted(self.history.sources.items())
        ]


def _position(
    transport: Transport, source: str, saved: dict[str, Any], ends: dict[str, dict[int, int]]
) -> GroupPosition:
    found = _INSTANCE.fullmatch(source)
    name, number = (found["name"], int(found["number"])) if found else (source, 0)
    offset = saved.get("position")
    if name not in ends:
        ends[name] = _ends(transport, name)
    end = ends[name].get(number)
    if not isinstance(offset, int):
        return GroupPosition(name, number, 0, end)
    return GroupPosition(name, number, offset, None if end is None else max(0, end - offset))


def _ends(transport: Transport, topic: str) -> dict[int, int]:
    """By partition, up to where the topic can be read; empty if there is no such topic (another kind of source)."""
    from actorstream.errors import UnknownTopic

    try:
        return {one.partition: one.last_stable_offset for one in describe_topic(transport, topic).partitions}
    except UnknownTopic:
        return {}
