"""The state of a join over columns: written once, found again by whoever owns its rows, and never believed unseen."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from actorstream.errors import BadInput
from actorstream.streams.job.state_writer import StateWriter
from actorstream.streams.store.changes import Change
from actorstream.streams.store.chunks import Chunk, ChunkTable

SCHEMA: dict[str, Any] = {"group": pl.Int64(), "value": pl.Int64()}
ALL, LOW, HIGH = range(256), range(128), range(128, 256)


def chunk(*groups: int) -> Chunk:
    """A row of each of these key groups, numbered."""
    return Chunk(pl.DataFrame({"group": groups, "value": range(len(groups))}, schema=SCHEMA), 0, "source")


def groups_in(table: ChunkTable) -> list[list[int]]:
    """The key groups of the rows of each chunk."""
    return [one.frame["group"].to_list() for _, _, one in table.chunks()]


def began(groups: range, *written: tuple[range, list[Change], bool]) -> ChunkTable:
    """The table of an instance that begins with these groups, after others wrote changes, or bases."""
    table = ChunkTable("left", SCHEMA)
    for owned, changes, base in written:
        if owned.start < groups.stop and groups.start < owned.stop:
            wanted = table.wanted(changes, groups)
            if base:
                table.drop_groups(owned[0], owned[-1])
            table.load(wanted)
    table.adopt(groups, lambda frame: frame.filter(pl.col("group").is_in(list(groups))))
    return table


def test_a_checkpoint_writes_a_chunk_once() -> None:
    """What was there before is not written again; a chunk that is dropped before is never written."""
    table = ChunkTable("left", SCHEMA)
    first = table.append(10, chunk(1), ALL)
    assert [change.key for change in table.seal(1)] == [first]

    second = table.append(20, chunk(2), ALL)
    gone = table.append(5, chunk(3), ALL)
    table.drop(5, gone)

    assert [(change.key, change.value is None) for change in table.seal(2)] == [(second, False), (gone, True)]


def test_chunks_come_back_in_their_order() -> None:
    """Whatever they are kept until; after a rollback as after loading."""
    table = ChunkTable("left", SCHEMA)
    for until, group in ((30, 1), (10, 2), (20, 3)):
        table.append(until, chunk(group), ALL)
    changes = table.seal(1)
    table.commit(1)
    table.rollback()

    assert groups_in(table) == groups_in(began(ALL, (ALL, changes, False))) == [[1], [2], [3]]


def test_rows_go_with_their_key_groups() -> None:
    """From one instance to two and back: each row is in one chunk of one of them."""
    one = ChunkTable("left", SCHEMA)
    one.append(10, chunk(1, 200), ALL)
    written: list[tuple[range, list[Change], bool]] = [(ALL, one.seal(1), False)]
    low, high = began(LOW, *written), began(HIGH, *written)
    assert (groups_in(low), groups_in(high)) == ([[1]], [[200]])

    low.append(10, chunk(2), LOW)
    written += [(LOW, low.seal(2), False), (HIGH, high.seal(2), False)]

    assert sorted(groups_in(began(ALL, *written))) == [[1], [2], [200]]
    assert groups_in(began(LOW, *written)) == [[1], [2]]


@pytest.mark.parametrize("groups", [LOW, ALL, range(64)])
def test_a_base_replaces_what_its_groups_had(groups: range) -> None:
    """Also a chunk that held rows of other groups, too, which who owns those has taken away."""
    one = ChunkTable("left", SCHEMA)
    one.append(10, chunk(1, 200), ALL)
    written: list[tuple[range, list[Change], bool]] = [(ALL, one.seal(1), False)]
    low, high = began(LOW, *written), began(HIGH, *written)
    low.seal(2)
    written += [(HIGH, high.seal(2), False), (LOW, low.entries(), True)]

    found = sorted(group for groups in groups_in(began(groups, *written)) for group in groups)

    assert found == ([1, 200] if groups == ALL else [1])


def test_chunks_are_soon_written_anew() -> None:
    """Because each is as large as many entries, and whoever starts again reads all since then."""
    table = ChunkTable("left", SCHEMA)
    writer = StateWriter(base_after=100_000)
    bases = []
    for checkpoint in range(150):
        name = table.append(checkpoint, chunk(1), ALL)
        bases += [one.base for one in writer.seal({"left": table}, checkpoint)["left"]]
        table.commit(checkpoint)
        table.drop(checkpoint, name)

    assert bases.index(True) < 60
    assert sum(bases) < 6


@pytest.mark.parametrize("data", [b"", b"no chunk", b"\x94\x01\x00\xa6source\xc4\x03abc"])
def test_what_is_no_chunk_is_refused(data: bytes) -> None:
    """And named by its state."""
    name = ChunkTable("left", SCHEMA).append(1, chunk(1), ALL)

    with pytest.raises(BadInput, match="'left'"):
        began(ALL, (ALL, [Change(0, 1, name, data)], False)).chunks()


def test_columns_of_another_program_are_refused() -> None:
    """Unless an int has become a float."""
    table = ChunkTable("left", SCHEMA)
    table.append(1, chunk(1), ALL)
    (change,) = table.seal(1)
    floats, texts = (ChunkTable("left", {"group": pl.Int64(), "value": kind}) for kind in (pl.Float64(), pl.String()))
    for other in (floats, texts):
        other.load([change])

    assert floats.chunks()[0][2].frame["value"].to_list() == [0.0]
    with pytest.raises(BadInput, match="do not fit the program"):
        texts.chunks()


@pytest.mark.parametrize("name", [b"", b"x" * 24])
def test_a_name_of_nobody_is_refused(name: bytes) -> None:
    """It says which key groups its writer owned."""
    with pytest.raises(BadInput, match="name of a chunk"):
        began(ALL, (ALL, [Change(0, 1, name, b"")], False))
