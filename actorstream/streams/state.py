"""State that a `process` function asks for by annotating its parameters.

The function is given handles. A handle stands for the key of the record at hand and is good until the function
returns; what it holds is kept by key, is part of every checkpoint, and comes back after a crash. Each kind can be made
by hand, to test an operator as the plain function that it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableMapping
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Annotated, Any, Generic, TypeVar

from actorstream.model.duration import duration_us
from actorstream.model.instant import to_datetime, to_instant

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")

_NO_DEFAULT: Any = object()


class _KeyMarker:
    """Says that a parameter is the record's key."""


KEY = _KeyMarker()

Key = Annotated[K, KEY]
"""The key of the record at hand: annotate a parameter with `Key[str]`."""


class State:
    """Options of a state, given by `Annotated[ValueState[int], State(ttl="1d", default=0)]`.

    Args:
        default: what a `ValueState` gives while nothing is set; one that can be changed in place, such as a list, is
            copied each time.
        upgrade: what makes of a value that was kept under another type one of this type; None takes it away. It is
            called for each key when a program starts whose type of the state has changed, with the value as it was: a
            record has its old fields. Once a checkpoint holds what it made, it is not called any more.
        ttl: the time-to-live, in event time: what a key holds is gone for every record or timer whose time, or whose
            watermark, is so much or more after the latest record that wrote to it. A list or a map lives and goes as
            a whole. Reading does not lengthen it. Without one, state is kept until it is cleared.

    Raises:
        ValueError: `ttl` is not a positive duration, such as "30s" or "1d".

    Example:
        >>> from typing import Annotated
        >>> Recent = Annotated[ListState[str], State(ttl="30m")]
    """

    __slots__ = ("default", "ttl_us", "upgrade")

    def __init__(
        self,
        *,
        default: Any = _NO_DEFAULT,
        ttl: str | timedelta | None = None,
        upgrade: Callable[[Any], Any] | None = None,
    ) -> None:
        self.default = default
        self.upgrade = upgrade
        self.ttl_us = None if ttl is None else duration_us(ttl, what="the time-to-live of a state")

    def has_default(self) -> bool:
        """Whether a default was given."""
        return self.default is not _NO_DEFAULT


class Cell(Generic[T]):
    """Where a handle's content is kept: by hand a plain variable, in a job the key's place in the state table."""

    __slots__ = ("content",)

    def __init__(self, content: T | None = None) -> None:
        self.content = content

    def get(self) -> T | None:
        """What is there, or None."""
        return self.content

    def set(self, content: T | None) -> None:
        """Put `content` there; None takes it away."""
        self.content = content


class ValueState(Generic[T]):
    """One value a key.

    Example:
        >>> total = ValueState(3)
        >>> total.set((total.get() or 0) + 1)
        >>> total.get()
        4
    """

    __slots__ = ("_cell", "_default")

    def __init__(self, value: T | None = None, *, default: T | None = None) -> None:
        self._cell: Cell[T] = Cell(value)
        self._default = default

    def get(self) -> T | None:
        """The value; when none was set the default, else None."""
        value = self._cell.get()
        return deepcopy(self._default) if value is None else value

    def set(self, value: T) -> None:
        """Keep `value`."""
        self._cell.set(value)

    def clear(self) -> None:
        """Forget the value."""
        self._cell.set(None)


class ListState(Generic[T]):
    """A list a key.

    Example:
        >>> recent = ListState([1])
        >>> recent.append(2)
        >>> list(recent), len(recent)
        ([1, 2], 2)
    """

    __slots__ = ("_cell",)

    def __init__(self, values: Iterable[T] = ()) -> None:
        self._cell: Cell[list[T]] = Cell(list(values))

    def append(self, value: T) -> None:
        """Add one value at the end."""
        self.extend((value,))

    def extend(self, values: Iterable[T]) -> None:
        """Add several values at the end."""
        content = self._cell.get() or []
        content.extend(values)
        self._cell.set(content)

    def clear(self) -> None:
        """Forget all values."""
        self._cell.set(None)

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._cell.get() or ()))

    def __len__(self) -> int:
        return len(self._cell.get() or ())


class MapState(MutableMapping[K, V]):
    """A dict a key.

    Example:
        >>> seen = MapState({"a": 1})
        >>> seen["b"] = 2
        >>> sorted(seen.items())
        [('a', 1), ('b', 2)]
    """

    __slots__ = ("_cell",)

    def __init__(self, values: MutableMapping[K, V] | None = None) -> None:
        self._cell: Cell[dict[K, V]] = Cell(dict(values or {}))

    def __getitem__(self, key: K) -> V:
        return (self._cell.get() or {})[key]

    def __setitem__(self, key: K, value: V) -> None:
        content = self._cell.get() or {}
        content[key] = value
        self._cell.set(content)

    def __delitem__(self, key: K) -> None:
        content = self._cell.get() or {}
        del content[key]
        self._cell.set(content or None)

    def __iter__(self) -> Iterator[K]:
        return iter(list(self._cell.get() or ()))

    def __len__(self) -> int:
        return len(self._cell.get() or ())

    def clear(self) -> None:
        """Forget all entries."""
        self._cell.set(None)


class Timer:
    """Asks to be called again, for the key at hand, by the function given to `on_timer`.

    By hand it only remembers what it was asked: `times` and `waits`.
    """

    __slots__ = ("times", "waits")

    def __init__(self) -> None:
        self.times: list[datetime] = []
        self.waits: list[timedelta] = []

    def at(self, time: datetime) -> None:
        """Fire when event time reaches `time`: at once, after this function, if it already has.

        The same time set twice fires once.
        """
        aware = to_datetime(to_instant(time))
        if aware not in self.times:
            self.times = sorted([*self.times, aware])

    def cancel(self, time: datetime) -> None:
        """Take back a timer; nothing happens if there is none for `time`."""
        aware = to_datetime(to_instant(time))
        self.times = [one for one in self.times if one != aware]

    def after(self, duration: str | timedelta) -> None:
        """Fire when `duration` has passed on the machine's clock (processing time).

        Raises:
            ValueError: not a positive duration.
        """
        self.waits.append(timedelta(microseconds=duration_us(duration, what="the wait of a timer")))
