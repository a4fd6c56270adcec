"""Nodes that are nothing but their links, in virtual time, and what they hear."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from actorstream.actors import Message, Ref
from actorstream.actors.wire import Links, Parcel, Peer
from actorstream.host import Connection, Entropy, Host, MemoryDisk, Network, VirtualClock, Weather
from tests.host.networks import MemoryWorld

HEARTBEAT_US = 500_000
HERE, THERE = Ref("here"), Ref("there")


class Note(Message):
    """What nodes send in tests."""

    number: int
    data: bytes = b""


class OnceTimer:
    """A timer of a world that has none."""

    def __init__(self) -> None:
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Came(NamedTuple):
    """A message that came."""

    target: Ref
    sender: Ref
    message: Message


def each(parcel: Parcel) -> list[Came]:
    """Its messages, each by itself."""
    return [Came(parcel.target, parcel.sender, message) for message in parcel.messages]


class Node:
    """A node's links, and what came of them."""

    def __init__(
        self,
        number: int,
        network: Network,
        after: Callable[[int, Callable[[], None]], Any],
        host: Host,
        *,
        cluster: str = "c",
        secret: bytes = b"s",
    ) -> None:
        self.number = number
        self.parcels: list[tuple[int, Came]] = []
        self.silences: list[tuple[int, int]] = []
        self.fenced_by: list[int] = []
        self.links = Links(
            me=Peer(number, f"node-{number}", ""),
            cluster=cluster,
            secret=secret,
            host=host,
            network=network,
            after=after,
            on_parcel=lambda peer, parcel: self.parcels.extend((peer, came) for came in each(parcel)),
            on_silence=lambda peer, silent_us: self.silences.append((peer, silent_us)),
            on_fenced=self.fenced_by.append,
            heartbeat_us=HEARTBEAT_US,
        )

    def send(self, to: int, message: Message) -> None:
        self.links.send(to, THERE, HERE, message)

    def send_many(self, to: int, count: int) -> None:
        """Notes with the numbers from 0 on."""
        for number in range(count):
            self.send(to, Note(number))

    @property
    def numbers(self) -> list[int]:
        """Of the notes that came."""
        return [parcel.message.number for _, parcel in self.parcels if isinstance(parcel.message, Note)]

    def facts(self, of: int) -> dict[str, Any]:
        return self.links.observe()[of]


class Sky(MemoryWorld):
    """A simulated network, and the nodes on it."""

    def __init__(self, seed: int = 1, weather: Weather | None = None) -> None:
        super().__init__(seed, weather)
        self.entropy = Entropy(seed)

    def timer(self, delay_us: int, call: Callable[[], None]) -> OnceTimer:
        timer = OnceTimer()
        self.after(delay_us, lambda: None if timer.is_cancelled else call())
        return timer

    def node(self, number: int, **options: Any) -> Node:
        """A node that takes connections at `unix:<number>`."""
        name = f"node-{number}"
        host = Host(_Now(self), self.entropy.stream(name), MemoryDisk())
        made = Node(number, self.network(name), self.timer, host, **options)
        made.links.listen(f"unix:{number}")
        return made

    def pair(self, **options: Any) -> tuple[Node, Node]:
        """Two nodes that know each other: 1, and 2, which calls it."""
        one, two = self.node(1), self.node(2, **options)
        meet(one, two)
        return one, two

    def run_seconds(self, seconds: float) -> None:
        end_us = self.now_us + int(seconds * 1e6)
        self.run_for(end_us - self.now_us)
        self.now_us = end_us


def meet(one: Node, two: Node) -> None:
    """Let two nodes know each other."""
    one.links.add(Peer(two.number, f"node-{two.number}", f"unix:{two.number}"))
    two.links.add(Peer(one.number, f"node-{one.number}", f"unix:{one.number}"))


def connection_of(node: Node) -> Connection:
    """What a node's one link sends through, for a test that says what no node would."""
    (link,) = node.links._links.values()
    connection = link._connection
    assert connection is not None
    return connection


class _Now(VirtualClock):
    """The world's time."""

    def __init__(self, world: MemoryWorld) -> None:
        super().__init__()
        self._world = world

    def monotonic_us(self) -> int:
        return self._world.now_us
