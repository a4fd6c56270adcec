"""Values on their way into a file: of the file's type, their times in UTC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actorstream.errors import BadInput
from actorstream.model.record import is_record_type
from actorstream.model.utc import all_as_utc, as_utc


def fitting(values: Sequence[Any], kind: Any) -> list[Any]:
    """The values, their times in UTC.

    Raises:
        BadInput: the file is for one Record type and a value is none of it.
    """
    kinds = list(dict.fromkeys(map(type, values)))
    if is_record_type(kind):
        for other in kinds:
            if not issubclass(other, kind):
                raise BadInput(
                    f"the file is for {kind.__name__}, but a value of the stream is of type {other.__name__}"
                )
    if len(kinds) == 1 and is_record_type(kinds[0]):
        return as_utc(list(values), kinds[0])
    return all_as_utc(values)
