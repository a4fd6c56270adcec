"""What makes two values the same for `distinct` and `approx_distinct`: bytes, equal exactly when the values are.

Numbers are the same when they are equal, whatever their type, as in Python: 1 and 1.0, but not 1 and "1". All that is
not a number is not a number in the same way.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec

_pack = msgspec.msgpack.Encoder(order="deterministic").encode


def identity(value: Any) -> bytes:
    """The bytes of one value.

    Raises:
        TypeError: the value has no encoding.
    """
    if type(value) is str:
        return _pack(value)
    return _pack(_number(value)) if isinstance(value, int | float | Decimal) else _pack(value)


def _number(value: Any) -> Any:
    if value != value:
        return float("nan")
    try:
        whole = int(value)
    except OverflowError:  # Infinite.
        return float(value)
    if whole != value:
        return float(value) if isinstance(value, float) or Decimal(float(value)) == value else _exactly(value)
    return whole if -(2**63) <= whole < 2**64 else _exactly(whole)


def _exactly(value: Any) -> msgspec.msgpack.Ext:
    return msgspec.msgpack.Ext(1, str(Fraction(value)).encode())
