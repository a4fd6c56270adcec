"""`Record`: a typed, frozen value that flows through topics and operators."""

from __future__ import annotations

from typing import Any, Self, dataclass_transform

import msgspec


# Without it, type checkers ask every subclass for frozen=True.
@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Record(msgspec.Struct, frozen=True):
    """Base of a user's record types: frozen, compared by value, checked when decoded.

    Example:
        >>> class Bid(Record):
        ...     auction: int
        ...     price: float = 0.0
        >>> Bid(1, 9.5).replace(price=10.0)
        Bid(auction=1, price=10.0)
    """

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed.

        Raises:
            TypeError: a name that is not a field.
        """
        return msgspec.structs.replace(self, **changes)


def is_record_type(kind: Any) -> bool:
    """Whether `kind` is a Record class (not an instance, not another type)."""
    return isinstance(kind, type) and issubclass(kind, Record)


def field_names(kind: type[Record]) -> tuple[str, ...]:
    """The names of a Record type's fields, in order."""
    return kind.__struct_fields__
