"""Networks in memory, for simulations: virtual time, seeded chance, and everything that goes wrong between machines.

A fabric joins simulated processes by name. What crosses it is late, lost, repeated, overtaken or cut off, as its
weather says and as whoever drives it does: `cut` and `heal`, `crash`, `pause` and `resume`. `happened` counts each
fault, so that a run can tell that it has seen them.

Guarantees: the same seed and the same calls give the same deliveries at the same times; what happens between two
processes does not shift the chance of others. Without faults, connections guarantee what `network` says.

Leaves to others: when things happen (`after`), and what a crash does to the process itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from actorstream.host.delivery import Delivery, receiver_of
from actorstream.host.entropy import Entropy
from actorstream.host.memory_connection import Endpoint, MemoryConnection
from actorstream.host.memory_path import MemoryPath
from actorstream.host.network import Listener, Receiver
from actorstream.host.weather import Weather

CONNECT_TIMEOUT_US = 5_000_000
"""How long a connection that nobody answers is waited for."""

FIRST_PORT = 49152
"""The first port that is given to who asks for any."""


class MemoryFabric:
    """See the module.

    Args:
        after: calls something so many microseconds later; what was asked for first, at one time, happens first.
        entropy: where chance comes from; a stream for each pair of processes is made from it.
        weather: what happens to frames; may be replaced at any time.

    Attributes:
        happened: how often each fault did: delay, loss, duplication, reorder, reset, cut (what was lost in one), crash
            and pause.
    """

    def __init__(
        self, after: Callable[[int, Callable[[], None]], object], entropy: Entropy, weather: Weather | None = None
    ) -> None:
        self.weather = weather or Weather()
        self.happened: Counter[str] = Counter()
        self._after, self._entropy = after, entropy
        self._endpoints: dict[str, Endpoint] = {}
        self._listeners: dict[str, MemoryListener] = {}  # By address; closed ones too, which say where that was.
        self._chances: dict[tuple[str, str], Entropy] = {}
        self._cuts: dict[tuple[str, str], None] = {}
        self._port = FIRST_PORT

    def network(self, name: str) -> MemoryNetwork:
        """The network as the process `name` sees it; after a crash, that of its next life."""
        endpoint = self._endpoints.get(name)
        if endpoint is None or not endpoint.is_alive:
            if endpoint is not None:
                endpoint.is_dark = False  # The host is back, and knows nothing of earlier connections.
            endpoint = self._endpoints[name] = Endpoint(name)
        return MemoryNetwork(self, endpoint)

    def cut(self, sources: Sequence[str], targets: Sequence[str], both_ways: bool = True) -> None:
        """Let nothing get from any of `sources` to any of `targets`, nor back if `both_ways`; nobody is told."""
        for source in sources:
            for target in targets:
                self._cuts[source, target] = None
                if both_ways:
                    self._cuts[target, source] = None

    def heal(self) -> None:
        """End all cuts; what was lost stays lost."""
        self._cuts.clear()

    def crash(self, name: str, silent: bool = False) -> None:
        """Kill a process: the other ends of its connections are reset, after a way.

        Args:
            name: which; nothing if it is dead.
            silent: its host lost its power, so that nobody hears anything until `network(name)` is called again.
        """
        endpoint = self._endpoints.get(name)
        if endpoint is not None:
            self.end(endpoint, silent)

    def end(self, endpoint: Endpoint, silent: bool = False) -> None:
        """As `crash`, of a process that was given up with `replace`."""
        if not endpoint.is_alive:
            return
        self.happened["crash"] += 1
        for connection in endpoint.crash(is_dark=silent):
            if not silent:
                connection.on_crash()

    def pause(self, name: str) -> None:
        """Stop a process for a while: what reaches it waits; what it has sent goes on."""
        self.happened["pause"] += 1
        self._endpoints[name].pause()

    def resume(self, name: str) -> None:
        """Wake it: what waited is delivered, in its order."""
        self._endpoints[name].resume()

    def replace(self, name: str) -> Endpoint:
        """A process that is paused is given up: `network(name)` is that of another one from now on.

        Returns:
            The one that was given up. If it is resumed it goes on with its connections, and believes what it believed.
        """
        return self._endpoints.pop(name)

    # What paths and networks need.

    def after(self, delay_us: int, call: Callable[[], None]) -> object:
        """Call it so much later."""
        return self._after(delay_us, call)

    def is_cut(self, source: str, target: str) -> bool:
        """Whether nothing gets from one to the other now."""
        return (source, target) in self._cuts

    def path(self, source: str, target: str) -> MemoryPath:
        """A new way from one process to another."""
        pair = source, target
        if pair not in self._chances:
            self._chances[pair] = self._entropy.stream(f"network {source} > {target}")
        return MemoryPath(self, self._chances[pair], source, target)

    def bind(self, endpoint: Endpoint, address: str, accept: Callable[[], Receiver]) -> MemoryListener:
        """A listener at this address.

        Raises:
            OSError: another one that is open has it.
        """
        if address.startswith("tcp:") and address.endswith(":0"):
            address, self._port = f"{address[:-1]}{self._port}", self._port + 1
        there = self._listeners.get(address)
        if there is not None and there.is_open:
            raise OSError(f"cannot listen at {address}: another process does")
        self._listeners[address] = listener = MemoryListener(endpoint, address, accept)
        return listener

    def find(self, address: str) -> MemoryListener | None:
        """Who listens at this address, or did last."""
        return self._listeners.get(address)


class MemoryNetwork:
    """What one process sees; see `Network`. After the process has crashed, nothing comes of what is asked of it."""

    def __init__(self, fabric: MemoryFabric, endpoint: Endpoint) -> None:
        self._fabric, self._endpoint = fabric, endpoint

    def listen(self, address: str, accept: Callable[[], Receiver]) -> Listener:
        return self._fabric.bind(self._endpoint, address, accept)

    def connect(self, address: str, receiver: Receiver) -> None:
        _Attempt(self._fabric, self._endpoint, address, receiver).start()


class MemoryListener:
    """Where connections come in; see `Listener`."""

    def __init__(self, endpoint: Endpoint, address: str, accept: Callable[[], Receiver]) -> None:
        self.endpoint, self.address, self.accept = endpoint, address, accept
        self._is_closed = False

    @property
    def is_open(self) -> bool:
        """Whether it takes connections."""
        return not self._is_closed and self.endpoint.is_alive

    def close(self) -> None:
        self._is_closed = True


class _Attempt:
    """A connection that is being made: a question there, an answer back, or silence until the time is up."""

    def __init__(self, fabric: MemoryFabric, endpoint: Endpoint, address: str, receiver: Receiver) -> None:
        self._fabric, self._endpoint, self._address, self._receiver = fabric, endpoint, address, receiver
        listener = fabric.find(address)
        self._target = listener.endpoint.name if listener is not None else "nowhere"
        self._way, self._back = fabric.path(endpoint.name, self._target), fabric.path(self._target, endpoint.name)
        self._here: MemoryConnection | None = None
        self._is_settled = False

    def start(self) -> None:
        if self._endpoint.is_alive:
            self._fabric.after(CONNECT_TIMEOUT_US, partial(self._fail, "no answer"))
            self._way.carry(self._on_asked)

    def _on_asked(self) -> None:
        """The question reached the other host."""
        listener = self._fabric.find(self._address)
        if listener is None or not listener.endpoint.is_alive:
            self._refuse(listener)
        else:
            listener.endpoint.run(partial(self._answer, listener))

    def _answer(self, listener: MemoryListener) -> None:
        receiver = receiver_of(listener.accept, self._address) if listener.is_open else None
        if receiver is None:
            self._refuse(listener)
            return
        fabric, asked_by = self._fabric, f"{self._endpoint.name} > {self._address}"
        here = MemoryConnection(fabric, self._endpoint, self._way, self._receiver, self._address)
        there = MemoryConnection(fabric, listener.endpoint, self._back, receiver, asked_by)
        here.meet(there)
        there.meet(here)
        self._here = here
        self._back.carry(partial(self._on_answered, here, there))
        there.on_open()

    def _refuse(self, listener: MemoryListener | None) -> None:
        if listener is None or not listener.endpoint.is_dark:
            self._back.carry(partial(self._fail, "refused"))

    def _on_answered(self, here: MemoryConnection, there: MemoryConnection) -> None:
        """The answer is back: too late, perhaps."""
        if here.has_ended or self._is_settled:
            self._way.carry(partial(there.on_end, "reset by the other end"))
            return
        self._is_settled = True
        self._endpoint.run(here.on_open)

    def _fail(self, why: str) -> None:
        if not self._is_settled:
            self._is_settled = True
            self._endpoint.run(partial(self._give_up, f"cannot connect to {self._address}: {why}"))

    def _give_up(self, why: str) -> None:
        if self._here is not None:
            self._here.on_end(why)
        else:
            Delivery(self._receiver, self._address).close(why)
