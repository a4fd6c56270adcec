"""Data frames as Arrow's bytes, which are taken as polars writes them, and read where they came.

Guarantees: polars is loaded by whoever has a data frame, or gets one, and by nobody else.
"""

from __future__ import annotations

import sys
from io import BytesIO
from typing import Any

from actorstream.errors import BadInput
from actorstream.host.network import Part

JOINED_BYTES = 4 << 10
"""Shorter pieces of what polars writes are joined."""


def is_frame(value: Any) -> bool:
    """Whether this is a data frame."""
    polars = sys.modules.get("polars")
    return polars is not None and isinstance(value, polars.DataFrame)


def parts_of(frame: Any) -> list[Part]:
    """A data frame as an Arrow stream, in parts."""
    writer = _Writer()
    frame.write_ipc_stream(writer)
    return writer.parts()


def read(stream: memoryview) -> Any:
    """The data frame again.

    Raises:
        BadInput: it is none.
    """
    import polars as pl

    try:
        return pl.read_ipc_stream(BytesIO(stream))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:  # A panic is no Exception.
        raise BadInput(f"not a data frame: {error!s:.200}") from None


class _Writer:
    """What polars writes to: the large pieces are kept as they are."""

    def __init__(self) -> None:
        self._done: list[Part] = []
        self._short = bytearray()

    def write(self, data: bytes) -> int:
        """Take a piece."""
        if len(data) < JOINED_BYTES:
            self._short += data
        else:
            self._cut()
            self._done.append(bytes(data))  # No copy if it is bytes, as it is now.
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def parts(self) -> list[Part]:
        """All that was written."""
        self._cut()
        return self._done

    def _cut(self) -> None:
        if self._short:
            self._done.append(bytes(self._short))
            self._short.clear()
