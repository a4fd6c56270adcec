"""A parcel: a message, whom it is for, and who sent it."""

from __future__ import annotations

from typing import NamedTuple

from actorstream.actors.message import Message
from actorstream.actors.ref import Ref


class Parcel(NamedTuple):
    """See the module."""

    target: Ref
    sender: Ref
    message: Message
