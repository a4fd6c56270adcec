"""What every network does: the same tests for Unix sockets, TCP, and the simulation."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from actorstream.host import Connection
from actorstream.host.logs import silence
from tests.host.networks import MemoryWorld, RealWorld, Recorder, World, frames, pair, unix_world


@pytest.fixture(params=["unix", "tcp", "memory"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="net-") as directory:  # Shorter than tmp_path, for Unix sockets.
        made = {
            "unix": lambda: unix_world(Path(directory)),
            "tcp": lambda: RealWorld("tcp:127.0.0.1:0"),
            "memory": MemoryWorld,
        }[request.param]()
        yield made
        made.close()


def test_both_ends_are_opened_once_and_before_all_else(world: World) -> None:
    """Whoever listens and whoever connects each hear of the connection, and can send at once."""
    there = Recorder(script=_at_open(b"from there"))
    here = Recorder(script=_at_open(b"from here"))

    pair(world, there, here)
    world.until(lambda: there.frames and here.frames)

    assert (there.calls, there.frames) == (["open", "frame"], [b"from here"])
    assert (here.calls, here.frames) == (["open", "frame"], [b"from there"])


@pytest.mark.parametrize(("count", "size"), [(5000, 4), (300, 1000), (20, 100_000), (3, 3_000_000), (1, 20_000_000)])
def test_frames_arrive_whole_and_in_order(world: World, count: int, size: int) -> None:
    """Small ones by the thousand, and some of many megabytes."""
    sent = frames(count, size)
    _, there, here = pair(world, Recorder(), Recorder())

    for frame in sent:
        here.connection.send([frame])
    world.until(lambda: len(there.frames) == count)

    assert there.frames == sent
    assert here.connection.backlog_bytes == 0


def test_frames_of_many_lengths_keep_their_order(world: World) -> None:
    """Around the bounds at which frames are joined, sliced, shared or received by themselves."""
    lengths = [1, 70_000, 3, 131_071, 131_072, 131_073, 2, 262_144, 600_000, 9_000_000, 5, 16_380, 16_381, 8_192, 1]
    sent = [bytes([index]) * length for index, length in enumerate(lengths)]
    _, there, here = pair(world, Recorder(), Recorder())

    for frame in sent:
        here.connection.send([frame])
    world.until(lambda: len(there.frames) == len(sent))

    assert there.frames == sent


def test_the_parts_of_a_frame_are_joined(world: World) -> None:
    """Bytes, byte arrays and views, also views of numbers, and empty parts."""
    numbers = memoryview(b"\1\0\0\0\2\0\0\0").cast("I")
    _, there, here = pair(world, Recorder(), Recorder())

    here.connection.send([b"ab", b"", bytearray(b"cd"), memoryview(b"xefx")[1:3], numbers])
    here.connection.send([memoryview(bytes(800_000)).cast("I"), b"end"])
    world.until(lambda: len(there.frames) == 2)

    assert there.frames == [b"abcdef\1\0\0\0\2\0\0\0", bytes(800_000) + b"end"]


def test_a_frame_is_the_receivers_own(world: World) -> None:
    """What was kept of a frame is the same after many more have come."""
    sent = frames(300, 2000)
    _, there, here = pair(world, Recorder(), Recorder())

    for frame in sent:
        here.connection.send([frame])
        world.settle() if len(there.frames) % 50 == 0 else None
    world.until(lambda: len(there.frames) == 300)

    assert [bytes(view) for view in there.views] == sent


@pytest.mark.parametrize("length", [0, 81 << 20])
def test_a_frame_that_nobody_would_take_is_not_sent(world: World, length: int) -> None:
    """An empty one, or one above the bound: the mistake is the sender's."""
    _, _, here = pair(world, Recorder(), Recorder())

    with pytest.raises(ValueError, match="a frame has 1 to"):
        here.connection.send([bytes(length)])


@pytest.mark.parametrize("length", [101, 1000, 500_000])
def test_a_frame_that_the_receiver_does_not_take_ends_the_connection(world: World, length: int) -> None:
    """It is told why, what came before is there, and the other end hears of the end."""
    _, there, here = pair(world, Recorder(frame_bytes_max=100), Recorder())

    here.connection.send([bytes(100)])
    here.connection.send([bytes(length)])
    here.connection.send([b"too late"])
    world.until(lambda: there.why and here.why)

    assert there.frames == [bytes(100)]
    assert there.why == f"a frame of {length} bytes came; between 1 and 100 are taken"


def test_a_receiver_may_take_longer_frames_from_now_on(world: World) -> None:
    """It says so while it takes a short one; the next, which came with it, is taken."""

    def trust(receiver: Recorder, what: str) -> None:
        receiver.frame_bytes_max = 1000 if what == "frame" else receiver.frame_bytes_max

    _, there, here = pair(world, Recorder(10, trust), Recorder())

    here.connection.send([b"hello"])
    here.connection.send([bytes(1000)])
    world.until(lambda: len(there.frames) == 2)

    assert there.why == ""


