"""Sources made of Python: a sequence of values, and a user's generator function.

Both give rows, never frames. What a generator yields is taken as it is, but for naive times, which are read as UTC.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, get_args, get_origin

from actorstream.errors import BadInput, Mistake, OperatorError, PlanError
from actorstream.host import Clock, SystemClock
from actorstream.model.utc import as_utc
from actorstream.streams.connector import Chunk
from actorstream.streams.engine.failure import failed
from actorstream.streams.generated import Awaited, Iterated, Patience, Taken
from actorstream.streams.site import hints


class SequenceSource:
    """The values of a list, tuple, range or any other sequence. A position is the index of the next value.

    `type` is the type of all values, `Any` if they differ.

    Example:
        >>> SequenceSource([1, 2, 3]).open(position=1).read(10).values
        [2, 3]
    """

    bounded = True
    replayable = True
    columnar = False
    blocking = False  # A read waits for nothing.

    def __init__(self, values: Sequence[Any]) -> None:
        if isinstance(values, (str, bytes)) or not isinstance(values, Sequence):
            raise PlanError(f"a stream is made from a list or another sequence of values, not from {_shown(values)}")
        # A list may change after the program was written; a job that runs again must read the same.
        self._values: Sequence[Any] = tuple(values) if isinstance(values, list) else values
        kinds = list(dict.fromkeys(map(type, self._values)))
        self.type: Any = kinds[0] if len(kinds) == 1 and kinds[0] is not type(None) else Any

    def __str__(self) -> str:
        return f"{len(self._values)} values"

    def open(self, position: int | None, *, columns: tuple[str, ...] | None = None) -> SequenceReader:
        """A reader from an index.

        Raises:
            BadInput: the sequence is shorter than it was when the position was taken.
        """
        start = position or 0
        if not 0 <= start <= len(self._values):
            raise BadInput(
                f"the job has read {start} values of a sequence that now has {len(self._values)}; give it the sequence "
                "that it began with, or start the job in a new data directory"
            )
        return SequenceReader(self._values, self.type, start)


class SequenceReader:
    """One pass through a sequence."""

    def __init__(self, values: Sequence[Any], kind: Any, start: int) -> None:
        self._values, self._kind, self._next = values, kind, start

    def read(self, limit: int) -> Chunk | None:
        """Up to `limit` values; None at the end."""
        first = self._next
        part = list(self._values[first : first + limit])
        if not part:
            return None
        self._next += len(part)
        return Chunk(as_utc(part, self._kind), self._next, first)

    def close(self) -> None:
        """Nothing is held."""


class GeneratorSource:
    """A user's sync or async generator function.

    One with a parameter named `offset` yields `(value, offset)` pairs and is replayable: it is called with None at
    first, and after a crash with the offset of the last value that counted, to go on after it. Without the parameter
    what was read before a crash is lost, because nobody can ask for it again.

    Args:
        function: the generator function. Errors name it, unless `operator` is set to another name.
        clock: tells how long a read has taken; a simulation gives its own.

    Example:
        >>> def numbers(offset):
        ...     for n in range(0 if offset is None else offset + 1, 4):
        ...         yield n * 10, n
        >>> GeneratorSource(numbers).open({"offset": 1, "count": 2}).read(10).values
        [20, 30]
    """

    bounded = True  # It may never end; when it does, the stream ends.
    columnar = False
    blocking = True  # The generator does what it likes.

    def __init__(self, function: Callable[..., Any], *, clock: Clock | None = None) -> None:
        self.is_async = inspect.isasyncgenfunction(inspect.unwrap(function))
        if not (self.is_async or inspect.isgeneratorfunction(inspect.unwrap(function))):
            raise PlanError(f"{_shown(function)} is not a generator function; a source yields its values")
        self.function = function
        self.name = self.operator = str(getattr(function, "__name__", "generator"))
        self.clock: Clock = clock or SystemClock()
        self.replayable = _takes_offset(function)
        self.type: Any = _yielded_type(function, self.replayable)

    def __str__(self) -> str:
        return f"{self.name}()"

    def open(self, position: Any | None, *, columns: tuple[str, ...] | None = None) -> GeneratorReader:
        """A reader after a position, which is `{"offset": the last one, "count": values before it}`.

        Raises:
            BadInput: the position is not one of a generator.
        """
        offset, count = _read_position(position)
        made = self.function(offset=offset) if self.replayable else self.function()
        values = Awaited(made) if self.is_async else Iterated(made)
        return GeneratorReader(values, self, offset, count)


class GeneratorReader:
    """One run of a generator function.

    A read takes what comes within `READ_US_MAX`, so that the values of a slow generator are not held back until there
    are many. It waits for the first value of a sync generator; of an async one it does not.
    """

    def __init__(self, values: Taken, source: GeneratorSource, offset: Any, count: int) -> None:
        self._values, self._source = values, source
        self._offset, self._count = offset, count

    def read(self, limit: int) -> Chunk | None:
        """Up to `limit` values; None when the generator has ended.

        Raises:
            OperatorError: the generator raised; a person's mistake stays what it is.
        """
        first = self._count
        taken = self._take(limit)
        if taken is None:
            return None
        self._count += len(taken)
        if self._source.replayable:
            taken = [self._split(pair) for pair in taken]
        position = {"offset": self._offset, "count": self._count}
        return Chunk(as_utc(taken, self._source.type), position, first)

    def _take(self, limit: int) -> list[Any] | None:
        try:
            return self._values.take(limit, Patience(self._source.clock))
        except (Mistake, OperatorError):
            raise
        except Exception as error:
            raise failed(self._source.operator, f"value {self._count + 1}", error) from error

    def _split(self, pair: Any) -> Any:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise BadInput(f"{self._source} takes an offset, so it yields (value, offset); it yielded {_shown(pair)}")
        value, self._offset = pair
        return value

    def close(self) -> None:
        """Close the generator: its `finally` blocks run."""
        self._values.close()


def _takes_offset(function: Callable[..., Any]) -> bool:
    return "offset" in inspect.signature(function).parameters


def _read_position(position: Any) -> tuple[Any, int]:
    if position is None:
        return None, 0
    if isinstance(position, dict) and isinstance(position.get("count"), int):
        return position.get("offset"), position["count"]
    raise BadInput(f"{_shown(position)} is no position of a generator; start the job in a new data directory")


def _yielded_type(function: Callable[..., Any], has_offset: bool) -> Any:
    """What the annotation of the result says that the generator yields, without the offset; `Any` if nothing."""
    parts = get_args(hints(function).get("return"))
    yielded = parts[0] if parts else Any
    if not has_offset:
        return yielded
    pair = get_args(yielded) if get_origin(yielded) is tuple else ()
    return pair[0] if pair else Any


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
