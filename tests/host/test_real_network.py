"""The machine's network where it meets the world: hostile bytes, sockets' files, certificates, peers that go silent."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actorstream.host import RealNetwork, Tls
from actorstream.host.delivery import Delivery
from actorstream.host.frame_reader import AHEAD_BYTES_MAX, READ_BYTES_MAX, READ_BYTES_MIN, FrameReader
from actorstream.host.frame_writer import FrameWriter
from actorstream.host.logs import silence
from tests.host.networks import RealWorld, Recorder, frames, pair, unix_world

CERTIFICATES = Path(__file__).parent / "tls"


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="net-") as made:
        yield Path(made)


@pytest.fixture
def world(directory: Path) -> Iterator[RealWorld]:
    made = unix_world(directory)
    yield made
    made.close()


def stranger(world: RealWorld, receiver: Recorder) -> socket.socket:
    """A bare socket whose other end is `receiver`."""
    listener = world.network("there").listen(world.address(), lambda: receiver)
    bare = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    bare.connect(listener.address.removeprefix("unix:"))
    world.until(lambda: receiver.is_open)
    return bare


def wire(frame: bytes) -> bytes:
    return struct.pack(">I", len(frame)) + frame


sizes = st.one_of(st.integers(1, 40), st.sampled_from([8_188, 8_189, 16_380, 16_381, 70_000, 131_072, 300_000]))


@given(
    st.lists(sizes, max_size=12),
    st.lists(st.one_of(st.integers(1, 9), st.integers(1, 300_000)), min_size=1, max_size=20),
)
@settings(max_examples=40, deadline=None)
def test_any_frames_in_any_pieces_come_out_as_they_went_in(lengths: list[int], cuts: list[int]) -> None:
    """However the bytes are cut on their way, and whatever the writer joins or slices."""
    sent = [bytes([index % 251]) * length for index, length in enumerate(lengths)]
    writer = FrameWriter()
    for frame in sent:
        writer.add([frame[: len(frame) // 3], frame[len(frame) // 3 :]])
    stream = b""
    while writer.waiting_bytes:
        stream += writer.take()
    there = Recorder()
    reader = FrameReader(Delivery(there, "test"))

    feed(reader, stream, [*cuts, 60_000])  # One large piece now and then, or it takes for ever.

    assert stream == b"".join(map(wire, sent))
    assert there.frames == sent
    assert not reader.is_within_a_frame


@given(st.binary(max_size=3000), st.lists(st.integers(1, 100), min_size=1, max_size=20), st.integers(1, 2000))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_frames_or_refused(stream: bytes, cuts: list[int], frame_bytes_max: int) -> None:
    """Nothing raises, no frame is longer than what is taken, and what comes out is what a simple reading says."""
    there = Recorder(frame_bytes_max)
    reader = FrameReader(Delivery(there, "test"))
    expected, rest, is_refused = [], stream, False
    while len(rest) >= 4 and not is_refused:
        (length,) = struct.unpack_from(">I", rest)
        is_refused = not 0 < length <= frame_bytes_max
        if is_refused or len(rest) < 4 + length:
            break
        expected.append(rest[4 : 4 + length])
        rest = rest[4 + length :]

    feed(reader, stream, cuts)

    assert there.frames == expected
    assert bool(reader.ended) == is_refused


def test_what_is_made_ready_for_a_frame_is_bounded() -> None:
    """A promise of 80 MB costs a fixed amount, and then twice what came."""
    there = Recorder()
    reader = FrameReader(Delivery(there, "test"))

    feed(reader, struct.pack(">I", 80 << 20), [4])
    first = len(reader.space())
    feed(reader, bytes(AHEAD_BYTES_MAX), [1 << 20])
    second = len(reader.space())

    assert first == AHEAD_BYTES_MAX
    assert second == AHEAD_BYTES_MAX


def test_a_stranger_costs_what_it_may_send() -> None:
    """Before anybody knows who it is, the receiver takes little, and little is made ready."""
    reader = FrameReader(Delivery(Recorder(1000), "test"))

    feed(reader, struct.pack(">I", 80 << 20), [4])

    assert reader.ended == f"a frame of {80 << 20} bytes came; between 1 and 1000 are taken"
    assert len(reader.space()) <= READ_BYTES_MIN


def test_a_busy_connection_reads_more_at_once() -> None:
    """The space for small frames grows up to its bound, and no further."""
    reader = FrameReader(Delivery(Recorder(), "test"))

    feed(reader, wire(bytes(100)) * 30_000, [1 << 20])

    assert len(reader.space()) <= READ_BYTES_MAX
    assert len(reader.space()) > READ_BYTES_MIN


@pytest.mark.parametrize("length", [0, 1001, 0xFFFFFFFF])
def test_a_hostile_length_closes_the_connection(world: RealWorld, length: int) -> None:
    """With the reason, and the stranger sees the end."""
    there = Recorder(1000)
    bare = stranger(world, there)

    bare.sendall(wire(b"good") + struct.pack(">I", length))
    world.until(lambda: there.why)
    world.settle()

    assert there.frames == [b"good"]
    assert there.why == f"a frame of {length} bytes came; between 1 and 1000 are taken"
    assert bare.recv(1) == b""
    bare.close()


@given(st.binary(min_size=1, max_size=200), st.integers(1, 50))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_strangers_bytes_harm_nobody_else(stream: bytes, piece: int) -> None:
    """Another connection of the same listener works before, meanwhile and after."""
    with tempfile.TemporaryDirectory(prefix="net-") as made:
        world = unix_world(Path(made))
        victim, good, here = Recorder(100), Recorder(), Recorder()
        receivers = iter([victim, good])
        listener = world.network("there").listen(world.address(), lambda: next(receivers))
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as bare:
            bare.connect(listener.address.removeprefix("unix:"))
            world.until(lambda: victim.is_open)
            world.network("here").connect(listener.address, here)
            world.until(lambda: good.is_open and here.is_open)
            try:
                for start in range(0, len(stream), piece):
                    bare.sendall(stream[start : start + piece])
            except OSError:
                pass
            here.connection.send([b"fine"])
            world.until(lambda: good.frames)
        world.until(lambda: victim.why)
        world.close()

        assert good.frames == [b"fine"]
        assert victim.calls.count("close") == 1
        assert victim.calls[-1] == "close"


def test_an_end_in_the_middle_of_a_frame_is_said(world: RealWorld) -> None:
    """What came of the frame is not delivered."""
    there = Recorder()
    bare = stranger(world, there)

    bare.sendall(wire(b"whole") + wire(b"half of it")[:7])
    bare.close()
    world.until(lambda: there.why)

    assert there.frames == [b"whole"]
    assert there.why == "the other end closed in the middle of a frame"


def test_an_end_that_nobody_reads_closes_all_the_same(world: RealWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was sent is given up after a while."""
    monkeypatch.setattr("actorstream.host.socket_connection.CLOSE_SECONDS", 0.05)
    there = Recorder()
    bare = stranger(world, there)

    there.connection.send([bytes(40 << 20)])
    there.connection.close("enough")
    world.until(lambda: there.why)

    assert there.why == "enough"
    bare.close()


