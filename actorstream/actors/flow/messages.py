"""What the two ends of a channel say to each other."""

from __future__ import annotations

from typing import Any

from actorstream.actors.message import Message
from actorstream.actors.ref import Ref


class OpenChannel(Message):
    """To the sender: `receiver` is ready for `channel` in `epoch`; so much may go.

    An epoch is higher than all before it of the same channel, and ends them.
    """

    channel: str
    epoch: int
    receiver: Ref  # pinned
    records: int
    size_bytes: int


class Data(Message):
    """To the receiver: one element of a channel, in its place."""

    channel: str
    epoch: int
    sequence: int
    payload: Any
    records: int
    size_bytes: int
    sender: Ref  # pinned


class Credit(Message):
    """To the sender: `taken` elements were taken for processing since the epoch began.

    It may go on until it has sent so many records and bytes, counted from the beginning of the epoch.
    """

    channel: str
    epoch: int
    taken: int
    records: int
    size_bytes: int


class CloseChannel(Message):
    """To the receiver, in its place (`sequence`): this is the end. To the sender (-1): nothing more is wanted."""

    channel: str
    epoch: int
    sequence: int = -1
