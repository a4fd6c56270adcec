"""Poison: a delivery that crashes its actor again and again. Counts, and what to do; pure.

Theory of operation. With a `Poison` rule, a message that crashes its actor is delivered again, first, to the next
incarnation, until it has crashed so many times as the rule allows; then the rule says what becomes of it. A message
that has a `delivery`, a text that is the same whenever its source sends it again, is counted by that, and its count can
be kept on disk; any other is counted for as long as this process delivers that very message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args
from zlib import crc32

import msgspec

from actorstream.actors.limits import POISON_MAX
from actorstream.actors.message import Message
from actorstream.errors import BadInput

Then: TypeAlias = Literal["dead_letter", "skip", "stop"]

_MAGIC = b"ASPOISON1"

Entry = tuple[str, str, int]
"""A path, a delivery, and how often it crashed whoever lives there."""


@dataclass(frozen=True, slots=True)
class Poison:
    """A message that has crashed its actor `times` times is not delivered again.

    `then`: "dead_letter" (it becomes one), "skip" (it is counted and logged) or "stop" (the actor is not restarted, and
    its supervisor fails).
    """

    times: int = 3
    then: Then = "dead_letter"

    def __post_init__(self) -> None:
        if self.times < 1:
            raise ValueError(f"poison: times is {self.times}; it must be at least 1")
        if self.then not in get_args(Then):
            raise ValueError(f"poison: then is {self.then!r}; use dead_letter, skip or stop")


class PoisonCounts:
    """How often each delivery has crashed its actor: the newest suspects, and no more than `POISON_MAX` of them."""

    def __init__(self, entries: Sequence[Entry] = ()) -> None:
        self._counts = {(path, delivery): count for path, delivery, count in entries[-POISON_MAX:]}
        self._messages: dict[str, tuple[Message, int]] = {}  # Of those without a delivery, the last of each path.

    def crashed(self, path: str, message: Message) -> int:
        """It crashed whoever lives at `path`; returns how often it has now."""
        delivery = delivery_of(message)
        if delivery is None:
            before, count = self._messages.pop(path, (message, 0))
            count = count + 1 if before is message else 1
            self._messages[path] = (message, count)
            _drop_oldest(self._messages)
            return count
        count = self._counts.pop((path, delivery), 0) + 1
        self._counts[path, delivery] = count  # The newest.
        _drop_oldest(self._counts)
        return count

    def settled(self, path: str, message: Message) -> None:
        """It will not be delivered again; a delivery stays known, because its source may not know that."""
        if delivery_of(message) is None:
            self._messages.pop(path, None)

    def entries(self) -> list[Entry]:
        """What should be kept on disk."""
        return [(path, delivery, count) for (path, delivery), count in self._counts.items()]


def delivery_of(message: Message) -> str | None:
    """What the message's source calls this delivery, whenever it sends it."""
    delivery = getattr(message, "delivery", None)
    return delivery if isinstance(delivery, str) else None


def encode(entries: Sequence[Entry]) -> bytes:
    """A file of them."""
    body = msgspec.msgpack.encode(entries)
    return _MAGIC + crc32(body).to_bytes(4, "big") + body


def decode(data: bytes) -> list[Entry]:
    """What `encode` wrote.

    Raises:
        BadInput: it is something else, or damaged.
    """
    start = len(_MAGIC)
    body = data[start + 4 :]
    if data[:start] != _MAGIC or crc32(body).to_bytes(4, "big") != data[start : start + 4]:
        raise BadInput("the counts of poison are of another version, or damaged")
    try:
        return msgspec.msgpack.decode(body, type=list[Entry])
    except msgspec.DecodeError as error:
        raise BadInput(f"the counts of poison cannot be read: {error}") from error


def _drop_oldest(table: dict[str, tuple[Message, int]] | dict[tuple[str, str], int]) -> None:
    if len(table) > POISON_MAX:
        del table[next(iter(table))]  # type: ignore[arg-type]