def test_close_lets_leave_what_was_sent(world: World) -> None:
    """The other end gets all of it, then hears of the end; each end hears once, and last."""
    sent = frames(50, 200_000)
    _, there, here = pair(world, Recorder(), Recorder())

    for frame in sent:
        here.connection.send([frame])
    here.connection.close("enough")
    world.until(lambda: there.why and here.why)
    world.settle()

    assert there.frames == sent
    assert (here.why, there.why) == ("enough", "the other end closed")
    assert here.calls == ["open", "close"]
    assert there.calls == ["open", *["frame"] * 50, "close"]


def test_nothing_is_sent_or_taken_after_close(world: World) -> None:
    """What is sent on an ended connection vanishes; closing it again is nothing."""
    _, there, here = pair(world, Recorder(), Recorder())

    here.connection.close("first")
    here.connection.send([b"late"])
    here.connection.close("second")
    there.connection.send([b"nobody takes this"])
    world.until(lambda: there.why and here.why)
    here.connection.send([b"later"])
    world.settle()

    assert (here.why, here.frames, there.frames) == ("first", [], [])


def test_a_receiver_that_closes_gets_nothing_more(world: World) -> None:
    """Although further frames came along with the one that it closed at."""

    def close(receiver: Recorder, what: str) -> None:
        if what == "frame":
            receiver.connection.close("one is enough")

    _, there, here = pair(world, Recorder(script=close), Recorder())

    for _ in range(10):
        here.connection.send([b"frame"])
    world.until(lambda: there.why)

    assert there.calls == ["open", "frame", "close"]
    assert there.why == "one is enough"


@pytest.mark.parametrize("at", ["open", "frame", "close"])
def test_a_receiver_that_raises_loses_its_connection_alone(world: World, at: str) -> None:
    """Another connection of the same listener goes on."""

    def fail(_: Recorder, what: str) -> None:
        if what == at:
            raise RuntimeError("a bug")

    bad, good, here, other = Recorder(script=fail), Recorder(), Recorder(), Recorder()
    receivers = iter([bad, good])
    with silence():
        listener = world.network("there").listen(world.address(), lambda: next(receivers))
        world.network("here").connect(listener.address, here)
        world.until(lambda: here.is_open and bad.is_open)
        world.network("here").connect(listener.address, other)
        world.until(lambda: other.is_open and good.is_open)

        here.connection.send([b"frame"])
        if at == "close":
            here.connection.close()
        world.until(lambda: here.why and bad.calls[-1] == "close")
        other.connection.send([b"goes on"])
        world.until(lambda: good.frames)

    assert bad.why == ("the other end closed" if at == "close" else "the receiver raised")
    assert good.frames == [b"goes on"]


def test_an_accept_that_raises_costs_one_connection(world: World) -> None:
    """Who connected is told; the next one is taken."""
    there, here, other = Recorder(), Recorder(), Recorder()
    calls: list[int] = []

    def accept() -> Recorder:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("a bug")
        return there

    with silence():
        listener = world.network("there").listen(world.address(), accept)
        world.network("here").connect(listener.address, here)
        world.until(lambda: here.why)
        world.network("here").connect(listener.address, other)
        world.until(lambda: other.is_open and there.is_open)

    assert other.why == ""


def test_who_connects_to_nobody_is_told(world: World) -> None:
    """`on_close` alone is called, and says where."""
    here, gone = Recorder(), Recorder()
    listener = world.network("there").listen(world.address(), Recorder)
    listener.close()

    world.network("here").connect(listener.address, here)
    world.network("here").connect("tcp:127.0.0.1:1", gone)
    world.until(lambda: here.why and gone.why)

    assert (here.calls, gone.calls) == (["close"], ["close"])
    assert here.why.startswith(f"cannot connect to {listener.address}: ")


def test_a_closed_listener_keeps_its_connections(world: World) -> None:
    """It only takes no more; closing it twice is nothing."""
    listener, there, here = pair(world, Recorder(), Recorder())

    listener.close()
    listener.close()
    here.connection.send([b"still here"])
    world.until(lambda: there.frames)

    assert there.frames == [b"still here"]


def test_an_address_belongs_to_one(world: World) -> None:
    """A second listener is refused, until the first is closed."""
    first = world.network("there").listen(world.address(), Recorder)

    with pytest.raises(OSError, match="cannot listen at"):
        world.network("other").listen(first.address, Recorder)
    first.close()

    assert world.network("other").listen(first.address, Recorder).address == first.address


def test_the_backlog_counts_what_nobody_takes(world: World) -> None:
    """It grows with what is sent, and whoever sends can wait until it shrinks."""
    _, there, here = pair(world, Recorder(), Recorder())

    for _ in range(4):
        here.connection.send([bytes(5_000_000)])
    before = here.connection.backlog_bytes
    world.until(lambda: len(there.frames) == 4)

    assert before >= 20_000_000
    assert here.connection.backlog_bytes == 0


def _at_open(frame: bytes):  # type: ignore[no-untyped-def]
    def send(receiver: Recorder, what: str) -> None:
        if what == "open":
            connection: Connection = receiver.connection
            connection.send([frame])

    return send
