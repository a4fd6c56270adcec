"""Values in topics: JSON, Records as objects by field name, times as ISO-8601 in UTC with `Z`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from actorstream.errors import BadInput
from actorstream.model.record import Record
from actorstream.model.utc import all_as_utc, as_utc

UNWRITABLE = (TypeError, UnicodeEncodeError, RecursionError, msgspec.MsgspecError)
"""What encoding as JSON raises: values that have no JSON, texts that are no Unicode, a list that holds itself."""

_encode = msgspec.json.Encoder().encode


def encode_value(value: Any) -> bytes:
    """One value as JSON.

    Raises:
        BadInput: it holds something that JSON cannot carry.
    """
    return encode_values([value])[0]


def encode_values(values: Sequence[Any]) -> list[bytes]:
    """Values as JSON; naive times are written as UTC.

    Raises:
        BadInput: one of them holds something that JSON cannot carry.
    """
    every = list(values)
    kinds = set(map(type, every))
    alike = len(kinds) == 1 and issubclass(next(iter(kinds)), Record)
    try:
        every = as_utc(every, kinds.pop()) if alike else all_as_utc(every)
        return list(map(_encode, every))
    except UNWRITABLE as error:
        raise BadInput(f"a value cannot be written as JSON: {error}") from error
