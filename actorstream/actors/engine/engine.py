"""What makes, places and buries the processes of nodes, as its user sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from actorstream.actors.engine.notes import HostInfo, LastWords


class Order(Protocol):
    """What a node is told: a msgspec struct; the engine reads its number and passes on the rest."""

    @property
    def number(self) -> int:
        """No other life of any node has it."""
        ...


class Engine(Protocol):
    """See the module. Its methods may be called from any thread; nothing but `close` waits."""

    def start_node(self, order: Order, requirements: Mapping[str, Any] | None = None) -> None:
        """Make a process, on a host that has what is required; without requirements, on this one."""
        ...

    def kill_node(self, number: int) -> None:
        """End a process by force; `on_exited` follows. Nothing happens if it has ended."""
        ...

    def close(self) -> None:
        """Give nodes a while to end by themselves, then end them; returns when nothing is left of the engine."""
        ...


class EngineEvents(Protocol):
    """Whom an engine tells; through its `post`, one after the other."""

    def on_started(self, number: int, pid: int, host: str) -> None:
        """The process is there; whether what runs in it is ready, it says itself."""
        ...

    def on_exited(self, number: int, last_words: LastWords | None) -> None:
        """The process has ended, for certain: it acts no more. Said once for each node that was ordered."""
        ...

    def on_hosts(self, hosts: Sequence[HostInfo]) -> None:
        """The other hosts that are there now."""
        ...

    def on_broken(self, why: str) -> None:
        """The engine has died, and all its nodes with it; no `on_exited` follows for them. `start_node` begins anew.

        Nodes whose end was noticed before that of the engine have been said to have exited, as always.
        """
        ...
