"""What goes through the socket of a data directory: questions to the log, and answers, as frames.

Guarantees: bytes from the other side become a message of the expected type, or `BadFrame`; nothing else can be asked
than what is listed here, so nobody ends a job's transactions through a socket.

A frame is its length (uint32, big-endian) and a MessagePack array. A question: [number, timeout in µs, target, name of
the message, the message's fields]; the target is "catalogue", "groups" or [topic, partition]. An answer: [number, name,
fields]. Record batches are the message's own bytes, untouched.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec

from actorstream.actors import Message
from actorstream.errors import ActorstreamError
from actorstream.log import messages as m
from actorstream.log.target import Target
from actorstream.log.undecodable import UNDECODABLE
from actorstream.model.topic import TopicPartition

FRAME_BYTES_MAX = 80 << 20
"""The longest frame: one append of the largest batch, and what goes around it."""

LENGTH_BYTES = 4


class StepAside(Message):
    """To a process that holds a data directory only to read and write topics: somebody wants to run a job in it.

    Answered by `SteppedAside`; its clients go on through whoever holds the directory next.
    """


class SteppedAside(Message):
    """Whether the directory will be free in a moment. No: a job runs in it."""

    done: bool


class DescribeActors(Message):
    """How are the actors of the process that holds the directory? Answered by `ActorsDescribed`."""


class ActorsDescribed(Message):
    """A picture of them, as JSON."""

    picture: bytes


_QUESTIONS: dict[str, type[Message]] = {
    kind.__name__: kind
    for kind in (
        DescribeActors,
        StepAside,
        m.AllocateProducerIds,
        m.Append,
        m.CommitOffsets,
        m.CreateTopic,
        m.DeleteTopic,
        m.DescribeTopics,
        m.Fetch,
        m.FetchOffsets,
        m.Flush,
        m.ListGroups,
        m.ListOffsets,
    )
}


class Failed(Message):
    """Whoever was asked did not answer: it is gone, or took too long."""

    reason: str
    timed_out: bool


_ANSWERS: dict[str, type[Message]] = {
    kind.__name__: kind
    for kind in (
        ActorsDescribed,
        Failed,
        SteppedAside,
        m.Appended,
        m.Fetched,
        m.Flushed,
        m.GroupsListed,
        m.OffsetsCommitted,
        m.OffsetsFetched,
        m.OffsetsListed,
        m.ProducerIdsAllocated,
        m.Refused,
        m.TopicCreated,
        m.TopicDeleted,
        m.TopicsDescribed,
    )
}


class BadFrame(ActorstreamError):
    """Bytes that are no frame; the connection they came through is of no use any more."""


class Question(NamedTuple):
    """One question, as it arrives."""

    number: int
    timeout_us: int
    target: Target
    message: Message


class Answer(NamedTuple):
    """One answer, as it arrives."""

    number: int
    message: Message


class _RawQuestion(msgspec.Struct, array_like=True):
    number: int
    timeout_us: int
    target: str | tuple[str, int]
    name: str
    fields: msgspec.Raw


class _RawAnswer(msgspec.Struct, array_like=True):
    number: int
    name: str
    fields: msgspec.Raw


_encoder = msgspec.msgpack.Encoder()
_question_decoder = msgspec.msgpack.Decoder(_RawQuestion)
_answer_decoder = msgspec.msgpack.Decoder(_RawAnswer)
_DECODERS: Final = {name: msgspec.msgpack.Decoder(kind) for name, kind in (_QUESTIONS | _ANSWERS).items()}


def encode_question(number: int, timeout_us: int, target: Target, message: Message) -> bytes:
    """The frame of a question."""
    name = type(message).__name__
    assert name in _QUESTIONS, f"{name} cannot be asked through a socket"
    place = (target.topic, target.partition) if isinstance(target, TopicPartition) else target
    return _frame([number, timeout_us, place, name, message])


def encode_answer(number: int, message: Message) -> bytes:
    """The frame of an answer."""
    name = type(message).__name__
    assert name in _ANSWERS, f"{name} is no answer"
    return _frame([number, name, message])


def _frame(parts: list[Any]) -> bytes:
    frame = bytearray(LENGTH_BYTES)
    _encoder.encode_into(parts, frame, LENGTH_BYTES)
    length = len(frame) - LENGTH_BYTES
    assert length <= FRAME_BYTES_MAX, "a message larger than a frame may be"
    frame[:LENGTH_BYTES] = length.to_bytes(LENGTH_BYTES, "big")
    return bytes(frame)


def read_length(prefix: bytes) -> int:
    """The length of the frame that follows.

    Raises:
        BadFrame: no frame is that long.
    """
    length = int.from_bytes(prefix, "big")
    if not 1 <= length <= FRAME_BYTES_MAX:
        raise BadFrame(f"a frame of {length} bytes; at most {FRAME_BYTES_MAX} are allowed")
    return length


def decode_question(data: bytes) -> Question:
    """The question in a frame.

    Raises:
        BadFrame: there is none.
    """
    try:
        raw = _question_decoder.decode(data)
        if raw.name not in _QUESTIONS:
            raise BadFrame(f"nobody can be asked {raw.name[:40]!r}")
        return Question(raw.number, raw.timeout_us, _target(raw.target), _DECODERS[raw.name].decode(raw.fields))
    except UNDECODABLE as error:
        raise BadFrame(f"not a question: {error}") from None


def decode_answer(data: bytes) -> Answer:
    """The answer in a frame.

    Raises:
        BadFrame: there is none.
    """
    try:
        raw = _answer_decoder.decode(data)
        if raw.name not in _ANSWERS:
            raise BadFrame(f"an answer {raw.name[:40]!r}")
        return Answer(raw.number, _DECODERS[raw.name].decode(raw.fields))
    except UNDECODABLE as error:
        raise BadFrame(f"not an answer: {error}") from None


def _target(place: str | tuple[str, int]) -> Target:
    match place:
        case "catalogue":
            return "catalogue"
        case "groups":
            return "groups"
        case (topic, partition) if "/" not in topic and partition >= 0:
            return TopicPartition(topic, partition)
    raise BadFrame(f"no such target: {place!r:.80}")
