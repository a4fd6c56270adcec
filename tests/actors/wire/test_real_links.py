"""Links over the machine's sockets."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from actorstream.actors import Message
from actorstream.actors.wire import Peer
from actorstream.actors.wire.pieces import PIECE_BYTES
from actorstream.host import Host, MemoryDisk, SystemClock, system_entropy
from tests.actors.wire.nodes import Node, Note
from tests.host.networks import RealWorld, unix_world


class Table(Message):
    """A data frame."""

    frame: Any


@pytest.fixture
def world() -> Iterator[RealWorld]:
    with tempfile.TemporaryDirectory() as directory:
        world = unix_world(Path(directory))
        yield world
        world.close()


def node(world: RealWorld, number: int, secret: bytes = b"s") -> Node:
    """A node on this world's loop."""

    def after(delay_us: int, call: Callable[[], None]) -> asyncio.TimerHandle:
        return world.loop.call_later(delay_us / 1e6, call)

    host = Host(SystemClock(), system_entropy(), MemoryDisk())
    return Node(number, world.network(str(number)), after, host, secret=secret)


def test_messages_small_and_large_cross_a_unix_socket(world: RealWorld) -> None:
    """Both ways, in order; large ones in pieces."""
    one, two = node(world, 1, b""), node(world, 2, b"")
    address = one.links.listen(world.address())
    one.links.add(Peer(2, "node-2", ""))
    two.links.add(Peer(1, "node-1", address))
    frame = pl.DataFrame({"a": range(50_000), "b": [f"key-{index % 100}" for index in range(50_000)]})

    for sender, to in ((one, 2), (two, 1)):
        sender.send_many(to, 100)
        sender.send(to, Table(frame))
        sender.send(to, Note(100, bytes(3 * PIECE_BYTES)))
    world.until(lambda: len(one.parcels) == len(two.parcels) == 102)

    for receiver in (one, two):
        assert receiver.numbers == list(range(101))
        table = receiver.parcels[100][1].message
        assert isinstance(table, Table)
        assert_frame_equal(table.frame, frame)
    assert one.facts(2)["connected"]
    one.links.close()
    two.links.close()
