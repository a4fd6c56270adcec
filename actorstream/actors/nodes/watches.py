"""Ends of actors, told from node to node.

A node asks once for each path that somebody here watches, or has asked something; it is told of every end, and tells
whoever wants to know. If the other node is lost, all that was watched there ended with it; where it is watched still,
the watch moves to wherever the actor lives next.

Guarantees: the end of an incarnation is passed on once, behind all that this incarnation had sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from actorstream.actors.message import ExitReason, Message
from actorstream.actors.nodes import messages as m
from actorstream.actors.ref import Ref

if TYPE_CHECKING:
    from actorstream.actors.cell import Cell
    from actorstream.actors.nodes.cluster import Cluster


@dataclass(slots=True)
class Watch:
    """What we know of an actor that we watch elsewhere.

    Attributes:
        node: where it lives; None until that node has answered.
        incarnation: the present or the last one, 0 if we know none.
        reason: why that one ended; None while it lives.
        asked: the node that was asked to tell us, and has not answered yet; None while that is sought.
        has_left: its parent has said that it is gone for good; its node is about to.
        wants_next: somebody has begun to watch since then, so the next one at the path is meant.
    """

    node: int | None = None
    incarnation: int = 0
    reason: ExitReason | None = None
    asked: int | None = None
    has_left: bool = False
    wants_next: bool = False

    def is_news(self, incarnation: int) -> bool:
        """Whether those who watch have not been told of the end of this incarnation.

        Where the next one is meant, another incarnation than the last is that one, even if it never came to life.
        """
        return self.reason is None or (self.wants_next and incarnation != self.incarnation)


class Watches:
    """See the module."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._ours: dict[str, Watch] = {}
        self._theirs: dict[str, dict[int, None]] = {}
        self._last_question: dict[str, int] = {}

    def handlers(self) -> Mapping[type[Message], Callable[[int, Any], None]]:
        """Who handles what comes from other nodes."""
        return {
            m.WatchPath: self._on_watch,
            m.Watching: self._on_watching,
            m.LinkActors: self._on_link,
            m.UnlinkActors: lambda _, pair: self._cluster.kernel.links.unlink(pair.path, pair.other),
            m.Ended: self._on_ended,
            m.Gone: self._on_gone,
        }

    # --- what we watch elsewhere -------------------------------------------------------------------------------------

    def watch(self, path: str) -> bool:
        """Watch an actor that does not live here; False if there is none."""
        watch = self._ours.get(path)
        if watch is not None:
            watch.wants_next = watch.has_left
            return True
        self._ours[path] = Watch()
        if self._ask(path):
            return True
        self._ours.pop(path, None)
        return False

    def ended(self, path: str) -> tuple[int, ExitReason] | None:
        """The incarnation that has ended, and why, if the actor at `path` waits for its restart."""
        watch = self._ours.get(path)
        return None if watch is None or watch.reason is None else (watch.incarnation, watch.reason)

    def on_nobody(self, path: str) -> None:
        """There is no such actor, anywhere."""
        self._drop(path, *self._cluster.kernel.deaths.tombstone(path))

    def on_node_lost(self, number: int, reason: Callable[[str], ExitReason]) -> None:
        """A node is dead."""
        for watchers in self._theirs.values():
            watchers.pop(number, None)
        for path, watch in list(self._ours.items()):
            if watch.node == number:
                self._on_lost(path, watch, reason(path))
            elif watch.node is None:
                if watch.asked == number and watch.reason is None:  # Whoever was to be watched lived there.
                    watch.reason = reason(path)
                    self._tell(path, watch.incarnation, watch.reason)
                self._cluster.kernel.asks.on_ended(path, [])
                self._move(path)

    def _on_lost(self, path: str, watch: Watch, reason: ExitReason) -> None:
        watch.node = None
        if watch.reason is None:
            watch.reason = reason
            self._tell(path, watch.incarnation, reason)
        self._cluster.kernel.asks.on_ended(path, [])
        if self._cluster.kernel.deaths.is_watched(path):
            self._move(path)
        else:
            self._ours.pop(path, None)

    def _move(self, path: str) -> None:
        if not self._ask(path):
            self.on_nobody(path)

    def _ask(self, path: str) -> bool:
        asked = self._cluster.seeker.locations.find(path)
        self.on_asked(path, asked)
        return self._cluster.tell_at(path, m.WatchPath(path))

    def on_asked(self, path: str, number: int | None) -> None:
        """This node was asked to tell us of the actor at `path`."""
        if watch := self._ours.get(path):
            watch.asked = number

    def _on_watching(self, number: int, watching: m.Watching) -> None:
        if watching.path in self._ours:
            self._ours[watching.path] = Watch(number, watching.incarnation)

    def _on_ended(self, number: int, ended: m.Ended) -> None:
        watch = self._ours.get(ended.path)
        if watch is None:
            return
        if number != watch.node or ended.incarnation >= watch.incarnation:
            watch.node, watch.incarnation, watch.reason = number, ended.incarnation, ended.reason
        # Else the news waited behind what that incarnation had sent, and the next one has begun since.
        self._tell(ended.path, ended.incarnation, ended.reason)
        self._cluster.kernel.asks.on_ended(ended.path, ended.asks, ended.last_question)

    def _on_gone(self, number: int, gone: m.Gone) -> None:
        if self._cluster.seeker.locations.find(gone.path) == number:
            self._cluster.seeker.locations.forget(
                gone.path
            )  # Its parent may be dead, so that nobody else would say it.
        watch = self._ours.get(gone.path)
        if watch is None or not watch.wants_next:
            self._drop(gone.path, gone.incarnation, gone.reason)
            return
        if watch.is_news(gone.incarnation):
            self._tell(gone.path, gone.incarnation, gone.reason)
        self._ours[gone.path] = Watch(None, gone.incarnation, gone.reason, wants_next=True)
        self._move(gone.path)

    def on_left(self, path: str) -> None:
        """Who lived there is gone for good: whoever watches from now on watches the next one."""
        if watch := self._ours.get(path):
            watch.has_left = True

    def _drop(self, path: str, incarnation: int, reason: ExitReason) -> None:
        watch = self._ours.pop(path, None)
        kernel = self._cluster.kernel
        if watch is not None and watch.is_news(incarnation):
            self._tell(path, incarnation, reason)
        if path not in kernel.cells:  # Or else another one has begun here, whom others may watch.
            kernel.deaths.forget(path)
        kernel.asks.on_ended(path, [])

    def _tell(self, path: str, incarnation: int, reason: ExitReason) -> None:
        self._cluster.kernel.deaths.tell_all(path, incarnation, reason)
        self._cluster.kernel.links.on_end(path, reason)

    # --- what others watch here --------------------------------------------------------------------------------------

    def on_question(self, path: str, sender: Ref) -> None:
        """A question from outside came for `path`."""
        self._last_question[path] = int(sender.path[1:] or 0)

    def on_started(self, cell: Cell) -> None:
        """An incarnation of ours has begun."""
        for number in self._theirs.get(cell.path, ()):
            self._cluster.tell(number, m.Watching(cell.path, cell.incarnation))

    def on_ended(self, cell: Cell) -> None:
        """An incarnation of ours has ended."""
        if self._theirs.get(cell.path):
            asks = [sender.path for _, sender in cell.mail if sender.path[:1] == "?"]
            last = self._last_question.get(cell.path, 0)
            self._tell_all(cell, m.Ended(cell.path, cell.incarnation, cell.reason, asks, last))

    def on_gone(self, cell: Cell) -> None:
        """An actor of ours is gone for good."""
        self._last_question.pop(cell.path, None)
        if self._theirs.get(cell.path):
            self._tell_all(cell, m.Gone(cell.path, cell.incarnation, cell.reason))
        self._theirs.pop(cell.path, None)

    def _tell_all(self, cell: Cell, message: Message) -> None:
        for number in self._theirs.get(cell.path, ()):
            self._tell_behind_mail(number, cell.path, message)

    def _tell_behind_mail(self, number: int, path: str, message: Message) -> None:
        """So that nothing of the actor at `path` comes after the news of its end."""
        self._cluster.seeker.after_mail_of(path, partial(self._cluster.tell, number, message))

    def _on_link(self, _: int, pair: m.LinkActors) -> None:
        cell = self._cluster.kernel.cells.get(pair.path)
        if cell is not None and cell.is_alive and self.watch(pair.other):
            self._cluster.kernel.links.note(pair.path, pair.other)

    def _on_watch(self, number: int, watch: m.WatchPath) -> None:
        path = watch.path
        cell = self._cluster.kernel.cells.get(path)
        if cell is not None and number == self._cluster.number:
            self._ours.pop(path, None)  # It has come to live here, and who watches it here is told without us.
            return
        if cell is None:
            incarnation, reason = self._cluster.kernel.deaths.tombstone(path)
            self._tell_behind_mail(number, path, m.Gone(path, incarnation, reason))
            return
        self._theirs.setdefault(path, {})[number] = None
        if cell.has_ended:
            last = self._last_question.get(path, 0)
            self._tell_behind_mail(number, path, m.Ended(path, cell.incarnation, cell.reason, [], last))
        else:
            self._cluster.tell(number, m.Watching(path, cell.incarnation))
