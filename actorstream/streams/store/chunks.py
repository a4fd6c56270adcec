"""A state of columns: what came of a stream, in chunks, each written once and dropped as a whole.

Theory of operation. An entry is a data frame with where its rows came from, under the instant after which nobody needs
it (the namespace). Its name says which key groups its writer owned, and its number, counted by the writer. Rows of many
key groups lie in one chunk, so whoever begins with other groups than the writer's gets all chunks that may concern it,
keeps of each the rows that are its own (`adopt`), writes these under names of its own, and takes the old entry away.
All that share the old one do so in their first checkpoint.

Frames are kept as they are, and become Arrow's bytes only when a checkpoint seals them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from actorstream.errors import BadInput
from actorstream.model.identity import KEY_GROUPS, key_group
from actorstream.streams.store.changes import Change
from actorstream.streams.store.state_store import StateStore
from actorstream.streams.store.table import LIVE_MAX, StateTable

if TYPE_CHECKING:
    import polars

FORMAT = 1

CHUNK_BYTES_MAX = 1 << 20
"""What a chunk should hold at most, by the estimate of Polars; whoever appends more cuts it."""


CHUNK_WEIGHT = 1_000
"""As how many entries of another state a chunk counts, where it is asked whether all of a state should be written."""


class Chunk(NamedTuple):
    """Rows of one batch, and the split that they came from."""

    frame: polars.DataFrame
    partition: int
    source: str


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    format: int
    partition: int
    source: str
    data: bytes


class _Name(msgspec.Struct, frozen=True, array_like=True, order=True):
    """The first and the last key group of the writer, and its number; packed so that all have one length."""

    first_group: int
    last_group: int
    number: int

    def pack(self) -> bytes:
        return b"".join(part.to_bytes(8, "big") for part in (self.first_group, self.last_group, self.number))

    @classmethod
    def unpack(cls, key: bytes) -> _Name:
        if len(key) != 24:
            raise BadInput(f"{key!r} is no name of a chunk")
        first, last, number = (int.from_bytes(key[at : at + 8], "big") for at in (0, 8, 16))
        if not first <= last < KEY_GROUPS:
            raise BadInput(f"{key!r} is no name of a chunk: it says key groups {first} to {last} of {KEY_GROUPS}")
        return cls(first, last, number)


class ChunkTable(StateTable[Chunk]):
    """See the module. `schema` is what the frames must have: column names to dtypes."""

    weight = CHUNK_WEIGHT

    def __init__(self, name: str, schema: Mapping[str, Any]) -> None:
        super().__init__(name, bytes)
        self._schema = dict(schema)
        self._encode = _encode
        self._decode = self._read
        self._encode_all = lambda chunks: [*map(_encode, chunks)]
        self._decode_all = lambda data: [*map(self._read, data)]
        self._next = 0
        self._loads = _bits(0, KEY_GROUPS - 1)
        self._replaced: dict[bytes, int] = {}  # While loading: chunk → the key groups that a base has replaced since.

    def keep_in(self, store: StateStore, live_max: int = LIVE_MAX) -> None:
        """Chunks stay in memory: `drop_groups` goes by their names, not by the groups of their keys."""

    def append(self, until: int, chunk: Chunk, groups: range) -> bytes:
        """Keep a chunk of these key groups until `until`; its name, by which it is dropped."""
        name = _Name(groups[0], groups[-1], self._next).pack()
        self._next += 1
        self.put(until, name, chunk)
        return name

    def drop(self, until: int, name: bytes) -> None:
        """Nobody needs this chunk any more."""
        self.delete(until, name)

    def chunks(self) -> list[tuple[int, bytes, Chunk]]:
        """Every chunk, with until when it is kept and its name, in the order in which they were appended.

        Raises:
            BadInput: what is kept does not fit the program, or is damaged.
        """
        found = [(until, name, chunk) for until in self.namespaces() for name, chunk in self.items(until)]
        return sorted(found, key=lambda one: one[1])

    def adopt(self, groups: range, own: Callable[[polars.DataFrame], polars.DataFrame]) -> None:
        """After loading or a rollback: keep of the chunks of other key groups what `own` gives of their frames."""
        self._replaced.clear()
        names = [(until, key, _Name.unpack(key)) for until in self.namespaces() for key in self.keys(until)]
        bounds = (groups[0], groups[-1])
        mine = [name.number for _, _, name in names if (name.first_group, name.last_group) == bounds]
        self._next = max(mine, default=-1) + 1
        for until, key, name in sorted(names, key=lambda one: one[2]):
            if (name.first_group, name.last_group) != bounds:
                chunk = self.get(until, key)
                assert chunk is not None
                self.delete(until, key)
                left = own(chunk.frame)
                if left.height:
                    self.append(until, chunk._replace(frame=left), groups)

    def wanted(self, changes: Sequence[Change], groups: range) -> list[Change]:
        """All of them: each may hold rows of any key group of its writer."""
        self._loads = _bits(groups[0], groups[-1])
        return list(changes)

    def drop_groups(self, first: int, last: int) -> None:
        """Forget the chunks of which no row is needed any more, now that these key groups are replaced.

        Those of a writer that owned others, too, are forgotten when all groups that are loaded have been replaced; if
        some have not, who owned these has taken such a chunk away when it adopted its rows.
        """
        for namespace in self._base.namespaces():
            for key in list(self._base.keys(namespace)):
                name = _Name.unpack(key)
                replaced = self._replaced.get(key, 0) | _bits(first, last)
                self._replaced[key] = replaced
                if not _bits(name.first_group, name.last_group) & self._loads & ~replaced:
                    self._base.write([Change(key_group(key), namespace, key, None)])

    def _read(self, data: bytes) -> Chunk:
        import polars

        try:
            kept = _decoder.decode(data)
            frame = polars.read_ipc_stream(BytesIO(kept.data))
        except (
            msgspec.MsgspecError,
            polars.exceptions.PolarsError,
            polars.exceptions.PanicException,
            OSError,
        ) as error:
            raise BadInput(f"state {self.name!r} holds a chunk that cannot be read: {error!s:.200}") from None
        integers, floats = polars.Int64(), polars.Float64()
        widened = [name for name, kind in frame.schema.items() if kind == integers and self._schema.get(name) == floats]
        frame = frame.with_columns(polars.col(widened).cast(floats))
        if kept.format != FORMAT or dict(frame.schema) != self._schema:
            raise BadInput(
                f"state {self.name!r} holds columns that do not fit the program ({_show(frame.schema)}; it keeps "
                f"{_show(self._schema)}); run the program that wrote it, or start the job in a new data directory"
            )
        return Chunk(frame, kept.partition, kept.source)


_decoder = msgspec.msgpack.Decoder(_Kept)


def _encode(chunk: Chunk) -> bytes:
    stream = BytesIO()
    chunk.frame.write_ipc_stream(stream)
    return msgspec.msgpack.encode(_Kept(FORMAT, chunk.partition, chunk.source, stream.getvalue()))


def _bits(first: int, last: int) -> int:
    """A bit for each of some key groups."""
    return ((1 << (last - first + 1)) - 1) << first


def _show(schema: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.strip()}: {kind}" for name, kind in schema.items())
