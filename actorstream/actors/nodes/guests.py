"""The guests of a node: actors that live here, and whose parents live on other nodes.

A path may still be taken when a guest should start there: by one of another parent, or by a child of a parent that has
lived here. The news that their parents are dead may come later than the new parent's wish. Then the start waits until
they are gone.

Guarantees: no guest outlives the node of its parent; two parents never have a guest at the same path at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from actorstream.actors.cell import Cell
from actorstream.actors.message import FAILURES, Crash, Killed, Message, Shutdown
from actorstream.actors.nodes import messages as m
from actorstream.actors.nodes.guest import Guest
from actorstream.actors.nodes.loading import load_module
from actorstream.actors.specification import ChildSpec
from actorstream.actors.tree import describe
from actorstream.actors.wire import Values

if TYPE_CHECKING:
    from actorstream.actors.nodes.cluster import Cluster


class Guests:
    """See the module."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._guests: dict[str, Guest] = {}
        self._next: dict[str, tuple[int, m.StartGuest]] = {}  # What waits until somebody else at its path is gone.

    def handlers(self) -> Mapping[type[Message], Callable[[int, Any], None]]:
        """Who handles what comes from other nodes."""
        return {
            m.StartGuest: self._on_start,
            m.StopGuest: self._on_stop,
            m.SuspendGuest: self._on_suspend,
            m.ForgetGuest: self._on_forget,
            m.DescribeGuests: self._on_describe,
        }

    def on_node_lost(self, number: int) -> None:
        """The parents there are dead, and so must their children be."""
        self._next = {path: waiting for path, waiting in self._next.items() if waiting[0] != number}
        for guest in list(self._guests.values()):
            if guest.node == number:
                self._evict(guest)

    def _on_start(self, number: int, start: m.StartGuest) -> None:
        guest = self._guests.get(start.path)
        if guest is not None and (guest.node, guest.ref) != (number, start.parent):
            self._next[start.path] = (number, start)
            self._evict(guest)
            return
        if guest is None and start.path in self._cluster.kernel.cells:
            self._next[start.path] = (number, start)
            return
        try:
            guest = guest or self._welcome(number, start)
        except FAILURES as error:
            self._cluster.tell(number, m.GuestEnded(start.path, start.life, 0, Crash(error)))
            return
        guest.life = start.life
        cell = guest.cell
        cell.start()
        if cell.is_alive:
            self._cluster.tell(number, m.GuestStarted(start.path, start.life, cell.incarnation))

    def _welcome(self, number: int, start: m.StartGuest) -> Guest:
        load_module(start.module, start.file)
        spec = Values().decode(start.spec, start.frames)
        if not isinstance(spec, ChildSpec):
            raise TypeError(f"what should start at {start.path} is no child's specification")
        guest = Guest(number, start.parent, self._cluster.tell, self._bury)
        guest.cell = Cell(self._cluster.kernel, guest, spec, start.path)
        self._guests[start.path] = guest
        self._cluster.kernel.cells[start.path] = guest.cell
        self._cluster.seeker.on_arrived(start.path)
        return guest

    def _on_stop(self, number: int, stop: m.StopGuest) -> None:
        guest = self._guests.get(stop.path)
        if guest is not None and (guest.node, guest.life) == (number, stop.life):
            guest.cell.tell_to_stop()
            return
        waiting = self._next.get(stop.path)
        if waiting is not None and (waiting[0], waiting[1].life) == (number, stop.life):
            del self._next[stop.path]  # It had not begun.
        # Or it was killed, to make room for another: then nobody else says that it has ended.
        self._cluster.tell(number, m.GuestEnded(stop.path, stop.life, 0, Shutdown()))

    def _on_suspend(self, number: int, suspend: m.SuspendGuest) -> None:
        guest = self._guests.get(suspend.path)
        if guest is not None and (guest.node, guest.life) == (number, suspend.life) and guest.cell.has_ended:
            guest.cell.suspend()

    def _on_forget(self, number: int, forget: m.ForgetGuest) -> None:
        waiting = self._next.get(forget.path)
        if waiting is not None and waiting[0] == number:
            del self._next[forget.path]
        guest = self._guests.get(forget.path)
        if guest is None or guest.node != number:
            return
        if guest.cell.has_ended:
            self._bury(guest)
        else:
            self._evict(guest)

    def _evict(self, guest: Guest) -> None:
        """End it, whatever it does."""
        if guest.orphaned:
            return
        guest.orphaned = True
        if guest.cell.has_ended:
            self._bury(guest)
        else:
            guest.cell.tell_to_stop()

    def make_room(self, path: str) -> None:
        """A new actor lives at `path`: a guest whose parent is gone, and that has not ended yet, is killed."""
        guest = self._guests.pop(path, None)
        if guest is not None:
            waiting = self._next.pop(path, None)
            has_ended, incarnation = guest.cell.has_ended, guest.cell.incarnation
            guest.cell.kill()
            if not has_ended:
                guest.tell_end(incarnation, Killed())
            if waiting is not None:
                self._next[path] = waiting

    def _bury(self, guest: Guest) -> None:
        """It has ended, and does not come back."""
        del self._guests[guest.cell.path]
        self._cluster.kernel.remove(guest.cell)

    def on_gone(self, path: str) -> None:
        """Nobody lives at `path` any more: whoever waits for it begins."""
        waiting = self._next.pop(path, None)
        if waiting is not None:
            self._on_start(*waiting)

    def _on_describe(self, number: int, question: m.DescribeGuests) -> None:
        trees = {path: describe(guest.cell, self._cluster.me.name) for path, guest in self._guests.items()}
        self._cluster.tell(number, m.GuestsDescribed(question.question, trees))
