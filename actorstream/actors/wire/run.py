"""A run: messages of one class, from one actor to another, that leave in one parcel.

What goes between two actors is often of one class for a while. Who they are and what the class is called is then
written once; each message is written when it is sent, and all of them are read in one call.
"""

from __future__ import annotations

import struct
from typing import Any

from actorstream.actors.message import Message
from actorstream.actors.ref import Ref
from actorstream.actors.wire.shapes import Check

LENGTH = struct.Struct(">I")

_WORDS, _MESSAGES = b"\x95", b"\xdd"
"""How MessagePack begins an array of five (the words and the messages), and one of up to 2^32 (the messages)."""

_UNWRITABLE = (TypeError, ValueError, OverflowError, RecursionError)
"""Such as an int that MessagePack cannot hold: types beside values can, or say why not."""


class Run:
    """See the module.

    Args:
        kind: the class of the messages.
        check: whether one may be written by the types that its class declares.
        head: what the parcel begins with.
        encoder: writes the messages.
        target: whom they are for.
        sender: who sends them.

    Attributes:
        body: the messages, written.
        count: how many.
    """

    __slots__ = ("_check", "_encode", "_head", "body", "count", "kind", "sender", "target")

    def __init__(self, kind: type[Message], check: Check, head: bytes, encoder: Any, target: Ref, sender: Ref) -> None:
        self.kind, self.target, self.sender = kind, target, sender
        self.body = bytearray()
        self.count = 0
        self._check = check
        words = encoder.encode((target.path, target.incarnation, sender.path, sender.incarnation))
        self._head = head + _WORDS + words[1:]
        self._encode = encoder.encode_into

    def add(self, message: Message) -> int:
        """One more message, of this class; how long it is, in bytes. 0: it cannot be written so, and is not in it."""
        if not self._check(message):
            return 0
        body = self.body
        before = len(body)
        try:
            self._encode(message, body, before)
        except _UNWRITABLE:
            del body[before:]
            return 0
        self.count += 1
        return len(body) - before

    def drop(self, size: int) -> None:
        """Take back the last message, of this size."""
        del self.body[-size:]
        self.count -= 1

    def parcel(self) -> bytes:
        """The bytes."""
        return b"".join((self._head, _MESSAGES, LENGTH.pack(self.count), self.body))
