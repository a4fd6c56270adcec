"""Frames that no node should send, and messages that nobody takes: they hurt nobody but themselves."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actorstream.actors import Ref
from actorstream.actors.wire import BadFrame, Parcel
from actorstream.actors.wire.link import BUNDLE, PREFIX
from actorstream.actors.wire.pieces import PIECE_BYTES, Assembly, cut
from actorstream.host.network import FRAME_BYTES_MAX
from tests.actors.wire.nodes import HERE, Note, Sky, connection_of, meet


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=60), min_size=1, max_size=8))
def test_whatever_a_known_node_says_costs_no_more_than_its_connection(frames: list[bytes]) -> None:
    """Random frames in the place of a link's."""
    sky = Sky()
    one, two = sky.pair()
    sky.run_seconds(1)
    connection = connection_of(two)

    for frame in frames:
        connection.send([frame or b"x"])
    two.send_many(1, 5)
    sky.run_seconds(8)

    assert one.numbers == list(range(5))


NUMBERS = st.integers(0, 3) | st.integers(0, 2**64 - 1)
FRAMES = st.tuples(st.integers(0, 7), NUMBERS, NUMBERS, st.binary(max_size=40))


@settings(max_examples=60)
@given(st.lists(FRAMES, min_size=1, max_size=6))
def test_whatever_follows_the_beginning_of_a_frame_hurts_nobody(frames: list[tuple[int, int, int, bytes]]) -> None:
    """Every kind of frame, with numbers that are right or wrong and contents that nobody writes."""
    sky = Sky()
    one, two = sky.pair()
    three = sky.node(3)
    meet(one, three)
    sky.run_seconds(1)
    connection = connection_of(two)

    for kind, number, ack, content in frames:
        connection.send([PREFIX.pack(kind, number, ack), content])
    three.send_many(1, 5)
    sky.run_seconds(4)

    assert one.numbers == list(range(5))
    assert one.facts(3)["connections"] == 1


@pytest.mark.parametrize("content", [b"\x00", b"\x00\x00\x00\x05abc"])
def test_a_bundle_that_is_cut_short_ends_its_connection(content: bytes, logged: list[Any]) -> None:
    """A node that writes such a thing has lost its way."""
    sky = Sky()
    one, two = sky.pair()
    sky.run_seconds(1)

    connection_of(two).send([PREFIX.pack(BUNDLE, 1, 0), content])
    sky.run_seconds(2)

    assert one.facts(2)["connections"] > 1
    assert any(entry["event"] == "connection closed" and "bundle" in entry["reason"] for entry in logged)


def test_a_message_that_its_taker_chokes_on_takes_no_others_with_it(logged: list[Any]) -> None:
    """Not even those that came in the same frame, for others; the failure is logged."""
    sky = Sky()
    one, two = sky.pair()
    taken = one.links.on_parcel

    def choke(number: int, parcel: Parcel) -> None:
        if Note(1) in parcel.messages:
            raise RuntimeError("choked")
        taken(number, parcel)

    one.links.on_parcel = choke
    sky.run_seconds(1)
    for number in range(4):
        two.links.send(1, Ref(f"there-{number}"), HERE, Note(number))
    sky.run_seconds(2)

    assert one.numbers == [0, 2, 3]
    assert any(entry["event"] == "a receiver raised; its connection ends" for entry in logged)


@given(st.lists(st.integers(0, 3 * PIECE_BYTES), min_size=1, max_size=4))
@settings(max_examples=20)
def test_pieces_make_the_same_again(sizes: list[int]) -> None:
    """None is longer than it may be, and none is empty but the only one."""
    parts = [bytes([index]) * size for index, size in enumerate(sizes)]
    pieces = [(b"".join(piece), size) for piece, size in cut(parts)]
    assembly = Assembly()
    for piece, _ in pieces[:-1]:
        assembly.add(memoryview(piece))

    assert assembly.finish(memoryview(pieces[-1][0])) == b"".join(parts)
    assert all(len(piece) == size <= PIECE_BYTES for piece, size in pieces)
    assert all(size for _, size in pieces) or len(pieces) == 1


def test_pieces_of_more_than_anybody_sends_are_a_bad_frame() -> None:
    """Nobody can make a node keep pieces without end."""
    piece = memoryview(bytes(FRAME_BYTES_MAX // 4))
    assembly = Assembly()
    for _ in range(4):
        assembly.add(piece)

    with pytest.raises(BadFrame, match="a parcel of more than"):
        assembly.add(piece)
