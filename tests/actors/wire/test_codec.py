"""Messages as bytes: what comes is what was sent, and what cannot be sent is said where it is sent."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal, NamedTuple
from uuid import UUID

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from actorstream.actors import Crash, ExitReason, Message, Ref, Terminated
from actorstream.actors.wire import Codec
from actorstream.actors.wire.shapes import LONG_BYTES, check_of
from actorstream.errors import RemoteError, Unsendable

TARGET, SENDER = Ref("desk/greeter", 3), Ref("desk", 2**40)


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Inks(enum.Flag):
    CYAN = 1
    MAGENTA = 2


class Shape(msgspec.Struct, frozen=True):
    name: str


class Circle(Shape, frozen=True):
    radius: float


class Place(NamedTuple):
    x: int
    y: int


@dataclass(frozen=True)
class Money:
    amount: int


class Tree(Message):
    value: int
    children: list[Tree]


class Anything(Message):
    value: Any


class Blob(Message):
    data: bytes
    name: str = ""


class Drawn(Message):
    shape: Shape
    colour: Colour = Colour.RED


def through(message: Message) -> Message:
    """The message, as it comes out at the other end."""
    frame = b"".join(Codec().encode(TARGET, SENDER, message))
    parcel = Codec().decode(memoryview(bytearray(frame)))
    assert (parcel.target, parcel.sender) == (TARGET, SENDER)
    (came,) = parcel.messages
    return came


def same(one: Any, other: Any) -> bool:
    """Equal, and of equal types, all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(map(same, one, other)) and all(map(same, one.values(), other.values()))
    if isinstance(one, msgspec.Struct):
        return same(msgspec.structs.astuple(one), msgspec.structs.astuple(other))
    return bool(one == other)


UTC_TIMES = st.datetimes(timezones=st.just(UTC))
SCALARS: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (int, st.integers(-(2**66), 2**66)),
    (float, st.floats()),
    (str, st.text()),
    (bool, st.booleans()),
    (bytes, st.binary()),
    (type(None), st.none()),
    (datetime, UTC_TIMES | st.datetimes()),
    (date, st.dates()),
    (time, st.times()),
    (timedelta, st.timedeltas()),
    (Decimal, st.decimals(allow_nan=False)),
    (UUID, st.uuids()),
    (Colour, st.sampled_from(Colour)),
    (Level, st.sampled_from(Level)),
    (Inks, st.sampled_from([*Inks, Inks.CYAN | Inks.MAGENTA])),
    (Literal["a", 1], st.sampled_from(["a", 1])),
    (Any, st.one_of(st.integers(), st.text(), st.booleans(), st.lists(st.integers()))),
    (Shape, st.builds(Shape, st.text()) | st.builds(Circle, st.text(), st.floats())),
    (Place, st.builds(Place, st.integers(0, 9), st.integers(0, 9))),
    (Money, st.builds(Money, st.integers(0, 9))),
    (Ref, st.builds(Ref, st.text(), st.integers(0, 2**62))),
    (Message, st.builds(Anything, st.integers()) | st.builds(Blob, st.binary())),
]
PAIRS = st.sampled_from(SCALARS)


