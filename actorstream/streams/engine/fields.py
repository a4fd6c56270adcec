"""What a field's name, or a function, gives for each record of a batch.

A field of a columnar batch is taken from its column, as values of the field's type, so that rows and columns give the
same; the other columns need not be there.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any

from actorstream.model.columns import column_of
from actorstream.model.record import Record, is_record_type
from actorstream.streams import checks
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.failure import call_each
from actorstream.streams.frame_columns import Column

_FIELDS_MAX = 1_024  # Fields whose columns are remembered; another one is looked at again.


def values_of(operator: str, of: str | Callable[[Any], Any], batch: Batch) -> list[Any]:
    """The values, in the order of the records.

    Raises:
        OperatorError: the function failed, or a record has no such field.
        BadInput: a column holds what does not fit the field.
    """
    if isinstance(of, str) and batch.is_columns and is_record_type(batch.kind):
        return _column(batch.kind, of).values(batch.frame()[of])
    rows = batch.rows()
    if isinstance(of, str) and rows and isinstance(rows[0], Record):
        with suppress(AttributeError):  # Another record has no such field: the way below says which.
            return column_of(of)(rows)
    return call_each(operator, checks.getter(of), batch, rows)


@lru_cache(maxsize=_FIELDS_MAX)
def _column(kind: Any, field: str) -> Column:
    return Column(field, checks.field_type(kind, field))