def test_many_small_frames_leave_in_few_writes() -> None:
    """What was sent in one turn is joined; a large part is not copied."""
    writer = FrameWriter()
    large = bytes(1 << 20)

    for _ in range(1000):
        writer.add([b"head", b"body"])
    writer.add([large])
    pieces = []
    while writer.waiting_bytes:
        pieces.append(writer.take())

    assert len(pieces) == 3
    assert [piece.obj is large for piece in pieces if isinstance(piece, memoryview)] == [True, True]


def test_connections_beyond_the_bound_are_closed(world: RealWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until others have ended."""
    monkeypatch.setattr("actorstream.host.real_network.CONNECTIONS_MAX", 1)
    listener, there, here = pair(world, Recorder(), Recorder())
    surplus, later = Recorder(), Recorder()

    with silence():
        world.network("here").connect(listener.address, surplus)
        world.until(lambda: surplus.why)
    here.connection.close()
    world.until(lambda: there.why)
    world.network("here").connect(listener.address, later)
    world.until(lambda: later.is_open)
    world.settle()

    assert later.why == ""


# Addresses and files.


def test_a_sockets_file_is_its_owners_alone(world: RealWorld, directory: Path) -> None:
    """Nobody else may connect; on closing, it is gone."""
    listener = world.network("there").listen(world.address(), Recorder)
    mode = stat.S_IMODE((directory / "s").stat().st_mode)

    listener.close()

    assert mode == 0o600
    assert list(directory.iterdir()) == []


def test_what_a_dead_process_left_is_replaced(world: RealWorld, directory: Path) -> None:
    """A socket's file at which nobody listens is in nobody's way."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(directory / "s"))

    _, there, here = pair(world, Recorder(), Recorder())

    assert there.is_open
    assert here.is_open


def test_a_file_that_is_no_socket_is_left_alone(world: RealWorld, directory: Path) -> None:
    """It is never removed, whatever the address says."""
    (directory / "s").write_text("mine")

    with pytest.raises(OSError, match="there is a file that is no socket"):
        world.network("there").listen(world.address(), Recorder)

    assert (directory / "s").read_text() == "mine"


def test_a_file_that_another_put_there_is_not_removed(world: RealWorld, directory: Path) -> None:
    """A listener removes its own file only."""
    listener = world.network("there").listen(world.address(), Recorder)
    os.unlink(directory / "s")
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(directory / "s"))

    listener.close()

    assert (directory / "s").exists()