def of_kinds(pairs: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Types made of types, each with a strategy for its values."""
    return st.one_of(
        pairs.map(lambda pair: (list[pair[0]], st.lists(pair[1], max_size=4))),
        pairs.map(lambda pair: (tuple[pair[0], ...], st.lists(pair[1], max_size=4).map(tuple))),
        st.tuples(pairs, pairs).map(lambda two: (tuple[two[0][0], two[1][0]], st.tuples(two[0][1], two[1][1]))),
        pairs.map(lambda pair: (dict[str, pair[0]], st.dictionaries(st.text(), pair[1], max_size=4))),
        pairs.map(lambda pair: (dict[int, pair[0]], st.dictionaries(st.integers(-9, 9), pair[1], max_size=4))),
        pairs.map(lambda pair: (pair[0] | None, st.none() | pair[1])),
        st.tuples(pairs, pairs).map(lambda two: (two[0][0] | two[1][0], two[0][1] | two[1][1])),
        st.sampled_from([(set[int], st.sets(st.integers(-9, 9))), (list, st.lists(st.integers() | st.text()))]),
    )


TYPES = st.recursive(PAIRS, of_kinds, max_leaves=4)


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """A message of a class of its own; now and then a field holds what its type does not say."""
    pairs = draw(st.lists(TYPES, max_size=4))
    made = msgspec.defstruct(
        "Made", [(f"f{index}", kind) for index, (kind, _) in enumerate(pairs)], bases=(Message,), module=__name__
    )
    values = [draw(value) if draw(st.integers(0, 9)) else draw(draw(PAIRS)[1]) for _, value in pairs]
    message = made(*values)
    assert isinstance(message, Message)
    return message


@settings(max_examples=300)
@given(messages())
def test_what_comes_is_what_was_sent(message: Message) -> None:
    """Whatever the class declares, and whatever its fields hold in truth: the same values of the same types."""
    assert same(through(message), message)


def test_a_message_that_holds_what_it_declares_is_written_without_types() -> None:
    """Only then; an heir, a wrong type or an open declaration costs space, and no value."""
    plain = len(b"".join(Codec().encode(TARGET, SENDER, Drawn(Shape("a")))))
    heir = len(b"".join(Codec().encode(TARGET, SENDER, Drawn(Circle("a", 1.0)))))

    check = check_of(Drawn)
    assert check is not None
    assert check(Drawn(Shape("a")))
    assert not check(Drawn(Circle("a", 1.0)))
    assert not check(Drawn(Shape(1)))  # type: ignore[arg-type]
    assert check_of(Anything) is None
    assert check_of(Tree) is None
    assert plain < heir
    assert through(Drawn(Circle("a", 1.0))) == Drawn(Circle("a", 1.0))


def test_a_class_that_gets_an_heir_later_is_not_cut_down_to_what_it_was() -> None:
    """What was learnt of a class does not grow old."""
    codec = Codec()
    codec.encode(TARGET, SENDER, Drawn(Shape("a")))

    class Square(Shape, frozen=True):
        side: float

    frame = b"".join(codec.encode(TARGET, SENDER, Drawn(Square("a", 2.0))))
    assert codec.decode(memoryview(frame)).messages[0] == Drawn(Square("a", 2.0))


def test_a_class_that_is_defined_again_is_read_as_its_last_definition() -> None:
    """As in a notebook, where a cell is run again."""
    codec = Codec()
    old = msgspec.defstruct("Again", [("x", int)], bases=(Message,), module=__name__)
    frame = b"".join(codec.encode(TARGET, SENDER, old(1)))  # type: ignore[arg-type]
    codec.decode(memoryview(frame))
    new = msgspec.defstruct("Again", [("x", int)], bases=(Message,), module=__name__)

    assert type(codec.decode(memoryview(frame)).messages[0]) is new


def test_trees_come_back() -> None:
    """A class that holds itself."""
    tree = Tree(1, [Tree(2, []), Tree(3, [Tree(4, [])])])

    assert through(tree) == tree


def test_data_frames_come_back_from_anywhere_in_a_message() -> None:
    """Several of them, in lists and dicts, an empty one, and one of several chunks."""
    small = pl.DataFrame({"a": [1, None], "b": ["x", "y"], "c": [[1.5], []]})
    large = pl.DataFrame({"a": range(10_000)})
    chunks = pl.concat([large, large], rechunk=False)
    sent = [small, {"large": large}, small.clear(), chunks]

    (one, two, three, four) = through(Anything(sent)).value  # type: ignore[attr-defined]

    assert_frame_equal(one, small)
    assert_frame_equal(two["large"], large)
    assert_frame_equal(three, small.clear())
    assert_frame_equal(four, chunks)


def test_long_bytes_of_a_field_are_not_copied_on_their_way_out() -> None:
    """They go as they are, behind the message."""
    data = bytes(LONG_BYTES)

    parts = Codec().encode(TARGET, SENDER, Blob(data, "x"))

    assert any(part is data for part in parts)
    assert through(Blob(data, "x")) == Blob(data, "x")


def test_views_and_arrays_of_bytes_come_back() -> None:
    """What may change is copied when it is sent."""
    array = bytearray(b"abc")
    codec = Codec()
    parts = codec.encode(TARGET, SENDER, Anything([memoryview(array), array]))
    array[:] = b"xyz"

    view, came = codec.decode(memoryview(b"".join(parts))).messages[0].value  # type: ignore[attr-defined]

    assert isinstance(view, memoryview)
    assert (bytes(view), came) == (b"abc", bytearray(b"abc"))


def test_functions_and_classes_go_by_their_names() -> None:
    """And are the same ones again."""
    sent = [through, Circle, len, Codec.encode, math.sqrt]

    assert through(Anything(sent)) == Anything(sent)


def test_an_error_becomes_a_remote_one() -> None:
    """With its class, what it said, and where it was raised."""
    try:
        int("x")
    except ValueError as error:
        crash = Crash(error, Blob(b"x"))

    came = through(Terminated(Ref("a"), 1, crash))

    assert isinstance(came, Terminated)
    reason: ExitReason = came.reason
    assert isinstance(reason, Crash)
    assert reason.message == Blob(b"x")
    assert isinstance(reason.error, RemoteError)
    assert reason.error.kind == "builtins.ValueError"
    assert "invalid literal" in str(reason.error)
    assert "test_codec.py" in reason.error.trace


class Unspeakable(Exception):
    """An error that cannot say what it is."""

    def __str__(self) -> str:
        raise KeyError


@pytest.mark.parametrize("error", [Unspeakable(), ValueError("\ud800"), ValueError("x" * 10**6), OSError(2, "no")])
def test_any_error_can_be_sent(error: BaseException) -> None:
    """Even one that cannot be shown, or goes on for ever."""
    came = through(Anything(error)).value  # type: ignore[attr-defined]

    assert isinstance(came, RemoteError)
    assert len(came.text) <= 20_000


def unsendable() -> list[Any]:
    """What cannot leave a process."""
    return [
        lambda: None,
        object(),
        Unspeakable().__str__,
        enum.Enum("Local", "A"),  # type: ignore[misc]
        "\ud800",
        [[object()]],
    ]


@pytest.mark.parametrize("value", unsendable(), ids=lambda value: type(value).__name__)
def test_what_cannot_be_sent_is_said_with_its_field(value: Any) -> None:
    """A TypeError in one line, that names the message, the field, and what to do."""
    with pytest.raises(Unsendable, match=r"^Anything\.value cannot be sent: ") as caught:
        Codec().encode(TARGET, SENDER, Anything(value))

    assert isinstance(caught.value, TypeError)
    assert "\n" not in str(caught.value)


def nested(depth: int) -> list[Any]:
    """A list of a list of a list."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def test_what_is_nested_too_deeply_cannot_be_sent() -> None:
    """It is an error of the sender, not the end of a stack."""
    with pytest.raises(Unsendable):
        Codec().encode(TARGET, SENDER, Anything(nested(100_000)))


def test_a_function_in_a_function_is_told_where_it_should_be() -> None:
    """What to do about it."""

    def inside() -> None:
        """Nobody elsewhere finds this."""

    function: Callable[[], None] = inside
    with pytest.raises(Unsendable, match="define it at the top level of a module"):
        Codec().encode(TARGET, SENDER, Anything(function))
