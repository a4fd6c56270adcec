"""`StateWriter`: when a base is written, and what a base in pieces holds."""

from __future__ import annotations

from actorstream.host import MemoryMap
from actorstream.model.identity import KEY_GROUPS, encode
from actorstream.streams.job.state_writer import StateWriter
from actorstream.streams.store.changelog import StateChanges
from actorstream.streams.store.ordered_store import OrderedStore
from actorstream.streams.store.table import StateTable

KEYS = [encode(number) for number in range(200)]


def table(*, outside: bool) -> StateTable[int]:
    """An empty table, over an ordered map or in memory."""
    made: StateTable[int] = StateTable("numbers", int)
    if outside:
        made.keep_in(OrderedStore(MemoryMap(), 0), live_max=10)
    return made


def write(writer: StateWriter, numbers: StateTable[int], checkpoints: range) -> list[list[StateChanges]]:
    """What some checkpoints write, each of which changes all keys."""
    written = []
    for checkpoint in checkpoints:
        for key in KEYS:
            numbers.put(0, key, checkpoint)
        written.append(writer.seal({"numbers": numbers}, checkpoint)["numbers"])  # type: ignore[dict-item]
        numbers.commit(checkpoint)
    return written


def test_in_memory_a_base_takes_the_place_of_the_changes() -> None:
    """It holds all at once, when the changes are several times as many."""
    written = write(StateWriter(base_after=100), table(outside=False), range(1, 9))

    assert [one.base for several in written for one in several] == [True, *[False] * 4, True, False, False]


def test_outside_of_memory_a_base_comes_in_pieces_beside_the_changes() -> None:
    """Each key group once, until all were written."""
    writer = StateWriter(base_after=900, base_piece=1)

    written = write(writer, table(outside=True), range(1, 31))

    pieces = [one for several in written for one in several if one.base]
    groups = [group for piece in pieces for group in piece.groups]
    assert len(pieces) > 1
    assert groups[:KEY_GROUPS] == list(range(KEY_GROUPS))
    assert [len(several) for several in written[:4]] == [1] * 4


def test_outside_of_memory_new_entries_ask_for_no_base() -> None:
    """However many there are: a base would only repeat them."""
    writer, numbers = StateWriter(base_after=100), table(outside=True)

    for first in range(0, 20_000, 2_000):
        for number in range(first, first + 2_000):
            numbers.put(0, encode(number), number)
        written = writer.seal({"numbers": numbers}, first)["numbers"]  # type: ignore[dict-item]
        numbers.commit(first)
        assert [one.base for one in written] == [False]


def test_outside_of_memory_a_base_follows_when_there_are_many_changes_to_each_entry() -> None:
    """After some four times as many changes as there are entries."""
    writer, numbers = StateWriter(base_after=100), table(outside=True)
    begun = []

    for checkpoint in range(20):
        for number in range(20_000):
            numbers.put(0, encode(number), checkpoint)
        written = writer.seal({"numbers": numbers}, checkpoint)["numbers"]  # type: ignore[dict-item]
        numbers.commit(checkpoint)
        begun += [checkpoint for one in written if one.base and one.groups[0] == 0]

    assert len(begun) >= 2
    assert all(4 <= later - earlier <= 8 for earlier, later in zip([0, *begun], begun, strict=False))


def test_changes_and_pieces_load_to_what_was_there() -> None:
    """A piece takes the place of its groups; the others stay."""
    numbers, loaded = table(outside=True), table(outside=True)

    for several in write(StateWriter(base_after=900, base_piece=1), numbers, range(1, 8)):
        for changes, groups, base in several:
            if base:
                loaded.drop_groups(groups[0], groups[-1])
            loaded.load(changes)

    assert dict(loaded.items(0)) == dict.fromkeys(KEYS, 7)
