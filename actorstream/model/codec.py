"""Values of a state as bytes, and back as what they were.

Where the declared type says all of what a value is, it is written as plain MessagePack, and read at once to see that
the same comes back. Where the declaration leaves something open (`Any`, a bare `list`, a function without annotations),
or is wrong, the types are written beside the values; the first byte tells. So a poor declaration costs time and never a
value.
"""

from __future__ import annotations

from typing import Any

import msgspec
import msgspec.inspect as inspect

from actorstream.errors import BadInput
from actorstream.model.tagged import Tagged

_IS_TAGGED = b"\xc1"  # The one byte that no MessagePack value begins with.

_NOT_PLAIN = (TypeError, ValueError, ArithmeticError, RecursionError, msgspec.MsgspecError)


class Codec:
    """See the module.

    Args:
        state: the state's name; errors name it.
        kind: its declared type.
    """

    def __init__(self, state: str, kind: Any) -> None:
        self._state = state
        self._encode = msgspec.msgpack.Encoder().encode
        self._is_exact = is_exact(kind)
        self._decode = msgspec.msgpack.Decoder(kind if self._is_exact else Any).decode
        self._tagged = Tagged()

    def encode(self, value: Any) -> bytes:
        """The bytes of a value.

        Raises:
            BadInput: it holds something that cannot be written.
        """
        plain = self._plain(value) if self._is_exact else None
        if plain is not None:
            return plain
        try:
            return _IS_TAGGED + self._tagged.encode(value)
        except BadInput as error:
            raise BadInput(f"state {self._state!r}: {error}") from error

    def encode_all(self, values: list[Any]) -> list[bytes]:
        """The bytes of many values; raises as `encode`."""
        if self._is_exact:
            try:
                plain = list(map(self._encode, values))
                if list(map(self._decode, plain)) == values:
                    return plain
            except _NOT_PLAIN:
                pass
        return [self.encode(value) for value in values]

    def _plain(self, value: Any) -> bytes | None:
        """The value without types, None if it would not come back so."""
        try:
            plain = self._encode(value)
            return plain if self._decode(plain) == value else None
        except _NOT_PLAIN:
            return None

    def decode_all(self, data: list[bytes]) -> list[Any]:
        """Many values again; raises as `decode`."""
        try:
            return list(map(self._decode, data))
        except _NOT_PLAIN:  # Some may be tagged, which no plain value can be taken for.
            return [self.decode(one) for one in data]

    def decode(self, data: bytes) -> Any:
        """The value again.

        Raises:
            BadInput: the program has changed, so that it is none any more.
        """
        try:
            return self._tagged.decode(data[1:]) if data[:1] == _IS_TAGGED else self._decode(data)
        except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
            raise BadInput(
                f"state {self._state!r} holds a value that does not fit the program ({error}); run the program that "
                "wrote it, or start the job in a new data directory"
            ) from error


def is_exact(kind: Any) -> bool:
    """Whether a type says all of what its values are, so that they can be read by it alone.

    Example:
        >>> is_exact(dict[str, list[int]]), is_exact(list), is_exact(dict[str, Any])
        (True, False, False)
    """
    try:
        return _says_all(inspect.type_info(kind), set())
    except TypeError:  # A union that msgspec cannot tell apart.
        return False


def _says_all(info: inspect.Type, within: set[type]) -> bool:
    if isinstance(info, _OPEN):
        return False
    kind = getattr(info, "cls", None)
    if kind in within:
        return True
    within = within | {kind} if kind is not None else within
    return all(_says_all(part, within) for part in _parts(info))


_OPEN = (inspect.AnyType, inspect.CustomType, inspect.RawType, inspect.ExtType)


def _parts(info: inspect.Type) -> list[inspect.Type]:
    """The types that a type is made of."""
    single = [getattr(info, name, None) for name in ("type", "item_type", "key_type", "value_type")]
    several = [*getattr(info, "item_types", ()), *getattr(info, "types", ())]
    fields = [field.type for field in getattr(info, "fields", ())]
    return [part for part in (*single, *several, *fields) if isinstance(part, inspect.Type)]
