"""A session: everything once and in order, whatever happens to frames and connections."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actorstream.actors.wire.session import ACK_BYTES, ACK_FRAMES, UNACKED_BYTES_MAX, UNACKED_FRAMES_MAX, Session
from actorstream.errors import MailboxFull


class Frame(NamedTuple):
    """What crosses the channel: `kind` is "data", "heartbeat", "retry" or "ack"."""

    kind: str
    number: int
    ack: int
    content: bytes = b""


class Side:
    """One end: a session, and what it was given and has delivered."""

    def __init__(self) -> None:
        self.session = Session()
        self.pushed: list[bytes] = []
        self.delivered: list[bytes] = []
        self.line: list[Frame] = []  # On its way from here.
        self.is_connected = False

    def push(self, content: bytes) -> None:
        self.pushed.append(content)
        number = self.session.push(1, [content], len(content), leaves=self.is_connected)
        if self.is_connected:
            self._send("data", number, content)

    def say(self, kind: str) -> None:
        self._send(kind, self.session.sent)

    def begin(self, received: int, floor: int) -> None:
        self.is_connected = True
        for number, _, (content,) in self.session.begin(received, floor):
            self._send("data", number, bytes(content))

    def take(self, frame: Frame) -> None:
        session = self.session
        if frame.kind == "retry":
            for number, _, (content,) in session.go_back(frame.ack):
                self._send("data", number, bytes(content))
            return
        session.on_ack(frame.ack)
        if frame.kind == "data" and session.accept(frame.number, len(frame.content)):
            self.delivered.append(frame.content)
            if session.owes_ack:
                self.say("ack")
        elif frame.kind != "ack" and session.must_ask(frame.number, again=frame.kind == "heartbeat"):
            self.say("retry")

    def _send(self, kind: str, number: int, content: bytes = b"") -> None:
        self.line.append(Frame(kind, number, self.session.received, content))
        self.session.on_ack_sent()


class Weather(RuleBasedStateMachine):
    """Two sides, and a channel that loses, repeats, reorders and breaks."""

    def __init__(self) -> None:
        super().__init__()
        self.sides = Side(), Side()
        self.count = 0

    @rule(which=st.integers(0, 1), count=st.integers(1, 5))
    def push(self, which: int, count: int) -> None:
        for _ in range(count):
            self.count += 1
            self.sides[which].push(str(self.count).encode())

    @rule(which=st.integers(0, 1), place=st.integers(0, 3))
    def deliver(self, which: int, place: int) -> None:
        line = self.sides[which].line
        if line:
            self.sides[1 - which].take(line.pop(min(place, len(line) - 1)))

    @rule(which=st.integers(0, 1), place=st.integers(0, 3))
    def lose(self, which: int, place: int) -> None:
        line = self.sides[which].line
        if line:
            line.pop(min(place, len(line) - 1))

    @rule(which=st.integers(0, 1), place=st.integers(0, 3))
    def repeat(self, which: int, place: int) -> None:
        line = self.sides[which].line
        if line:
            line.append(line[min(place, len(line) - 1)])

    @precondition(lambda self: self.sides[0].is_connected)
    @rule(which=st.integers(0, 1))
    def heartbeat(self, which: int) -> None:
        self.sides[which].say("heartbeat")

    @rule()
    def cut(self) -> None:
        for side in self.sides:
            side.is_connected = False
            side.line.clear()

    @precondition(lambda self: not self.sides[0].is_connected)
    @rule()
    def connect(self) -> None:
        here, there = self.sides
        received = here.session.received, there.session.received
        here.begin(received[1], here.session.acknowledged)
        there.begin(received[0], there.session.acknowledged)

    @invariant()
    def sound(self) -> None:
        """Invariants hold, and what was delivered is a beginning of what was pushed: in order, each once."""
        for side, other in (self.sides, self.sides[::-1]):
            side.session.check()
            assert side.delivered == other.pushed[: len(side.delivered)]

    def teardown(self) -> None:
        """Once the weather clears, a heartbeat each way is enough for everything to arrive."""
        if not self.sides[0].is_connected:
            self.connect()
        for _ in range(2):
            for which in (0, 1):
                self.heartbeat(which)
            while any(side.line for side in self.sides):
                for which in (0, 1):
                    self.deliver(which, 0)
        for side, other in (self.sides, self.sides[::-1]):
            assert side.delivered == other.pushed
            assert side.session.unacked_frames == 0


TestWeather = Weather.TestCase


def test_no_more_frames_wait_than_the_bound() -> None:
    """A frame too many is refused before anything is queued, until some are acknowledged."""
    session = Session()
    for _ in range(UNACKED_FRAMES_MAX):
        session.push(1, [b"x"], 1, leaves=True)

    with pytest.raises(MailboxFull, match="65536 frames"):
        session.check_room()

    session.on_ack(1)
    session.check_room()


def test_no_more_bytes_wait_than_the_bound() -> None:
    """Bytes are bounded as frames are."""
    session = Session()
    session.push(1, [b""], UNACKED_BYTES_MAX, leaves=True)

    with pytest.raises(MailboxFull, match="bytes wait"):
        session.check_room()

    session.on_ack(1)
    session.check_room()
    assert session.unacked_bytes == 0


def test_an_acknowledgement_of_what_was_never_sent_is_refused() -> None:
    """The other end cannot have frames that have not left."""
    session = Session()
    session.push(1, [b"x"], 1, leaves=False)

    for acknowledge in (session.on_ack, session.go_back, lambda received: session.begin(received, 0)):
        with pytest.raises(ValueError, match="frame 1 is acknowledged, and 0 was the last"):
            acknowledge(1)


def test_whoever_forgot_what_it_had_acknowledged_is_refused() -> None:
    """A node that lost its memory is another life of it, and must not pass for this one."""
    session = Session()
    session.push(1, [b"x"], 1, leaves=True)
    session.on_ack(1)

    with pytest.raises(ValueError, match="it has received 0 frames, and had acknowledged 1"):
        session.begin(0, 1)


@pytest.mark.parametrize(("count", "size"), [(ACK_FRAMES, 1), (1, ACK_BYTES)])
def test_an_acknowledgement_is_owed_after_so_many_frames_or_bytes(count: int, size: int) -> None:
    """And no more once it has gone out."""
    session = Session()
    for number in range(1, count + 1):
        assert not session.owes_ack
        assert session.accept(number, size)

    assert session.owes_ack

    session.on_ack_sent()
    assert not session.owes_ack


def test_a_gap_is_asked_about_once_and_again_after_a_heartbeat() -> None:
    """Everything behind a gap shows the same gap; only a heartbeat tells that the question was lost."""
    session = Session()

    assert session.must_ask(3)
    assert not session.must_ask(4)
    assert session.must_ask(4, again=True)
    assert session.accept(1, 1)
    assert session.must_ask(5)


def test_it_counts_what_leaves_again() -> None:
    """Frames that never left are not sent again."""
    session = Session()
    session.push(1, [b"x"], 1, leaves=True)
    session.push(1, [b"y"], 1, leaves=False)

    assert [number for number, _, _ in session.begin(0, 0)] == [1, 2]
    assert session.resent == 1
