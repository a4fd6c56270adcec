"""Both networks under one handle: what a test sends, and what came of it."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from actorstream.host import Connection, Entropy, Listener, MemoryFabric, Network, RealNetwork, Tls, Weather

DEADLINE_SECONDS = 10.0


class Recorder:
    """A receiver that remembers what it was told; `script` is called after each thing, with it and its text."""

    def __init__(self, frame_bytes_max: int = 80 << 20, script: Callable[[Recorder, str], None] | None = None) -> None:
        self.frame_bytes_max = frame_bytes_max
        self.calls: list[str] = []
        self.frames: list[bytes] = []
        self.views: list[memoryview] = []
        self.why = ""
        self._connection: Connection | None = None
        self._script = script or (lambda _, __: None)

    @property
    def connection(self) -> Connection:
        assert self._connection is not None
        return self._connection

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    def on_open(self, connection: Connection) -> None:
        self._connection = connection
        self._told("open")

    def on_frame(self, frame: memoryview) -> None:
        self.frames.append(bytes(frame))
        self.views.append(frame)
        self._told("frame")

    def on_close(self, why: str) -> None:
        self.why = why
        self._told("close")

    def _told(self, what: str) -> None:
        self.calls.append(what)
        self._script(self, what)


class World(Protocol):
    """Where a network lives."""

    def network(self, name: str) -> Network: ...

    def address(self) -> str: ...

    def until(self, condition: Callable[[], object]) -> None:
        """Let things happen until the condition holds."""
        ...

    def settle(self) -> None:
        """Let happen what is due."""
        ...


class MemoryWorld:
    """A fabric, and virtual time."""

    def __init__(self, seed: int = 1, weather: Weather | None = None) -> None:
        self.now_us = 0
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self.fabric = MemoryFabric(self.after, Entropy(seed), weather)

    def after(self, delay_us: int, call: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (self.now_us + delay_us, self._count, call))

    def network(self, name: str) -> Network:
        return self.fabric.network(name)

    def address(self) -> str:
        return "tcp:there:0"

    def step(self) -> bool:
        if not self._events:
            return False
        self.now_us, _, call = heapq.heappop(self._events)
        call()
        return True

    def run_for(self, us: int) -> None:
        end_us = self.now_us + us
        while self._events and self._events[0][0] <= end_us:
            self.step()

    def until(self, condition: Callable[[], object]) -> None:
        while not condition():
            assert self.step(), "nothing happens any more"

    def settle(self) -> None:
        while self.step():
            pass

    def close(self) -> None:
        self.settle()


class RealWorld:
    """The machine's sockets, on a loop of our own."""

    def __init__(self, address: str, tls: Tls | None = None) -> None:
        self._address = address
        self._tls = tls
        self.loop = asyncio.new_event_loop()

    def network(self, name: str) -> Network:
        return _OnLoop(self.loop, RealNetwork(self._tls))

    def address(self) -> str:
        return self._address

    def until(self, condition: Callable[[], object]) -> None:
        self.loop.run_until_complete(asyncio.wait_for(_poll(condition), DEADLINE_SECONDS))

    def settle(self) -> None:
        for _ in range(5):
            self.loop.run_until_complete(asyncio.sleep(0.001))

    def close(self) -> None:
        self.settle()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.settle()
        self.loop.close()


def unix_world(directory: Path) -> RealWorld:
    """Unix sockets below this directory, whose path must be short."""
    return RealWorld(f"unix:{directory}/s")


def pair(world: World, there: Recorder, here: Recorder) -> tuple[Listener, Recorder, Recorder]:
    """A connection between two receivers, open on both sides."""
    listener = world.network("there").listen(world.address(), lambda: there)
    world.network("here").connect(listener.address, here)
    world.until(lambda: there.is_open and here.is_open)
    return listener, there, here


def frames(count: int, size: int) -> Sequence[bytes]:
    """Frames that differ."""
    return [index.to_bytes(4, "big") * (size // 4) for index in range(count)]


async def _poll(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.0005)


class _OnLoop:
    """A network whose calls are made on the loop, as it wants."""

    def __init__(self, loop: asyncio.AbstractEventLoop, network: RealNetwork) -> None:
        self._loop, self._network = loop, network

    def listen(self, address: str, accept: Callable[[], object]) -> Listener:
        return self._run(lambda: self._network.listen(address, accept))  # type: ignore[arg-type, return-value]

    def connect(self, address: str, receiver: object) -> None:
        self._run(lambda: self._network.connect(address, receiver))  # type: ignore[arg-type, func-returns-value]

    def _run(self, call: Callable[[], object]) -> object:
        async def run() -> object:
            return call()

        return self._loop.run_until_complete(run())
