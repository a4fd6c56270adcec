"""A parcel: messages of one class, whom they are for, and who sent them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from actorstream.actors.message import Message
from actorstream.actors.ref import Ref
from actorstream.actors.wire.bad_frame import BadFrame


class Parcel(NamedTuple):
    """See the module. `unreadable`: why others that came with them could not be read."""

    target: Ref
    sender: Ref
    messages: Sequence[Message]
    unreadable: Sequence[BadFrame] = ()
