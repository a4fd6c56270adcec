"""Batches on their way to another node: columns as Arrow's bytes, rows in one piece as their type encodes them.

The type itself does not travel, because both ends know the plan: what arrives is `Packed` until it is told its type.
Values of a type that leaves something open, or that do not keep to it, go with the types of their parts beside them.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from actorstream.actors.wire import Carried, Check, check_of_all
from actorstream.errors import BadInput
from actorstream.streams.engine.batch import Batch, Origin

_OWN = "own"  # In place of the marks: they are the same as `own`.


class Parcel(Carried):
    """A batch that leaves; it arrives as `Packed`. On its own node it is only a wrapper."""

    __slots__ = ("batch",)

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def parts(self) -> Any:
        batch = self.batch
        origin = batch.origin
        return [
            _values(batch),
            _packed(batch.times),
            _packed(batch.own),
            _OWN if batch.marks is not None and batch.marks is batch.own else _packed(batch.marks),
            _packed(batch.offsets),
            batch.keys,
            [origin.source, origin.topic, origin.partition],
            batch.first,
        ]

    @classmethod
    def arrived(cls, parts: Any) -> Packed:
        if not isinstance(parts, list) or len(parts) != 8:
            raise BadInput("not a batch")
        return Packed(parts)


class Packed(Carried):
    """A batch that has come from another node; it may go on to a third, where it is told why its receiver failed."""

    __slots__ = ("_parts",)

    def __init__(self, parts: list[Any]) -> None:
        self._parts = parts

    def parts(self) -> Any:
        return self._parts

    @classmethod
    def arrived(cls, parts: Any) -> Packed:
        return Parcel.arrived(parts)

    def unpack(self, kind: Any) -> Batch:
        """The batch, whose values are of this type.

        Raises:
            BadInput: it is none of such values.
        """
        values, times, own, marks, offsets, keys, origin, first = self._parts
        rows, frame = _unpacked_values(values, kind)
        lateness = _numbers(own)
        return Batch(
            rows,
            frame=frame,
            kind=kind,
            times=_numbers(times),
            own=lateness,
            marks=lateness if isinstance(marks, str) else _numbers(marks),
            offsets=_numbers(offsets),
            keys=keys,
            origin=Origin(*origin),
            first=first,
        )


def _values(batch: Batch) -> Any:
    """A frame, a list of rows, or the bytes of all rows."""
    if not batch.has_rows:
        return batch.frame()
    rows = batch.rows()
    form = _form(batch.kind)
    if form is not None and form.check(rows):
        try:
            return memoryview(form.encode(rows))
        except (TypeError, ValueError, OverflowError):
            return rows
    return rows


def _unpacked_values(values: Any, kind: Any) -> tuple[list[Any] | None, Any]:
    if isinstance(values, list):
        return values, None
    if not isinstance(values, memoryview):
        return None, values
    form = _form(kind)
    if form is None:
        raise BadInput(f"values of {kind} came in a form that they do not have here")
    try:
        return form.decode(values), None
    except msgspec.MsgspecError as error:
        raise BadInput(f"not values of {kind}: {error}") from None


class _Form(NamedTuple):
    check: Check
    encode: Callable[[Any], bytes]
    decode: Callable[[Any], list[Any]]


def _form(kind: Any) -> _Form | None:
    try:
        return _made_form(kind)
    except TypeError:  # A type that cannot be remembered.
        return None


@lru_cache(maxsize=1024)  # process-wide: made from types alone, which live as long as the program.
def _made_form(kind: Any) -> _Form | None:
    if kind is Any:
        return None
    check = check_of_all(kind)
    if check is None:
        return None
    return _Form(check, msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(list[kind]).decode)


def _packed(numbers: Any) -> Any:
    """A column of numbers: ranges as a tuple, lists as bytes, a Series as a frame."""
    if numbers is None:
        return None
    if isinstance(numbers, range):
        return numbers.start, numbers.stop, numbers.step
    if isinstance(numbers, list):
        return memoryview(_little(array("q", numbers)).tobytes())
    return numbers.to_frame("numbers")


def _numbers(packed: Any) -> Any:
    if packed is None:
        return None
    if isinstance(packed, tuple):
        return range(*packed)
    if isinstance(packed, memoryview):
        numbers = array("q")
        numbers.frombytes(packed)
        return _little(numbers).tolist()
    return packed.to_series(0)


def _little(numbers: array[int]) -> array[int]:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
