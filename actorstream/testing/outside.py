"""What a job writes somewhere else than to topics, such as files, as a simulation looks at it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec


class Outside(Protocol):
    """A place outside the log that a job writes to through a two-phase sink; given to `simulate`."""

    def clear(self) -> None:
        """Begin anew: nothing was written."""
        ...

    def read(self) -> Sequence[Any]:
        """All values that a reader sees now; JSON-like data, or Records."""
        ...

    def leftovers(self) -> Sequence[str]:
        """What was prepared and is neither visible nor removed; at the end there must be nothing."""
        ...


class Glimpses:
    """What was seen outside so far: only more may be seen later."""

    def __init__(self) -> None:
        self._before: Counter[bytes] = Counter()

    def problem(self, values: Sequence[Any]) -> str | None:
        """Take in what is seen now; gives what is missing of what was seen before, if anything."""
        now = Counter(msgspec.json.encode(value) for value in values)
        lost = self._before - now
        self._before = now
        return None if not lost else f"outside: a value that had been read was taken back: {next(iter(lost)).decode()}"