@pytest.mark.parametrize("address", ["", "tcp:", "tcp:host", "tcp:host:x", "tcp:host:70000", "unix:", "udp:host:1"])
def test_what_is_no_address_is_refused(world: RealWorld, address: str) -> None:
    """At once by who listens, through `on_close` by who connects; both say what to write."""
    here = Recorder()

    with pytest.raises(OSError, match="write unix:"):
        world.network("there").listen(address, Recorder)
    world.network("here").connect(address, here)
    world.until(lambda: here.why)

    assert "write unix:" in here.why


def test_a_path_too_long_for_a_socket_says_so(world: RealWorld, directory: Path) -> None:
    """Instead of the system's own words."""
    with pytest.raises(OSError, match="choose a shorter one"):
        world.network("there").listen(f"unix:{directory}/{'x' * 100}", Recorder)


# Certificates.


def tls(name: str, check_host: bool = True) -> Tls:
    return Tls(
        str(CERTIFICATES / f"{name}.pem"),
        str(CERTIFICATES / f"{name}.key"),
        str(CERTIFICATES / "authority.pem"),
        check_host,
    )


def both(listening: Tls | None, connecting: Tls | None, count: int) -> tuple[Recorder, Recorder]:
    """Connect over TCP, and send frames there if that works; what both ends were told."""
    world = RealWorld("tcp:127.0.0.1:0", listening)
    there, here = Recorder(), Recorder(script=lambda r, what: what == "open" and send(r))  # type: ignore[arg-type]

    def send(receiver: Recorder) -> None:
        for frame in frames(count, 200_000):
            receiver.connection.send([frame])

    with silence():
        listener = world.network("there").listen(world.address(), lambda: there)
        caller = RealWorld("", connecting)
        caller.loop.close()
        caller.loop = world.loop
        caller.network("here").connect(listener.address, here)
        world.until(lambda: len(there.frames) == count or here.why)
        if here.is_open:
            here.connection.close()
        world.until(lambda: here.why)
        world.settle()
        listener.close()
        world.close()
    return there, here


def test_frames_cross_between_nodes_that_prove_who_they_are() -> None:
    """Certificates of the same authority, at both ends; large frames and their order survive."""
    there, here = both(tls("node"), tls("node"), 30)

    assert there.frames == frames(30, 200_000)
    assert here.why == "closed"


@pytest.mark.parametrize(
    ("listening", "connecting"),
    [
        (tls("node"), tls("stranger")),
        (tls("stranger"), tls("node")),
        (tls("elsewhere"), tls("node")),
        (tls("node"), None),
        (None, tls("node")),
    ],
    ids=["strange caller", "strange listener", "another host's name", "plain caller", "plain listener"],
)
def test_who_cannot_prove_it_gets_no_frame_across(
    listening: Tls | None, connecting: Tls | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither end delivers anything, and the caller is told."""
    monkeypatch.setattr("actorstream.host.real_network.CONNECT_SECONDS", 0.3)

    there, here = both(listening, connecting, 1)

    assert there.frames == []
    assert here.why != ""


def test_another_hosts_certificate_will_do_if_hosts_are_not_checked() -> None:
    """The authority alone decides then."""
    there, _ = both(tls("elsewhere"), tls("node", check_host=False), 1)

    assert len(there.frames) == 1


def test_a_missing_certificate_is_told_at_once() -> None:
    """Before anything listens."""
    with pytest.raises(OSError, match="No such file"):
        RealNetwork(tls("nobody"))


def test_a_loop_that_ends_tells_who_waits_for_a_connection() -> None:
    """Nobody waits for ever."""
    here = Recorder()

    async def main() -> None:
        RealNetwork().connect("tcp:127.0.0.1:1", here)

    asyncio.run(main())

    assert here.calls == ["close"]
    assert here.why == "cannot connect to tcp:127.0.0.1:1: the loop has ended"


def feed(reader: FrameReader, stream: bytes, cuts: list[int]) -> None:
    """Give bytes to a reader as a socket does, cut after so many, again and again."""
    turn = 0
    while stream and not reader.ended:
        space = reader.space()
        count = min(len(space), len(stream), cuts[turn % len(cuts)])
        space[:count] = stream[:count]
        reader.took(count)
        stream = stream[count:]
        turn += 1
