"""From an exception in a user's function to an `OperatorError` that says which record it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from actorstream.errors import Mistake, OperatorError
from actorstream.streams.engine.batch import Batch

_SHOWN_MAX = 200  # characters of a record in a message


def show(value: Any) -> str:
    """A value for a message, shortened."""
    text = repr(value)
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"


def fail(operator: str, batch: Batch, index: int, error: BaseException, value: Any = None) -> NoReturn:
    """Raise the OperatorError for record `index` of `batch`; a person's mistake stays what it is."""
    if isinstance(error, Mistake | OperatorError):
        raise error
    record = _record(batch, index) if 0 <= index < len(batch) else value
    topic, partition, offset = batch.place(index) if 0 <= index < len(batch) else (None, None, None)
    cause = f"{type(error).__name__}: {error}"
    raise OperatorError(operator, show(record), topic, partition, offset, cause) from error


def _record(batch: Batch, index: int) -> Any:
    try:
        return batch.rows()[index]
    except Mistake:  # Some columns were not read, because nobody asked for them.
        return batch.frame().row(index, named=True)


def call_each(operator: str, function: Callable[[Any], Any], batch: Batch, values: Sequence[Any]) -> list[Any]:
    """`function` of each value; a failure names the record."""
    left = iter(values)
    try:
        return [function(value) for value in left]
    except Exception as error:
        fail(operator, batch, consumed(left, len(values)), error)


def consumed(left: Any, count: int) -> int:
    """The index of the item that a list's iterator gave last; costs nothing while all goes well."""
    return count - int(left.__length_hint__()) - 1
