"""What a function emits: nothing for None, each of what an iterator gives, else the value itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def emitted(result: Any) -> list[Any]:
    """The values, as a list.

    Example:
        >>> emitted(None), emitted([1, 2]), emitted(iter([1, 2]))
        ([], [[1, 2]], [1, 2])
    """
    if result is None:
        return []
    if isinstance(result, Iterator):
        return list(result)
    return [result]
