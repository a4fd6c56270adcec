"""Topics: as a program declares them, and as the log remembers them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Generic, TypeVar

import msgspec

from actorstream.errors import PlanError
from actorstream.model.duration import duration_us

T = TypeVar("T")

PARTITIONS_MAX = 10_000
_NAME = re.compile(r"[a-zA-Z0-9._-]{1,249}")


class Topic(Generic[T]):
    """A topic as a program declares it: a name, the type of its values, and how it is kept.

    Compared and hashed by identity, so that it can key the inputs and outputs of a test.
    """

    __slots__ = ("compacted", "key", "name", "partitions", "replication", "retention_us", "sequence", "type")

    def __init__(
        self,
        name: str,
        type: Any = None,  # noqa: A002 - the word of the interface
        *,
        partitions: int = 1,
        replication: int = 1,
        key: str | Callable[[Any], Any] | None = None,
        retention: str | timedelta | None = None,
        compacted: bool = False,
        sequence: str | None = None,
    ) -> None:
        check_topic_name(name)
        if not isinstance(partitions, int) or not 1 <= partitions <= PARTITIONS_MAX:
            raise PlanError(f"topic {name!r}: partitions is {partitions!r}; give a number from 1 to {PARTITIONS_MAX}")
        self.name = name
        self.type = type
        self.partitions = partitions
        self.replication = replication
        self.key = key
        self.retention_us = None if retention is None else duration_us(retention, what=f"retention of {name!r}")
        self.compacted = compacted
        self.sequence = sequence

    def __repr__(self) -> str:
        return f"Topic({self.name!r})"


def check_topic_name(name: object, what: str = "topic") -> None:
    """Refuse what could not be a directory's name, here or in Kafka.

    Args:
        what: what it is to be the name of.

    Raises:
        PlanError: the name does not fit.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in (".", ".."):
        raise PlanError(f"{name!r} is no {what} name; use 1 to 249 letters, digits, dots, underscores and hyphens")


class TopicSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """A topic as the log remembers it."""

    name: str
    partitions: int = 1
    replication: int = 1
    topic_id: str = ""  # 32 hexadecimal digits, given at creation; a deleted and recreated topic gets another
    retention_us: int | None = None
    compacted: bool = False
    key: str | None = None  # the field whose value is a record's key, where the declaration names one
    schema: dict[str, Any] | None = None  # of the values, see model.schema; None: any JSON
    reads_committed: bool = False  # written by a job: every reader stops at the last stable offset
    internal: bool = False  # job logs, changelogs, group offsets: hidden from lists


class TopicPartition(msgspec.Struct, frozen=True, order=True):
    """One partition of a topic."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}"
