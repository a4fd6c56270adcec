"""One attribute of many rows, as a list.

A list comprehension that names the attribute takes half the time of `operator.attrgetter`, because the interpreter
specialises it; the name is known only at run time, so the function is made from text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from keyword import iskeyword
from operator import attrgetter
from typing import Any

_NAMES_MAX = 4_096  # Functions that are remembered; another one is made again.


@lru_cache(maxsize=_NAMES_MAX)
def column_of(path: str) -> Callable[[Iterable[Any]], list[Any]]:
    """A function from rows to the values of one attribute.

    Args:
        path: the attribute's name, or several with dots between them.

    Example:
        >>> column_of("real")([1, 2.5])
        [1, 2.5]
    """
    if not all(name.isidentifier() and not iskeyword(name) for name in path.split(".")):
        get = attrgetter(path)
        return lambda rows: list(map(get, rows))
    made: Callable[[Iterable[Any]], list[Any]] = eval(f"lambda rows: [row.{path} for row in rows]", {})
    return made
