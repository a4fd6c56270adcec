"""Bytes that nobody should have sent: a bad frame, nothing else, and nothing happens because of them."""

from __future__ import annotations

import sys
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actorstream.actors import Message, Ref
from actorstream.actors.message import Crash, Terminated
from actorstream.actors.wire import BadFrame, Codec, Parcel, Values
from actorstream.errors import BadInput
from actorstream.model.tagged import FIRST_FREE


class Plain(Message):
    number: int
    text: str


class Open(Message):
    value: Any


class Strict(Message):
    """Refuses to be made, in a way of its own."""

    value: Any

    def __post_init__(self) -> None:
        if self.value == 13:
            raise LookupError("no thirteen")


class Even(Message):
    """As `Strict`, and of a type that leaves nothing open."""

    value: int

    def __post_init__(self) -> None:
        if self.value == 13:
            raise LookupError("no thirteen")


def frame_of(message: Message) -> bytes:
    """A good frame."""
    return b"".join(Codec().encode(Ref("a/b", 1), Ref("c"), message))


GOOD = [
    frame_of(Plain(1, "x")),
    frame_of(Open([1, (2,), {3}, len, Plain(4, "y"), ValueError("z"), bytearray(b"q")])),
    frame_of(Open(pl.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None]}))),
    frame_of(Terminated(Ref("x"), 2, Crash(ValueError("x"), Plain(1, "z")))),
    frame_of(Strict(12)),
]


def read(frame: bytes) -> Parcel | None:
    """The parcel; None if the frame is bad. Anything else is raised."""
    try:
        return Codec().decode(memoryview(frame))
    except BadFrame:
        return None


@given(st.binary(max_size=200))
def test_random_bytes_are_no_parcel(frame: bytes) -> None:
    """No class has a name like that."""
    assert read(frame) is None


@settings(max_examples=300)
@given(good=st.sampled_from(GOOD), place=st.integers(0, 10**6), change=st.integers(1, 255))
def test_a_frame_with_one_byte_changed_is_bad_or_another_parcel(good: bytes, place: int, change: int) -> None:
    """Never another error."""
    place %= len(good)

    read(good[:place] + bytes([good[place] ^ change]) + good[place + 1 :])


@given(good=st.sampled_from(GOOD), size=st.integers(0, 10**6))
def test_a_frame_cut_short_is_bad(good: bytes, size: int) -> None:
    """However much is missing."""
    assert read(good[: size % len(good)]) is None


@given(good=st.sampled_from(GOOD), more=st.binary(min_size=1, max_size=20))
def test_a_frame_that_is_too_long_is_bad(good: bytes, more: bytes) -> None:
    """Nothing is hidden behind a message."""
    assert read(good + more) is None


WORDS = st.integers(-(2**63), 2**64 - 1)
NAMES = st.sampled_from(
    ["os:system", "sys:exit", "builtins:eval", "time:struct_time", f"{__name__}:Plain", f"{__name__}:", ":", "x"]
)


@settings(max_examples=200)
@given(st.recursive(st.binary(max_size=20) | WORDS | st.text(max_size=5), st.lists, max_leaves=5), st.data())
def test_what_is_no_value_is_a_bad_frame_or_another_value(content: Any, data: st.DataObject) -> None:
    """Every code of a value, with content that nobody writes."""
    code = data.draw(st.integers(-1, 80))
    content = data.draw(st.just(content) | st.tuples(NAMES, st.just(content)).map(list))
    written = msgspec.msgpack.encode(msgspec.msgpack.Ext(code, msgspec.msgpack.encode(content)))
    frame = Codec().encode(Ref("a"), Ref("b"), Open(0))
    head = bytes(frame[0])[:-4]
    fields = msgspec.msgpack.encode({"value": msgspec.Raw(written)})
    body = msgspec.msgpack.encode(["a", 0, "b", 0, [], msgspec.Raw(fields)])

    read(head + len(body).to_bytes(4, "big") + body)


def test_a_class_that_raises_spoils_its_own_frame_only() -> None:
    """Whatever it raises."""
    good = frame_of(Strict(12))

    assert read(good.replace(b"\x0c", b"\x0d")) is None


def test_a_message_that_cannot_be_read_takes_none_of_its_run_with_it() -> None:
    """The others are there, in order, and why it is not."""
    run = Codec().run(Ref("a"), Ref("b"), Even(12))
    assert run is not None
    assert run.add(Even(14))
    assert run.add(Even(16))

    parcel = read(run.parcel().replace(b"\x0e", b"\x0d"))

    assert parcel is not None
    assert parcel.messages == [Even(12), Even(16)]
    assert ["no thirteen" in str(error) for error in parcel.unreadable] == [True]


def test_a_message_that_is_not_loaded_here_is_named() -> None:
    """So that somebody sees what to import."""
    frame = frame_of(Plain(1, "x")).replace(b"Plain", b"Plaid")

    with pytest.raises(BadFrame, match=r"class '.*:Plaid' came, which this process has not loaded"):
        Codec().decode(memoryview(frame))


def test_a_class_of_another_module_is_not_taken_for_it() -> None:
    """Even if it has the same name, and the only one of that name."""
    name = f"{__name__}:Plain".encode()

    assert read(frame_of(Plain(1, "x")).replace(name, name.replace(b"tests", b"texts"))) is None


def test_no_name_makes_this_process_import_or_run_anything() -> None:
    """Not even a module that loads others when it is asked for something."""
    values = Values()
    module = type(sys)("asked")
    module.__getattr__ = lambda name: asked.append(name)  # type: ignore[method-assign]
    asked: list[str] = []
    sys.modules["asked"] = module
    try:
        for name in ("asked:function", "antigravity:fly", "concurrent.futures:ProcessPoolExecutor", "os:path.join.x"):
            with pytest.raises(BadInput, match="this process has nothing called"):
                values.decode(_by_name(name), [])
    finally:
        del sys.modules["asked"]

    assert asked == []
    assert "antigravity" not in sys.modules


def _by_name(name: str) -> bytes:
    """How a function of that name is written."""
    return msgspec.msgpack.encode(msgspec.msgpack.Ext(FIRST_FREE, msgspec.msgpack.encode(name)))


@given(st.binary(max_size=300))
def test_bytes_that_are_no_data_frame_are_bad_input(data: bytes) -> None:
    """Also where polars would panic."""
    written, _ = Values().encode(pl.DataFrame({"a": [1]}))

    with pytest.raises(BadInput):
        Values().decode(written, [data])
