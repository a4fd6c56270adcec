"""Parcels as bytes, and back.

A parcel begins with its form (1 byte), the length of its name (2 bytes, big-endian) and the name of its message's class
(UTF-8). What follows depends on the form:

- typed: a MessagePack array (target's path, its incarnation, sender's path, its incarnation, an array of messages),
  where the messages are written, and read, by the types that their class declares; used where they hold nothing else
  (`shapes`);
- described: the length of a MessagePack array (4 bytes, big-endian) and that array (target's path, its incarnation,
  sender's path, its incarnation, sizes, the fields), where every value that does not speak for itself has its type
  beside it (`values`); then what does not lie among the fields, as long as `sizes` say: data frames, long bytes. In
  front of that are zeros, so that it begins at a multiple of 8 bytes of the link's frame.

Guarantees: what is read is what was sent, or `BadFrame`; no bytes make this process import anything, or call anything
but the classes of messages and values that it has loaded itself. A class that is defined again, in a notebook, is read
as its last definition.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

from actorstream.actors.message import Message, message_named
from actorstream.actors.ref import Ref
from actorstream.actors.wire.bad_frame import BadFrame
from actorstream.actors.wire.columns import ALIGNED_BYTES
from actorstream.actors.wire.parcel import Parcel
from actorstream.actors.wire.run import Run
from actorstream.actors.wire.shapes import Check, check_of
from actorstream.actors.wire.values import Values
from actorstream.errors import Unsendable
from actorstream.host.network import Part
from actorstream.model.tagged import name_of

_TYPED, _DESCRIBED = 1, 2
_HEAD = struct.Struct(">BH")
_LENGTH = struct.Struct(">I")

_NAME_BYTES_MAX = 0xFFFF

AHEAD_BYTES = 17
"""What a link puts in front of a parcel in a frame."""

T = TypeVar("T")


class _Described(msgspec.Struct, array_like=True):
    target: str
    incarnation: int
    sender: str
    sender_incarnation: int
    sizes: list[int]
    fields: msgspec.Raw


_Typed = tuple[str, int, str, int, list[T]]
"""Addresses, and messages."""


class _Kind(NamedTuple):
    """How messages of one class are written and read.

    Attributes:
        message: the class.
        typed: in front of a typed message.
        described: in front of a described one.
        check: whether a message may go as a typed one.
        decode: reads typed messages with their addresses.
        decode_each: reads their addresses only.
        decode_one: reads one of them.
    """

    message: type[Message]
    typed: bytes
    described: bytes
    check: Check | None
    decode: Callable[[Any], _Typed[Message]] | None
    decode_each: Callable[[Any], _Typed[msgspec.Raw]] | None
    decode_one: Callable[[Any], Message] | None


class Codec:
    """See the module. Remembers the classes that it has met."""

    def __init__(self) -> None:
        self._encoder = msgspec.msgpack.Encoder()
        self._described = msgspec.msgpack.Decoder(_Described).decode
        self._values = Values()
        self._kinds: dict[type[Message], _Kind] = {}

    def encode(self, target: Ref, sender: Ref, message: Message) -> list[Part]:
        """The bytes of a parcel of one message, in parts; the message must not be changed until they have left.

        Raises:
            Unsendable: the message holds something that cannot leave this process.
        """
        run = self.run(target, sender, message)
        return [run.parcel()] if run is not None else self.describe(target, sender, message)

    def run(self, target: Ref, sender: Ref, message: Message) -> Run | None:
        """A run that begins with this message; None: it must be described."""
        kind = self._kinds.get(type(message)) or self._know(type(message))
        if kind.check is None:
            return None
        run = Run(kind.message, kind.check, kind.typed, self._encoder, target, sender)
        return run if run.add(message) else None

    def describe(self, target: Ref, sender: Ref, message: Message) -> list[Part]:
        """A parcel of one described message; see `encode`."""
        kind = self._kinds.get(type(message)) or self._know(type(message))
        fields, sizes, parts = self._values.encode_fields(message)
        words = (target.path, target.incarnation, sender.path, sender.incarnation, sizes, msgspec.Raw(fields))
        body = self._encoder.encode(words)
        head = kind.described + _LENGTH.pack(len(body))
        return [head, body + _padding(len(head) + len(body)), *parts] if parts else [head, body]

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
                return self._read_run(kind, kind.decode, frame[start:])
            if form == _DESCRIBED:
                return self._read(kind, frame[start:])
            raise BadFrame(f"a message of class {name!r:.200} came in form {form}, which it does not have here")
        except BadFrame:
            raise
        # Whatever it is: what comes may make any class of ours complain in its own way, and must hurt nobody else.
        except Exception as error:
            raise _unreadable(error) from None

    def _read_run(self, kind: _Kind, decode: Callable[[Any], _Typed[Message]], words: memoryview) -> Parcel:
        try:
            path, incarnation, sender, sender_incarnation, messages = decode(words)
        except Exception:
            return self._read_each(kind, words)
        return Parcel(Ref(path, incarnation), Ref(sender, sender_incarnation), messages)

    def _read_each(self, kind: _Kind, words: memoryview) -> Parcel:
        """Those messages of a run that can be read."""
        assert kind.decode_each is not None
        assert kind.decode_one is not None
        path, incarnation, sender, sender_incarnation, written = kind.decode_each(words)
        messages: list[Message] = []
        lost: list[BadFrame] = []
        for one in written:
            try:
                messages.append(kind.decode_one(one))
            except Exception as error:
                lost.append(_unreadable(error))
        return Parcel(Ref(path, incarnation), Ref(sender, sender_incarnation), messages, lost)

    def _read(self, kind: _Kind, words: memoryview) -> Parcel:
        (length,) = _LENGTH.unpack_from(words)
        end = _LENGTH.size + length
        came = self._described(words[_LENGTH.size : end])
        if came.sizes:
            end += len(_padding(len(kind.described) + end))
        fields = self._values.decode(came.fields, cut(words[end:], came.sizes))
        message = kind.message(**fields)
        return Parcel(Ref(came.target, came.incarnation), Ref(came.sender, came.sender_incarnation), [message])

    def _know(self, message: type[Message]) -> _Kind:
        name = name_of(message).encode()
        if len(name) > _NAME_BYTES_MAX:
            raise Unsendable(f"{message.__name__} cannot be sent: its name is too long")
        check = check_of(message)
        typed, described = (_HEAD.pack(form, len(name)) + name for form in (_TYPED, _DESCRIBED))
        decoders = _decoders(message) if check is not None else (None, None, None)
        kind = self._kinds[message] = _Kind(message, typed, described, check, *decoders)
        return kind


def _decoders(message: type[Message]) -> tuple[Callable[[Any], Any], Callable[[Any], Any], Callable[[Any], Any]]:
    run, each = tuple[str, int, str, int, list[message]], tuple[str, int, str, int, list[msgspec.Raw]]  # type: ignore[valid-type]
    decoder = msgspec.msgpack.Decoder
    return decoder(run).decode, decoder(each).decode, decoder(message).decode


def _padding(length: int) -> bytes:
    return bytes(-(AHEAD_BYTES + length) % ALIGNED_BYTES)


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


def _unreadable(error: Exception) -> BadFrame:
    return BadFrame(f"a message that cannot be read came: {_text(error)}")


def _text(error: Exception) -> str:
    try:
        return f"{type(error).__name__}: {error!s:.300}"
    except Exception:  # A class of the program's own, which cannot say what it has.
        return type(error).__name__
