"""Links over a network that fails: everything arrives once and in order, and only the living are believed."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actorstream.actors import Message
from actorstream.actors.wire import Peer, session
from actorstream.actors.wire.link import BUNDLED_BYTES_MAX
from actorstream.actors.wire.pieces import PIECE_BYTES
from actorstream.errors import MailboxFull, Unsendable
from actorstream.host import Weather
from actorstream.host.delivery import Delivery
from actorstream.host.network import FRAME_BYTES_MAX
from tests.actors.wire.nodes import HEARTBEAT_US, Node, Note, Sky, connection_of, meet
from tests.host.networks import Recorder


class Secretive(Message):
    """Cannot be read any more from some moment on."""

    number: int
    is_closed: ClassVar[list[bool]] = []

    def __post_init__(self) -> None:
        if self.is_closed:
            raise LookupError("closed")


STORMS = {
    "loss": Weather(loss=0.1),
    "duplication": Weather(duplication=0.2),
    "reorder": Weather(reorder=0.2),
    "reset": Weather(reset=0.02),
    "delay": Weather(delay_us=(1_000, 200_000)),
    "all": Weather(delay_us=(50, 50_000), loss=0.03, duplication=0.05, reorder=0.05, reset=0.01),
}


@pytest.mark.parametrize("storm", STORMS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_everything_arrives_once_and_in_order_whatever_befalls_frames(storm: str, seed: int) -> None:
    """Both ways at once, while it storms and after."""
    sky = Sky(seed, STORMS[storm])
    one, two = sky.pair()
    for start in range(0, 200, 20):
        for node, other in ((one, 2), (two, 1)):
            for number in range(start, start + 20):  # Some alone, some in bundles.
                node.send(other, Note(number, bytes(number % 2 * BUNDLED_BYTES_MAX)))
        sky.run_seconds(0.3)
    assert storm == "all" or sky.fabric.happened[storm] > 0

    sky.fabric.weather = Weather()
    sky.run_seconds(6)

    assert one.numbers == list(range(200))
    assert two.numbers == list(range(200))
    assert one.facts(2)["unacked_frames"] == two.facts(1)["unacked_frames"] == 0


STEPS = st.sampled_from(["send", "cut", "heal", "pause", "resume", "wait"])


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.lists(STEPS, max_size=30))
def test_everything_arrives_after_any_row_of_cuts_and_pauses(seed: int, steps: list[str]) -> None:
    """Once they are over."""
    sky = Sky(seed, Weather(loss=0.01, reset=0.01))
    one, two = sky.pair()
    count = 0
    for step in steps:
        if step == "send":
            for node, other in ((one, 2), (two, 1)):
                for number in range(count, count + 10):
                    node.send(other, Note(number))
            count += 10
        elif step == "cut":
            sky.fabric.cut(["node-1"], ["node-2"], both_ways=bool(seed % 2))
        elif step == "heal":
            sky.fabric.heal()
        elif step in ("pause", "resume"):
            getattr(sky.fabric, step)("node-1")
        sky.run_seconds(0.4)

    sky.fabric.heal()
    sky.fabric.resume("node-1")
    sky.fabric.weather = Weather()
    sky.run_seconds(20)

    assert one.numbers == two.numbers == list(range(count))


def test_what_is_sent_before_there_is_a_connection_waits() -> None:
    """And arrives with the first one."""
    sky = Sky()
    one, two = sky.node(1), sky.node(2)
    one.links.add(Peer(2, "node-2", "unix:2"))
    one.send_many(2, 3)
    sky.run_seconds(1)
    assert two.numbers == []

    two.links.add(Peer(1, "node-1", "unix:1"))
    sky.run_seconds(1)

    assert two.numbers == [0, 1, 2]


def test_a_node_that_is_removed_is_neither_heard_nor_told_anything_more() -> None:
    """It is told that it was declared dead, when it calls again."""
    sky = Sky()
    one, two = sky.pair()
    sky.run_seconds(1)

    one.links.remove(2)
    two.send(1, Note(1))
    sky.run_seconds(3)

    assert one.parcels == []
    assert two.fenced_by
    assert set(two.fenced_by) == {1}
    with pytest.raises(LookupError):
        one.send(2, Note(1))


def test_a_link_that_is_removed_during_the_handshake_never_opens() -> None:
    """At whatever moment that is."""
    for moment_us in range(0, 4_000, 100):
        sky = Sky(weather=Weather(delay_us=(500, 500)))
        one, two = sky.pair()
        one.send(2, Note(1))
        two.send(1, Note(2))
        sky.run_for(moment_us)

        before = len(two.parcels)
        two.links.remove(1)
        sky.run_seconds(2)

        assert len(two.parcels) == before
        assert not one.facts(2)["connected"]


def test_a_refused_caller_is_logged_once(logged: list[Any]) -> None:
    """Though it calls again and again."""
    sky = Sky()
    one, two = sky.node(1), sky.node(2)
    two.links.add(Peer(1, "node-1", "unix:1"))

    sky.run_seconds(10)

    assert [entry["reason"] for entry in logged if entry["event"] == "connection refused"] == ["node 2 is unknown here"]
    assert one.links.observe() == {}
    assert not two.fenced_by


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"secret": b"other"}, "it does not know the secret of this cluster"),
        ({"cluster": "d"}, "it is of cluster 'd', and this node of 'c'"),
    ],
)
def test_a_stranger_gets_no_connection(options: dict[str, Any], reason: str, logged: list[Any]) -> None:
    """What is wrong is logged, once, at each end that can tell."""
    sky = Sky()
    one, two = sky.pair(**options)
    one.send(2, Note(1))
    two.send(1, Note(2))

    sky.run_seconds(5)

    assert one.parcels == two.parcels == []
    assert two.fenced_by == []
    assert [entry["reason"] for entry in logged].count(reason) == 1


def test_silence_is_reported_until_it_ends() -> None:
    """With how long it has been."""
    sky = Sky()
    one, two = sky.pair()
    sky.run_seconds(2.2)
    assert one.silences == two.silences == []

    sky.fabric.cut(["node-1"], ["node-2"])
    sky.run_seconds(4)
    sky.fabric.heal()
    sky.run_seconds(1)
    reported = list(two.silences)
    sky.run_seconds(4)

    assert {peer for peer, _ in one.silences} == {2}
    assert {peer for peer, _ in two.silences} == {1}
    assert max(silent_us for _, silent_us in two.silences) == pytest.approx(4_000_000, abs=HEARTBEAT_US)
    assert two.silences == reported


def test_nobody_is_blamed_for_what_a_node_did_not_hear_while_it_was_held_up() -> None:
    """Its own clock shows that it was late."""
    sky = Sky()
    one, two = sky.pair()
    sky.run_seconds(2)

    sky.now_us += 8_000_000  # Nobody's events happened meanwhile: as if the machine had slept.
    sky.run_seconds(4)

    assert one.silences == two.silences == []


def test_a_connection_through_which_nothing_comes_is_replaced() -> None:
    """The other end may have closed it, and nobody was told."""
    sky = Sky()
    one, two = sky.pair()
    sky.run_seconds(1)

    mute(one, two)
    two.send_many(1, 3)
    sky.run_seconds(4)

    assert one.numbers == [0, 1, 2]
    assert two.facts(1)["connections"] == 2


def mute(*nodes: Node) -> None:
    """Let nothing come through the connections that these nodes have."""
    for node in nodes:
        connection_of(node)._delivery = Delivery(Recorder(), "nobody")  # type: ignore[attr-defined]


def test_a_message_that_cannot_be_sent_leaves_nothing_behind() -> None:
    """Neither one that cannot be written nor one that is too large; what comes after it arrives."""
    sky = Sky()
    one, two = sky.pair()

    with pytest.raises(Unsendable, match=r"Note\.number cannot be sent"):
        one.send(2, Note(object()))  # type: ignore[arg-type]
    with pytest.raises(Unsendable, match=r"Note has \d+ bytes, and a message \d+ at most; send it in pieces"):
        one.send(2, Note(1, bytes(FRAME_BYTES_MAX)))
    one.send(2, Note(2))
    sky.run_seconds(1)

    assert two.numbers == [2]


def test_too_much_that_waits_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is forgotten; the sender learns of it."""
    monkeypatch.setattr(session, "UNACKED_FRAMES_MAX", 100)
    sky = Sky()
    one = sky.node(1)
    one.links.add(Peer(2, "node-2", "unix:2"))
    for number in range(100):
        one.send(2, Note(number, bytes(BUNDLED_BYTES_MAX)))

    with pytest.raises(MailboxFull, match="wait for their acknowledgement"):
        one.send(2, Note(1))

    two = sky.node(2)
    two.links.add(Peer(1, "node-1", "unix:1"))
    sky.run_seconds(1)
    assert two.numbers == list(range(100))


