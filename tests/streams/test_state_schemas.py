"""What becomes of kept state when the program that reads it declares another type."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import pytest

from actorstream import App, MapState, Record, State, ValueState
from actorstream.errors import BadInput
from actorstream.streams.store.table import StateTable, schema_of


class Held(Record):
    """What the first program keeps."""

    total: int


class Wider(Record):
    """The same with a new field."""

    total: int
    count: int = 0


class Renamed(Record):
    """The same under another name."""

    sum: int


def run(where: Path, numbers: Sequence[int], kind: Any, make: Any) -> list[str]:
    """Run a program over more numbers; it keeps `kind`, and `make` gives the next from the last and the number."""
    app, data = App("job"), str(where)
    numbers_in, out = app.topic("numbers", int), app.topic("out", str)

    def keep(number: int, held: Any) -> str:
        made = make(held.get(), number)
        held.set(made)
        return str(made)

    keep.__annotations__ = {"number": int, "held": kind, "return": str}
    app.stream(numbers_in).key_by(lambda number: 0, name="all").process(keep).to(out)
    with app.producer(data=data) as producer:
        for number in numbers:
            producer.send(numbers_in, number)
    app.run(data=data, until="caught_up")
    with app.consumer(out, data=data) as consumer:
        return [message.value for message in consumer]


def first(data: Path) -> None:
    """Run the first program: the state holds 3."""
    run(data, [1, 2], ValueState[Held], lambda held, number: Held((held.total if held else 0) + number))


def test_a_new_field_with_a_default_just_works(tmp_path: Path) -> None:
    """What is kept gets the default."""
    first(tmp_path)

    out = run(tmp_path, [4], ValueState[Wider], lambda held, number: Wider(held.total + number, held.count + 1))

    assert out[2:] == ["Wider(total=7, count=1)"]


def test_another_type_is_refused_at_start(tmp_path: Path) -> None:
    """One line says which state of which operator where, and what changed; nothing is lost by it."""
    first(tmp_path)

    with pytest.raises(
        BadInput, match=r"^state 'held' of operator 'keep' at .*\.py:\d+ .*: .*sum.*State\(upgrade=\)"
    ) as e:
        run(tmp_path, [4], ValueState[Renamed], lambda held, number: Renamed(number))

    assert "\n" not in str(e.value)
    again = run(tmp_path, [], ValueState[Held], lambda held, number: Held(held.total + number))
    assert again[2:] == ["Held(total=7)"]


def test_an_upgrade_function_makes_the_new_from_the_old(tmp_path: Path) -> None:
    """Once; then the checkpoint holds the new type, and a third program goes on with it."""
    first(tmp_path)
    calls = []

    def upgraded(old: Any) -> Any:
        calls.append(old.total)
        return Renamed(old.total * 100)

    kind = Annotated[ValueState[Renamed], State(upgrade=upgraded)]

    for number in (4, 5):
        out = run(tmp_path, [number], kind, lambda held, number: Renamed(held.sum + number))
    last = run(tmp_path, [6], ValueState[Renamed], lambda held, number: Renamed(held.sum + number))

    assert out[2:] == ["Renamed(sum=304)", "Renamed(sum=309)"]
    assert last[4:] == ["Renamed(sum=315)"]
    assert calls == [3]


def test_an_upgrade_function_that_fails_says_so(tmp_path: Path) -> None:
    """With the value that it failed on."""
    first(tmp_path)

    kind = Annotated[ValueState[int], State(upgrade=lambda old: 1 // 0)]

    with pytest.raises(
        BadInput, match=r"upgrade function of state 'held' failed on Held\(total=3\): ZeroDivisionError"
    ):
        run(tmp_path, [4], kind, lambda held, number: number)


def test_a_value_that_becomes_a_map_is_refused(tmp_path: Path) -> None:
    """A state's kind is part of its type."""
    first(tmp_path)

    with pytest.raises(BadInput, match="state 'held'"):
        run(tmp_path, [4], MapState[str, str], lambda held, number: None)


# --- the table -------------------------------------------------------------------------------------------------------


def upgraded_table() -> StateTable[str]:
    """A table of texts that was loaded with numbers."""
    old: StateTable[int] = StateTable("seen", int)
    for key, value in ((b"a", 1), (b"b", 2)):
        old.put(0, key, value)
    changes = old.seal(1)
    table: StateTable[str] = StateTable("seen", str, lambda value: None if value == 2 else f"n{value}")
    table.load(changes)
    table.upgrade(schema_of(int))
    return table


def test_an_upgraded_table_holds_the_new_values() -> None:
    """And not those that the function took away."""
    assert list(upgraded_table().items(0)) == [(b"a", "n1")]


def test_a_base_is_asked_for_until_it_is_decided() -> None:
    """A checkpoint that came to nothing does not count."""
    table = upgraded_table()
    table.seal(2)
    table.rollback()
    after_rollback = (table.is_upgraded, table.is_touched(), dict(table.items(0)))

    table.seal(3)
    touched = table.is_touched()
    table.commit(3)

    assert after_rollback == (True, True, {b"a": "n1"})
    assert not touched
    assert not table.is_upgraded


def test_what_has_the_same_type_is_left_alone() -> None:
    """The function is not called."""
    table: StateTable[int] = StateTable("seen", int, lambda value: value + 1)
    table.put(0, b"a", 1)
    table.seal(1)
    table.commit(1)

    table.upgrade(schema_of(int))

    assert dict(table.items(0)) == {b"a": 1}
    assert not table.is_upgraded
