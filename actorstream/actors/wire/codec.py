"""Parcels as bytes, and back.

A parcel is its length-prefixed header, and behind it the bytes of its data frames. The header is a MessagePack array:
[name of the message's class, target's path, its incarnation, sender's path, the message, sizes of the data frames].
Where the message's class says all of what its fields hold, the message is a map of them, which msgspec reads by type;
else every value has its type beside it (`values`).

Guarantees: what is read is what was sent, or `BadFrame`; no bytes make this process import, or call, anything but the
classes of messages and values that it has loaded itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import msgspec.inspect as inspect

from actorstream.actors.message import Message
from actorstream.actors.ref import Ref
from actorstream.actors.wire.bad_frame import BadFrame
from actorstream.actors.wire.parcel import Parcel
from actorstream.actors.wire.values import Values
from actorstream.errors import BadInput, Unsendable
from actorstream.host.network import FRAME_BYTES_MAX, Part
from actorstream.model.codec import is_exact
from actorstream.model.tagged import class_named, name_of

HEADER_BYTES = 4
"""In front of the header: its length."""

_ROOM = 64
"""Bytes that a session and the network put before a parcel, at most."""


class _Header(msgspec.Struct, array_like=True):
    name: str
    target: str
    incarnation: int
    sender: str
    body: msgspec.Raw
    sizes: list[int]


class _Kind(NamedTuple):
    """How messages of one class are written and read.

    Attributes:
        message: the class.
        name: by which other processes know it.
        decode: reads its fields by type; None: values have their types beside them.
    """

    message: type[Message]
    name: str
    decode: Callable[[Any], Message] | None


class Codec:
    """See the module. Remembers the classes that it has met."""

    def __init__(self) -> None:
        self._encode = msgspec.msgpack.Encoder().encode
        self._header = msgspec.msgpack.Decoder(_Header)
        self._values = Values()
        self._kinds: dict[type[Message], _Kind] = {}
        self._named: dict[str, _Kind] = {}

    def encode(self, target: Ref, sender: Ref, message: Message) -> list[Part]:
        """The bytes of a parcel, in parts.

        Raises:
            Unsendable: the message holds something that cannot leave this process, or is too large.
        """
        kind = self._kinds.get(type(message)) or self._know(type(message))
        try:
            if kind.decode is not None:
                header = (kind.name, target.path, target.incarnation, sender.path, message, ())
                return [_prefixed(self._encode(header))]
            return self._encode_typed(kind.name, target, sender, message)
        except (Unsendable, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise Unsendable(f"{type(message).__name__} cannot be sent to {target.path!r}: {error}") from None

    def _encode_typed(self, name: str, target: Ref, sender: Ref, message: Message) -> list[Part]:
        body, parts = self._values.encode(message)
        sizes = [memoryview(part).nbytes for part in parts]
        header = (name, target.path, target.incarnation, sender.path, msgspec.Raw(body), sizes)
        return [_prefixed(self._encode(header)), *parts]

    def decode(self, frame: memoryview) -> Parcel:
        """The parcel in a frame.

        Raises:
            BadFrame: there is none that this process could read.
        """
        try:
            length = int.from_bytes(frame[:HEADER_BYTES], "big")
            end = HEADER_BYTES + length
            if length > len(frame) - HEADER_BYTES:
                raise BadFrame(f"a header of {length} bytes in a frame of {len(frame)}")
            header = self._header.decode(frame[HEADER_BYTES:end])
            kind = self._named.get(header.name) or self._find(header.name)
            if kind.decode is not None:
                message = kind.decode(header.body)
            else:
                message = self._values.decode(bytes(header.body), _cut(frame[end:], header.sizes))
        except (msgspec.MsgspecError, BadInput, ValueError, TypeError, ArithmeticError, RecursionError) as error:
            raise BadFrame(f"not a message: {error!s:.300}") from None
        if type(message) is not kind.message:
            raise BadFrame(f"{kind.name} was announced, and {type(message).__name__} came")
        return Parcel(Ref(header.target, header.incarnation), Ref(header.sender), message)

    def _know(self, message: type[Message]) -> _Kind:
        decode = msgspec.msgpack.Decoder(message).decode if _is_closed(message) else None
        kind = self._kinds[message] = _Kind(message, name_of(message), decode)
        return kind

    def _find(self, name: str) -> _Kind:
        kind = self._know(class_named(Message, name))
        self._named[name] = kind
        return kind


def _prefixed(header: bytes) -> bytes:
    if len(header) > FRAME_BYTES_MAX - _ROOM:
        raise Unsendable(f"it has {len(header)} bytes, and a frame holds {FRAME_BYTES_MAX}; send it in pieces")
    return len(header).to_bytes(HEADER_BYTES, "big") + header


def _cut(data: memoryview, sizes: list[int]) -> list[Part]:
    parts: list[Part] = []
    start = 0
    for size in sizes:
        if not 0 <= size <= len(data) - start:
            raise BadFrame(f"{size} bytes of a data frame are announced, and {len(data) - start} are there")
        parts.append(data[start : start + size])
        start += size
    return parts


def _is_closed(message: type[Message]) -> bool:
    """Whether the types of the fields say all of what they hold: nothing is left open, and no class has heirs."""
    return is_exact(message) and not _has_heirs(inspect.type_info(message), message, set())


def _has_heirs(info: inspect.Type, root: type, within: set[type]) -> bool:
    kind = getattr(info, "cls", None)
    if kind in within:
        return False
    if kind is not None:
        within.add(kind)
        if isinstance(info, inspect.StructType) and kind is not root and kind.__subclasses__():
            return True
    parts = [getattr(info, name, None) for name in ("type", "item_type", "key_type", "value_type")]
    parts += [*getattr(info, "item_types", ()), *getattr(info, "types", ())]
    parts += [field.type for field in getattr(info, "fields", ())]
    return any(_has_heirs(part, root, within) for part in parts if isinstance(part, inspect.Type))
