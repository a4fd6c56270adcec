"""Parcels as bytes, and back.

A parcel begins with its form (1 byte), the length of its name (2 bytes, big-endian) and the name of its message's class
(UTF-8). What follows depends on the form:

- typed: a MessagePack array (target's path, its incarnation, sender's path, its incarnation, the message), where the
  message is written, and read, by the types that its class declares; used where it holds nothing else (`shapes`);
- described: the length of a MessagePack array (4 bytes, big-endian) and that array (target's path, its incarnation,
  sender's path, its incarnation, sizes, the fields), where every value that does not speak for itself has its type
  beside it (`values`); then what does not lie among the fields, as long as `sizes` say: data frames, long bytes.

Guarantees: what is read is what was sent, or `BadFrame`; no bytes make this process import anything, or call anything
but the classes of messages and values that it has loaded itself. A class that is defined again, in a notebook, is read
as its last definition.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from actorstream.actors.message import Message, message_named
from actorstream.actors.ref import Ref
from actorstream.actors.wire.bad_frame import BadFrame
from actorstream.actors.wire.parcel import Parcel
from actorstream.actors.wire.shapes import Check, check_of
from actorstream.actors.wire.values import Values
from actorstream.errors import Unsendable
from actorstream.host.network import Part
from actorstream.model.tagged import name_of

_TYPED, _DESCRIBED = 1, 2
_HEAD = struct.Struct(">BH")
_LENGTH = struct.Struct(">I")

_JOINED_BYTES = 64 << 10
"""What is shorter is copied behind the name; what is longer goes as it is."""

_NAME_BYTES_MAX = 0xFFFF


class _Described(msgspec.Struct, array_like=True):
    target: str
    incarnation: int
    sender: str
    sender_incarnation: int
    sizes: list[int]
    fields: msgspec.Raw


class _Kind(NamedTuple):
    """How messages of one class are written and read.

    Attributes:
        message: the class.
        typed: in front of a typed message.
        described: in front of a described one.
        check: whether a message may go as a typed one.
        decode: reads a typed message with its addresses.
    """

    message: type[Message]
    typed: bytes
    described: bytes
    check: Check
    decode: Callable[[Any], tuple[str, int, str, int, Message]] | None


class Codec:
    """See the module. Remembers the classes that it has met."""

    def __init__(self) -> None:
        self._encode = msgspec.msgpack.Encoder().encode
        self._described = msgspec.msgpack.Decoder(_Described).decode
        self._values = Values()
        self._kinds: dict[type[Message], _Kind] = {}

    def encode(self, target: Ref, sender: Ref, message: Message) -> list[Part]:
        """The bytes of a parcel, in parts; the message must not be changed until they have left.

        Raises:
            Unsendable: the message holds something that cannot leave this process.
        """
        kind = self._kinds.get(type(message)) or self._know(type(message))
        if kind.check(message):
            words = (target.path, target.incarnation, sender.path, sender.incarnation, message)
            try:
                body = self._encode(words)
            except (TypeError, ValueError, OverflowError, RecursionError):
                pass  # Such as an int that MessagePack cannot hold: types beside values can, or say why not.
            else:
                return [kind.typed + body] if len(body) < _JOINED_BYTES else [kind.typed, body]
        return self._describe(kind, target, sender, message)

    def _describe(self, kind: _Kind, target: Ref, sender: Ref, message: Message) -> list[Part]:
        fields, sizes, parts = self._values.encode_fields(message)
        words = (target.path, target.incarnation, sender.path, sender.incarnation, sizes, msgspec.Raw(fields))
        body = self._encode(words)
        return [kind.described + _LENGTH.pack(len(body)), body, *parts]

    def decode(self, frame: memoryview) -> Parcel:
        """The parcel in a frame.

        Raises:
            BadFrame: there is none that this process could read.
        """
        try:
            form, length = _HEAD.unpack_from(frame)
            start = _HEAD.size + length
            name = str(frame[_HEAD.size : start], "utf-8")
            message = message_named(name)
            if message is None:
                raise BadFrame(f"a message of class {name!r:.200} came, which this process has not loaded")
            kind = self._kinds.get(message) or self._know(message)
            if form == _TYPED and kind.decode is not None:
                path, incarnation, sender, sender_incarnation, read = kind.decode(frame[start:])
                return Parcel(Ref(path, incarnation), Ref(sender, sender_incarnation), read)
            if form == _DESCRIBED:
                return self._read(kind, frame[start:])
            raise BadFrame(f"a message of class {name!r:.200} came in form {form}, which it does not have here")
        except BadFrame:
            raise
        # Whatever it is: what comes may make any class of ours complain in its own way, and must hurt nobody else.
        except Exception as error:
            raise BadFrame(f"a message that cannot be read came: {_text(error)}") from None

    def _read(self, kind: _Kind, words: memoryview) -> Parcel:
        (length,) = _LENGTH.unpack_from(words)
        end = _LENGTH.size + length
        came = self._described(words[_LENGTH.size : end])
        fields = self._values.decode(came.fields, cut(words[end:], came.sizes))
        message = kind.message(**fields)
        return Parcel(Ref(came.target, came.incarnation), Ref(came.sender, came.sender_incarnation), message)

    def _know(self, message: type[Message]) -> _Kind:
        name = name_of(message).encode()
        if len(name) > _NAME_BYTES_MAX:
            raise Unsendable(f"{message.__name__} cannot be sent: its name is too long")
        check = check_of(message)
        decode = None
        if check is not None:
            decode = msgspec.msgpack.Decoder(tuple[str, int, str, int, message]).decode  # type: ignore[valid-type]
        typed, described = (_HEAD.pack(form, len(name)) + name for form in (_TYPED, _DESCRIBED))
        kind = self._kinds[message] = _Kind(message, typed, described, check or _never, decode)
        return kind


def cut(data: memoryview, sizes: Sequence[int]) -> list[memoryview]:
    """What lies behind the fields, in pieces of these sizes, and nothing else.

    Raises:
        BadFrame: it is not as long as they say.
    """
    parts = []
    start = 0
    for size in sizes:
        if not 0 <= size <= len(data) - start:
            raise BadFrame(f"{size} bytes are announced behind a message, and {len(data) - start} are there")
        parts.append(data[start : start + size])
        start += size
    if start != len(data):
        raise BadFrame(f"{len(data) - start} bytes came behind a message that nobody announced")
    return parts


def _never(_: Any) -> bool:
    return False


def _text(error: Exception) -> str:
    try:
        return f"{type(error).__name__}: {error!s:.300}"
    except Exception:  # A class of the program's own, which cannot say what it has.
        return type(error).__name__
