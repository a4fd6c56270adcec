"""What a source and a sink of one's own look like.

`files`, sequences and user generators are `Source`s; a directory of part files is a `TwoPhaseSink`. A user's own class
needs these methods and nothing else: no base class.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import msgspec

from actorstream.errors import BadInput

if TYPE_CHECKING:
    import polars


class Chunk(msgspec.Struct, frozen=True):
    """What one read gave.

    `values`: Python values, or a `polars.DataFrame` when the reader was opened for columns.
    `position`: where to go on after this chunk; JSON-like data, kept in checkpoints, given back to `open`.
    `first_offset`: the running number of the first value, from 0 at the beginning of the source.
    """

    values: Sequence[Any] | polars.DataFrame
    position: Any
    first_offset: int


class BadValue(BadInput):
    """One value of a source does not parse or does not fit; the next read goes on behind it.

    `value`: the value, or its text, as far as it could be read. `position`: where to go on; as in a `Chunk`.
    `first_offset`: the running number that it would have, or that of the next value, if bad ones are not counted.
    """

    def __init__(self, message: str, value: object, position: Any = None, first_offset: int = 0) -> None:
        super().__init__(message)
        self.value, self.position, self.first_offset = value, position, first_offset


class Reader(Protocol):
    """One pass through a source, from a position."""

    def read(self, limit: int, /) -> Chunk | None:
        """Up to about `limit` values; a chunk without values when there is nothing now; None at the end.

        Raises:
            BadInput: a value does not parse or does not fit; names the file, its line and offset. As a `BadValue` it
                follows the policy of the stream, and the next read goes on behind it.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


@runtime_checkable
class Source(Protocol):
    """Where records come from.

    `type`: the type of the values (a Record type, or Any). `bounded`: whether it ends.
    `replayable`: whether `open(position)` gives the same values again; without it a crash loses what was read.
    `columnar`: whether it can give frames, and reads only the `columns` asked for.

    A columnar source may have a method `where(conditions)`, too, which gives the same source, but one that may leave
    out values for which one of these Polars expressions is not true.
    """

    type: Any
    bounded: bool
    replayable: bool
    columnar: bool

    def open(self, position: Any | None, /, *, columns: tuple[str, ...] | None = None) -> Reader:
        """A reader from `position` (None: the beginning).

        Args:
            columns: None: give rows. Else: give frames that have at least these columns.

        Raises:
            BadInput: the source is not there, or is not what it should be.
        """
        ...


class Writer(Protocol):
    """What one lane writes between two checkpoints."""

    def write(self, values: Sequence[Any], /) -> None:
        """Take some values; no reader may see them yet."""
        ...

    def prepare(self) -> None:
        """Make them durable, so that `commit` cannot fail for lack of them."""
        ...


@runtime_checkable
class TwoPhaseSink(Protocol):
    """Where records go, visible only once the checkpoint that they belong to is decided.

    One may have a method `takes_frames(kind)`, too, which says whether its writers take `polars.DataFrame`s of a Record
    type; where the values are columns already, they are then given as such.
    """

    def open(self, handle: str, /) -> Writer:
        """A writer whose result is named by `handle`: letters, digits, `.`, `_` and `-`; sorts by checkpoint."""
        ...

    def commit(self, handle: str, /) -> None:
        """Make what was prepared under `handle` visible; may be called again, also after a crash."""
        ...

    def abort(self, keep: Collection[str], prefix: str, /) -> None:
        """Remove everything prepared under a handle that begins with `prefix`, but for those in `keep`."""
        ...


@runtime_checkable
class PlainSink(Protocol):
    """Where records go at least once: no commit, no way back.

    One whose attribute `columnar` is true is given `polars.DataFrame`s, from a stream of Records, instead of lists.
    """

    def write(self, values: Any, /) -> None:
        """Take some values."""
        ...
