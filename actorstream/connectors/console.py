"""Values on standard output, one JSON line each, at least once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from actorstream.errors import BadInput
from actorstream.model.utc import all_as_utc


class Console:
    """A `PlainSink` that writes to standard output; each write is flushed."""

    def __init__(self) -> None:
        self._encode: Callable[[Any], bytes] = msgspec.json.Encoder().encode_lines

    def __str__(self) -> str:
        return "console()"

    def write(self, values: Sequence[Any]) -> None:
        """Write a line for each value.

        Raises:
            BadInput: a value is nothing that JSON can hold.
        """
        try:
            lines = self._encode(all_as_utc(values))
        except (TypeError, ValueError, msgspec.EncodeError) as error:
            raise BadInput(f"a value cannot be shown as JSON: {error}") from error
        sys.stdout.write(lines.decode())  # Looked up at each write: a notebook and a test put another one there.
        sys.stdout.flush()


def console() -> Console:
    """A sink that writes one JSON line a value to standard output."""
    return Console()
