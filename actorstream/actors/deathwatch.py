"""Who is told when an actor ends.

Guarantees: one `Terminated` for each watcher and incarnation, behind all that the ended actor sent to the watcher
before; an answer at once if the actor has ended already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorstream.actors.limits import TOMBSTONES_MAX
from actorstream.actors.message import ExitReason, Killed, Message, Terminated
from actorstream.actors.own import Own
from actorstream.actors.ref import Ref

if TYPE_CHECKING:
    from actorstream.actors.cell import Cell
    from actorstream.actors.kernel import Kernel


class DeathWatch:
    """All watches of one system.

    A watch begins with an incarnation of the watcher and ends with it, or when the watched actor is gone for good.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._watchers: dict[str, dict[str, None]] = {}  # By the path that is watched.
        self._watching: dict[str, dict[str, None]] = {}  # By the path of the watcher.
        self._tombstones: dict[str, tuple[int, ExitReason]] = {}

    def __len__(self) -> int:
        """How many watches there are."""
        return sum(len(paths) for paths in self._watching.values())

    def watch(self, watcher: Cell, ref: Ref) -> None:
        """Tell `watcher` about `ref` from now on."""
        path = ref.path
        if not self._is_anywhere(path):
            _tell(watcher, path, *self.tombstone(path))
            return
        if watcher.path in self._watchers.get(path, ()):
            return
        self._watchers.setdefault(path, {})[watcher.path] = None
        self._watching.setdefault(watcher.path, {})[path] = None
        ended = self._ended(path)
        if ended is not None:
            _tell(watcher, path, *ended)

    def _is_anywhere(self, path: str) -> bool:
        cluster = self._kernel.cluster
        return path in self._kernel.cells or (cluster is not None and cluster.watches.watch(path))

    def _ended(self, path: str) -> tuple[int, ExitReason] | None:
        """The incarnation that has ended, if the actor at `path` waits for its restart."""
        cell = self._kernel.cells.get(path)
        if cell is not None:
            return (cell.incarnation, cell.reason) if cell.has_ended else None
        return self._kernel.cluster.watches.ended(path) if self._kernel.cluster is not None else None

    def tombstone(self, path: str) -> tuple[int, ExitReason]:
        """The last incarnation at `path`, and why it ended; 0 if that is not known."""
        return self._tombstones.get(path, (0, Killed()))

    def is_watched(self, path: str) -> bool:
        """Whether anybody here watches `path`."""
        return path in self._watchers

    def unwatch(self, watcher: Cell, ref: Ref) -> None:
        """No longer tell `watcher` about `ref`, not even what waits in its mailbox."""
        _drop(self._watchers, ref.path, watcher.path)
        _drop(self._watching, watcher.path, ref.path)
        watcher.drop_mail(lambda message: _tells_of(message, ref.path))

    def unwatch_all(self, watcher: Cell) -> None:
        """The watcher's incarnation ends."""
        for path in self._watching.pop(watcher.path, ()):
            _drop(self._watchers, path, watcher.path)

    def on_ended(self, cell: Cell) -> None:
        """An incarnation of `cell` ended."""
        self.tell_all(cell.path, cell.incarnation, cell.reason)

    def tell_all(self, path: str, incarnation: int, reason: ExitReason) -> None:
        """Tell whoever watches `path` here that this incarnation ended."""
        for watcher in self._watchers.get(path, ()):
            _tell(self._kernel.cells[watcher], path, incarnation, reason)

    def on_gone(self, cell: Cell) -> None:
        """`cell` is gone for good."""
        self.forget(cell.path)
        self.remember(cell.path, cell.incarnation, cell.reason)

    def remember(self, path: str, incarnation: int, reason: ExitReason) -> None:
        """The actor at `path` is gone for good: whoever watches it later is told so."""
        self._tombstones.pop(path, None)  # So that it is the newest again.
        self._tombstones[path] = (incarnation, reason)
        if len(self._tombstones) > TOMBSTONES_MAX:
            del self._tombstones[next(iter(self._tombstones))]

    def forget(self, path: str) -> None:
        """The actor at `path` is gone for good: nobody watches it any more."""
        for watcher in self._watchers.pop(path, ()):
            _drop(self._watching, watcher, path)


def _tell(watcher: Cell, path: str, incarnation: int, reason: ExitReason) -> None:
    ref = Ref(path)
    watcher.post(Own(watcher.incarnation, Terminated(ref, incarnation, reason)), ref)


def _tells_of(message: Message, path: str) -> bool:
    return isinstance(message, Own) and isinstance(message.message, Terminated) and message.message.ref.path == path


def _drop(table: dict[str, dict[str, None]], key: str, entry: str) -> None:
    entries = table.get(key)
    if entries is not None:
        entries.pop(entry, None)
        if not entries:
            del table[key]
