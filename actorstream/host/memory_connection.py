"""One end of a simulated connection, and the process that it belongs to.

Frames cross as bytes, joined, as between processes; so codecs are exercised, and nobody shares memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from actorstream.host.delivery import Delivery, frame_length
from actorstream.host.memory_path import MemoryPath, Sky
from actorstream.host.network import Part, Receiver


class Endpoint:
    """One life of a simulated process, as the network sees it.

    Attributes:
        is_alive: false once it has crashed; it takes part in nothing any more.
        is_dark: its host lost its power: not even a refusal comes from there, until the host is back.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_alive = True
        self.is_dark = False
        self.connections: dict[int, MemoryConnection] = {}
        self._count = 0
        self._is_paused = False
        self._held: deque[Callable[[], None]] = deque()

    def run(self, event: Callable[[], None]) -> None:
        """Something reached the process: it happens now, or when it wakes, or never."""
        if self._is_paused:
            self._held.append(event)
        elif self.is_alive:
            event()

    def pause(self) -> None:
        """Let what reaches it wait."""
        self._is_paused = True

    def resume(self) -> None:
        """Let what waits happen, in its order."""
        self._is_paused = False
        while self._held and not self._is_paused:
            self.run(self._held.popleft())

    def crash(self, is_dark: bool) -> list[MemoryConnection]:
        """End this life; the connections that it had, the oldest first."""
        self.is_alive, self.is_dark = False, is_dark
        self._held.clear()
        return list(self.connections.values())

    def add(self, connection: MemoryConnection) -> int:
        """A connection of this process; its number, for `connections`."""
        self._count += 1
        self.connections[self._count] = connection
        return self._count


class MemoryConnection:
    """One end; see `Connection`. `meet` gives it its other end, before anything else."""

    def __init__(self, sky: Sky, endpoint: Endpoint, path: MemoryPath, receiver: Receiver, peer: str) -> None:
        self.peer = peer
        self._sky, self._endpoint, self._path = sky, endpoint, path
        self._delivery = Delivery(receiver, peer)
        self._other = self
        self._under_way_bytes = 0
        self._is_open = False
        self._is_closed = False  # Here: nothing leaves and nothing is delivered.
        self._is_broken = False  # In between: nothing arrives at either end.
        self._has_finished = False
        self._number = endpoint.add(self)

    def meet(self, other: MemoryConnection) -> None:
        """Say who is at the other end."""
        self._other = other

    @property
    def backlog_bytes(self) -> int:
        return self._under_way_bytes

    def send(self, parts: Sequence[Part]) -> None:
        if self._is_closed or not self._endpoint.is_alive:
            return
        self._under_way_bytes += frame_length(parts)
        if self._is_broken:
            return
        if self._path.breaks():
            self._reset()
            return
        frame = _Frame(self, b"".join(parts))
        self._path.carry_frame(lambda: self._other.on_arrival(frame), frame.take)

    def close(self, why: str = "closed") -> None:
        if self._is_closed or not self._endpoint.is_alive:
            return
        self._is_closed = True
        self._sky.after(0, lambda: self._endpoint.run(lambda: self._finish(why)))
        if not self._is_broken:
            self._path.carry(lambda: self._other.on_end("the other end closed"))

    @property
    def has_ended(self) -> bool:
        """Whether nothing leaves and nothing is delivered any more."""
        return self._is_closed

    def on_open(self) -> None:
        """The connection is there, as this end sees it."""
        self._is_open = True
        why = self._delivery.open(self)
        if why:
            self.close(why)

    def on_arrival(self, frame: _Frame) -> None:
        """A frame reached this end's host."""
        if self._is_broken or self._endpoint.is_dark:
            return
        if self._is_closed or not self._endpoint.is_alive:
            self._path.carry(lambda: self._other.on_end("reset by the other end"))
            return
        self._endpoint.run(lambda: self._take(frame))

    def on_taken(self, length: int) -> None:
        """A frame that this end sent is under way no more."""
        self._under_way_bytes -= length

    def on_end(self, why: str) -> None:
        """The connection has ended, as the other end or the network says."""
        self._endpoint.run(lambda: self._finish(why))

    def on_crash(self) -> None:
        """The process of this end has crashed, and its host says so to the other."""
        if not self._is_broken:
            self._path.carry(lambda: self._other.on_end("reset by the other end"))

    def _reset(self) -> None:
        """Break it: each end learns of it after a way of its own, and nothing arrives meanwhile."""
        for end in (self, self._other):
            end._is_broken = True
            self._sky.after(end._path.delay_us(), partial(end.on_end, "the connection was reset"))

    def _take(self, frame: _Frame) -> None:
        frame.take()
        if self._is_closed or not self._is_open:  # Not open: the answer was lost, and this came all the same.
            return
        why = self._delivery.refusal(len(frame.data)) or self._delivery.frame(memoryview(frame.data))
        if why:
            self.close(why)

    def _finish(self, why: str) -> None:
        if self._has_finished:
            return
        self._is_closed = self._has_finished = True
        self._endpoint.connections.pop(self._number)
        self._delivery.close(why)


class _Frame:
    """A frame on its way, of which copies may arrive."""

    __slots__ = ("_is_taken", "_sender", "data")

    def __init__(self, sender: MemoryConnection, data: bytes) -> None:
        self.data = data
        self._sender = sender
        self._is_taken = False

    def take(self) -> None:
        """Tell the sender that it is under way no more; once."""
        if not self._is_taken:
            self._is_taken = True
            self._sender.on_taken(len(self.data))
