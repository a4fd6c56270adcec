"""From an exception in a user's function to an `OperatorError` that says which record it was."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, NoReturn

from actorstream.errors import Mistake, OperatorError
from actorstream.streams.engine.batch import Batch
from actorstream.streams.site import is_ours

_SHOWN_MAX = 200  # characters of a record in a message
_TRACEBACK_MAX = 8_192  # characters of a traceback in a dead letter; the end of it says most

GENERATED = "<operators up to "
"""How the file names of generated chains begin (`rows`)."""

CALLS = "<calls>"
"""The file name of the generated calls of a `process` function (`calls`)."""


def show(value: Any) -> str:
    """A value for a message, shortened."""
    try:
        text = repr(value)
    except Exception as error:  # A person's own `__repr__`.
        text = f"<{type(value).__name__}, whose repr raises {type(error).__name__}>"
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"


def fail(operator: str, batch: Batch, index: int, error: BaseException, value: Any = None, shown: str = "") -> NoReturn:
    """Raise the OperatorError for record `index` of `batch`; a person's mistake stays what it is.

    Args:
        value: the record, where it is none of the batch's; `shown`: how to show it.
    """
    if isinstance(error, Mistake | OperatorError):
        raise error
    is_there = 0 <= index < len(batch)
    topic, partition, offset = batch.place(index) if is_there else (None, None, None)
    text = shown or show(record_of(batch, index) if is_there else value)
    raise failed(operator, text, error, topic, partition, offset) from error


def failed(
    operator: str,
    shown: str,
    error: BaseException,
    topic: str | None = None,
    partition: int | None = None,
    offset: int | None = None,
) -> OperatorError:
    """The OperatorError to raise from `error`, whose traceback begins, from now on, at the user's own line."""
    error.__traceback__ = _from_user(error.__traceback__)
    return OperatorError(operator, shown, topic, partition, offset, f"{type(error).__name__}: {error}")


def reported(error: BaseException) -> BaseException:
    """The error that a job ended with, for its caller: of what concerns the program, our frames say nothing to them."""
    return error.with_traceback(None) if isinstance(error, Mistake | OperatorError) else error


def cause_of(error: Exception) -> Exception:
    """What an OperatorError was raised from; any other error is its own cause."""
    cause = error.__cause__
    return cause if isinstance(error, OperatorError) and isinstance(cause, Exception) else error


def alone(error: Exception, handled: BaseException | None) -> Exception:
    """The error without what the engine was handling when it was raised, which Python takes for its context.

    Args:
        handled: `sys.exception()` before the call.
    """
    one: BaseException = error
    while handled is not None and one.__context__ is not None:
        if one.__context__ is handled:
            one.__context__ = None
        else:
            one = one.__context__
    return error


def user_traceback(error: BaseException) -> str:
    """An exception and its causes as Python prints them, without the frames of the engine."""
    found = traceback.TracebackException.from_exception(error)
    one: traceback.TracebackException | None = found
    while one is not None:
        one.stack = traceback.StackSummary.from_list([line for line in one.stack if not _is_engine(line.filename)])
        one = one.__cause__ or one.__context__
    text = "".join(found.format())
    return text if len(text) <= _TRACEBACK_MAX else f"…{text[-_TRACEBACK_MAX:]}"


def _from_user(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and _is_engine(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return trace


def _is_engine(file: str) -> bool:
    return file.startswith((GENERATED, CALLS)) or is_ours(file)


def record_of(batch: Batch, index: int) -> Any:
    """A record; of one whose columns were not all read, those that were, by name."""
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
