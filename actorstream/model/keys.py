"""The keys of records in topics, as bytes that a Kafka tool shows as a person would write them.

A str is its UTF-8 text, unless that text would read as JSON: then it is a JSON string. Everything else is canonical
JSON. Bytes are themselves. So `"JFK"` is `JFK`, `42` is `42`, `"42"` is `"42"` with its quotes, and each comes back as
it was.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import msgspec

from actorstream.errors import BadInput
from actorstream.model.utc import all_as_utc
from actorstream.model.values import UNWRITABLE

_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)  # No JSON, no text, nested too deep.

_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder().decode


def encode_topic_key(key: Any) -> bytes:
    """The bytes of a key.

    Raises:
        BadInput: a float, or something that JSON cannot carry.

    Example:
        >>> encode_topic_key("JFK"), encode_topic_key(("JFK", 1)), encode_topic_key("42")
        (b'JFK', b'["JFK",1]', b'"42"')
    """
    if isinstance(key, Enum):
        key = key.value
    if type(key) is str:
        return _encode_text(key)
    if isinstance(key, bytes):
        return key
    if isinstance(key, float):
        raise BadInput(f"{key!r} is a float and cannot be a key; round it to an int, or write it as a str")
    try:
        return _encode(all_as_utc((key,))[0])
    except UNWRITABLE as error:
        raise BadInput(f"{key!r} cannot be a record's key: {error}") from error


def _encode_text(key: str) -> bytes:
    try:
        text = key.encode()
    except UnicodeEncodeError as error:
        raise BadInput(f"{key!r} cannot be a record's key: {error}") from error
    return _encode(key) if _is_json(text) else text


def decode_topic_key(data: bytes | None) -> Any:
    """The key again: JSON if it reads as JSON, else text, else the bytes."""
    if data is None:
        return None
    try:
        return _decode(data)
    except _UNREADABLE:
        pass
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _is_json(text: bytes) -> bool:
    first = text[:1]
    if not first or first not in b'"[{-0123456789tfn \t\r\n':
        return False  # The common case, told by one look.
    try:
        _decode(text)
    except _UNREADABLE:
        return False
    return True
