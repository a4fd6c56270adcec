"""`StateTable`: layers over a base, against a plain dict; and the changes that rebuild it."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actorstream import Record
from actorstream.errors import BadInput, UnsupportedFormat
from actorstream.host import MemoryMap, OrderedMap, RocksMap
from actorstream.model.identity import KEY_GROUPS, encode, key_group
from actorstream.streams.store.changelog import RECORD_CHANGES_MAX, StateChanges, encode_state
from actorstream.streams.store.changes import FORMAT, Change, decode_changes, encode_changes
from actorstream.streams.store.ordered_store import OrderedStore
from actorstream.streams.store.table import StateTable


class Seen(Record):
    """A value of a state."""

    count: int


ALL = range(KEY_GROUPS)
KEYS = [encode(name) for name in ("a", "b", "c")]
NAMESPACES = [-1, 0, 7]
places = st.tuples(st.sampled_from(NAMESPACES), st.sampled_from(KEYS))


class TableModel(RuleBasedStateMachine):
    """A table does what a dict does, that is copied at each seal and put back at each rollback."""

    live_max = 2

    def fresh(self) -> StateTable[list[int]]:
        """An empty table."""
        return StateTable("numbers", list[int])

    @initialize()
    def begin(self) -> None:
        self.table = self.fresh()
        self.now: dict[tuple[int, bytes], list[int]] = {}
        self.decided: dict[tuple[int, bytes], list[int]] = {}
        self.sealed: list[tuple[int, dict[tuple[int, bytes], list[int]]]] = []
        self.written: list[tuple[int, list[Change]]] = []  # what a changelog would hold of undecided checkpoints
        self.log: list[Change] = []  # and of decided ones
        self.checkpoint = 0

    @rule(place=places, numbers=st.lists(st.integers(0, 9), max_size=3))
    def put(self, place: tuple[int, bytes], numbers: list[int]) -> None:
        self.table.put(*place, list(numbers))
        self.now[place] = numbers

    @rule(place=places, number=st.integers(0, 9))
    def change_in_place(self, place: tuple[int, bytes], number: int) -> None:
        live = self.table.get(*place)
        if live is not None:
            live.append(number)
            self.table.put(*place, live)
            self.now[place] = [*self.now[place], number]

    @rule(place=places)
    def delete(self, place: tuple[int, bytes]) -> None:
        self.table.delete(*place)
        self.now.pop(place, None)

    @rule(namespace=st.sampled_from(NAMESPACES))
    def delete_namespace(self, namespace: int) -> None:
        self.table.delete_namespace(namespace)
        self.now = {place: value for place, value in self.now.items() if place[0] != namespace}

    @rule()
    def seal(self) -> None:
        self.checkpoint += 1
        self.written.append((self.checkpoint, self.table.seal(self.checkpoint)))
        self.sealed.append((self.checkpoint, dict(self.now)))

    @precondition(lambda self: self.sealed)
    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(self.sealed) - 1))
        checkpoint, self.decided = self.sealed[place]
        self.table.commit(checkpoint)
        self.log += [change for number, changes in self.written if number <= checkpoint for change in changes]
        self.sealed = self.sealed[place + 1 :]
        self.written = [one for one in self.written if one[0] > checkpoint]

    @rule()
    def roll_back(self) -> None:
        self.table.rollback()
        self.now = dict(self.decided)
        self.sealed, self.written = [], []

    @rule()
    def load_afresh(self) -> None:
        """Another process reads the decided changes: it has what a rollback would give."""
        fresh = self.fresh()
        fresh.load(self.log)

        assert contents(fresh) == self.decided

    @rule()
    def load_everything(self) -> None:
        """What a base holds is the state as of the last seal."""
        fresh = self.fresh()
        fresh.load(self.table.entries())

        assert contents(fresh) == (self.sealed[-1][1] if self.sealed else self.decided)
        assert self.table.is_outside or self.table.size(ALL) == len(self.decided)

    @rule(middle=st.integers(1, KEY_GROUPS - 1))
    def load_a_base_in_pieces(self, middle: int) -> None:
        """Groups of which a base was written take the place of what came before; the others stay."""
        fresh = self.fresh()
        fresh.load(self.log)
        for first, last in ((0, middle - 1), (middle, KEY_GROUPS - 1)):
            fresh.drop_groups(first, last)
            fresh.load(self.table.entries(first, last))

        assert contents(fresh) == (self.sealed[-1][1] if self.sealed else self.decided)

    @rule(namespace=st.sampled_from(NAMESPACES), keys=st.lists(st.sampled_from(KEYS)))
    def fetch(self, namespace: int, keys: list[bytes]) -> None:
        self.table.fetch(namespace, keys)

    @rule(namespace=st.sampled_from(NAMESPACES), keys=st.lists(st.sampled_from(KEYS)))
    def get_all(self, namespace: int, keys: list[bytes]) -> None:
        assert self.table.get_all(namespace, keys) == [self.now.get((namespace, key)) for key in keys]

    @rule(place=places, number=st.integers(0, 9))
    def try_and_undo(self, place: tuple[int, bytes], number: int) -> None:
        self.table.begin()
        self.table.put(*place, [*(self.table.get(*place) or []), number])
        self.table.undo()

    @invariant()
    def holds_what_the_dict_holds(self) -> None:
        assert contents(self.table) == self.now
        for namespace in NAMESPACES:
            for key in KEYS:
                assert self.table.get(namespace, key) == self.now.get((namespace, key))


class OrderedModel(TableModel):
    """The same over a map of bytes."""

    def begin_map(self) -> OrderedMap:
        return MemoryMap()

    @initialize()
    def begin(self) -> None:
        self.map = self.begin_map()
        self.tables = 0
        super().begin()

    def fresh(self) -> StateTable[list[int]]:
        table = super().fresh()
        table.keep_in(OrderedStore(self.map, self.tables), self.live_max)
        self.tables += 1
        return table

    def teardown(self) -> None:
        if hasattr(self, "map"):
            self.map.close()


class RocksModel(OrderedModel):
    """The same over RocksDB."""

    def begin_map(self) -> OrderedMap:
        self.directory = tempfile.TemporaryDirectory()
        return RocksMap(self.directory.name)

    def teardown(self) -> None:
        super().teardown()
        if hasattr(self, "directory"):
            self.directory.cleanup()


TestTableModel = TableModel.TestCase
TestOrderedModel = OrderedModel.TestCase

if find_spec("rocksdict") is not None:
    TestRocksModel = RocksModel.TestCase
    TestRocksModel.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)


def contents(table: StateTable[Any]) -> dict[tuple[int, bytes], Any]:
    """Everything in a table."""
    return {(namespace, key): value for namespace in table.namespaces() for key, value in table.items(namespace)}


def test_a_layer_shares_no_live_object() -> None:
    """What is changed after a seal belongs to the next checkpoint, also in place."""
    table: StateTable[list[int]] = StateTable("numbers", list[int])
    table.put(0, KEYS[0], [1])
    table.seal(1)
    live = table.get(0, KEYS[0])
    assert live is not None
    live.append(2)
    table.put(0, KEYS[0], live)

    table.commit(1)
    table.rollback()

    assert table.get(0, KEYS[0]) == [1]


def test_what_is_forgotten_while_many_keys_are_read_is_read_again() -> None:
    """A key that was live when it was asked for, and was forgotten to make room for the others."""
    table: StateTable[int] = StateTable("numbers", int)
    table.keep_in(OrderedStore(MemoryMap(), 0), live_max=2)
    for number, key in enumerate(KEYS):
        table.put(0, key, number)
    table.seal(1)
    table.commit(1)
    table.get(0, KEYS[0])

    assert table.get_all(0, KEYS) == [0, 1, 2]


def test_a_seal_writes_what_was_touched_since_the_last() -> None:
    """Each change once, with its key group; nothing again."""
    table: StateTable[int] = StateTable("numbers", int)
    table.put(0, KEYS[0], 1)
    table.put(0, KEYS[0], 2)
    table.delete(7, KEYS[1])

    changes = table.seal(1)

    assert changes == [Change(key_group(KEYS[0]), 0, KEYS[0], b"\x02"), Change(key_group(KEYS[1]), 7, KEYS[1], None)]
    assert table.seal(2) == []


@pytest.mark.parametrize("kind", [Any, Seen])
def test_a_record_comes_back_as_a_record(kind: Any) -> None:
    """After a rollback, and from a changelog; also where nobody declared its type."""
    table: StateTable[Any] = StateTable("seen", kind)
    table.put(0, KEYS[0], Seen(3))
    changes = table.seal(1)
    table.commit(1)
    fresh: StateTable[Any] = StateTable("seen", kind)

    table.rollback()
    fresh.load(changes)

    assert (table.get(0, KEYS[0]), fresh.get(0, KEYS[0])) == (Seen(3), Seen(3))


changes = st.builds(
    Change,
    group=st.integers(0, KEY_GROUPS - 1),
    namespace=st.integers(-(2**63), 2**63 - 1),
    key=st.binary(max_size=9),
    value=st.none() | st.binary(max_size=9),
)


@given(every=st.lists(changes))
def test_changes_come_back_sorted_by_key_group(every: list[Change]) -> None:
    """Those of one group in their order, so that the last one counts."""
    back = decode_changes(encode_changes(every), "here")

    assert back == sorted(every, key=lambda change: change.group)


@given(data=st.binary())
def test_other_bytes_are_no_changes(data: bytes) -> None:
    """A damaged record is a person's mistake, never a crash."""
    with suppress(BadInput, UnsupportedFormat):
        decode_changes(data, "changes-0 at offset 7")


def test_changes_of_a_newer_version_are_refused() -> None:
    """The error says to upgrade."""
    data = encode_changes([]).replace(bytes([FORMAT]), bytes([FORMAT + 1]), 1)

    with pytest.raises(UnsupportedFormat, match="upgrade actorstream"):
        decode_changes(data, "here")


def test_the_records_of_a_state_are_bounded_and_named_by_ranges() -> None:
    """Many changes make several records; each state's range covers its own."""
    many = [Change(0, 0, b"%d" % number, b"x") for number in range(RECORD_CHANGES_MAX + 1)]

    records = encode_state({"one": [StateChanges(many, ALL)], "two": [StateChanges([], ALL, base=True)]}, now_us=0)

    (one,), (two,) = records.ranges(100).values()
    assert (one.start, one.end, one.base) == (100, 102, False)
    assert (two.start, two.end, two.base) == (102, 103, True)