def test_a_message_that_cannot_be_read_is_reported_and_the_rest_arrives(
    logged: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It costs nobody else anything, not even the connection."""
    sky = Sky()
    one, two = sky.pair()
    sky.run_seconds(1)

    monkeypatch.setattr(Secretive, "is_closed", [])
    for message in (Note(1), Secretive(13), Note(2)):
        two.send(1, message)
    Secretive.is_closed.append(True)
    sky.run_seconds(3)

    assert one.numbers == [1, 2]
    assert [entry["node"] for entry in logged if entry["event"] == "message lost"] == [2]
    assert one.facts(2)["unreadable"] == 1
    assert one.facts(2)["connections"] == 1


def test_large_messages_go_in_pieces_between_which_others_pass() -> None:
    """And are whole again at the other end, even if connections break between pieces."""
    sky = Sky(3, Weather(reset=0.02))
    one, two = sky.pair()
    data = bytes(range(256)) * (PIECE_BYTES // 256) * 3

    for number in range(3):
        one.send(2, Note(number, data[number:]))
        one.send(2, Note(100 + number))
    sky.run_seconds(10)

    assert two.numbers == [0, 100, 1, 101, 2, 102]
    assert [parcel.message.data for _, parcel in two.parcels[::2]] == [data, data[1:], data[2:]]  # type: ignore[attr-defined]


def test_only_the_higher_number_calls() -> None:
    """So that two nodes never have two connections for long."""
    sky = Sky()
    one, two = sky.pair()
    sky.run_seconds(3)

    assert one.facts(2)["connections"] == two.facts(1)["connections"] == 1
    assert 0 < two.facts(1)["rtt_us"] <= 2_000


def test_nodes_without_a_secret_are_not_open_to_others() -> None:
    """Neither where they listen nor whom they call."""
    sky = Sky()
    open_node = sky.node(3, secret=b"")

    with pytest.raises(ValueError, match=r"tcp:0\.0\.0\.0:0 need a secret"):
        open_node.links.listen("tcp:0.0.0.0:0")
    with pytest.raises(ValueError, match="need a secret"):
        open_node.links.add(Peer(1, "node-1", "tcp:10.0.0.1:5000"))
    with pytest.raises(ValueError, match="has no address"):
        open_node.links.add(Peer(1, "node-1", ""))


def test_closed_links_leave_nothing_that_happens_later() -> None:
    """No timer, no call, no connection."""
    sky = Sky()
    one, two = sky.pair()
    sky.run_seconds(1)

    one.links.close()
    two.links.close()
    sky.settle()

    assert one.links.observe() == two.links.observe() == {}


def test_many_nodes_talk_to_each_other() -> None:
    """Each over a link of its own."""
    sky = Sky()
    nodes = [sky.node(number) for number in range(4)]
    for one in nodes:
        for two in nodes[one.number + 1 :]:
            meet(one, two)

    for node in nodes:
        for other in nodes:
            if other is not node:
                node.send(other.number, Note(node.number))
    sky.run_seconds(1)

    for node in nodes:
        assert sorted(node.numbers) == [number for number in range(4) if number != node.number]
        assert all(peer == parcel.message.number for peer, parcel in node.parcels)  # type: ignore[attr-defined]
