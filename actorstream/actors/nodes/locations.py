"""On which node an actor lives, as far as this node knows. Pure.

Theory of operation. A path that lives elsewhere is asked for once; what is sent there in the meantime waits, in order,
and goes on together when the answer is there. Then the answer is remembered. An actor stays on its node as long as the
node lives, so an answer is good until the node is lost, or says that there is no such actor. Therefore everything that
this node sends to one incarnation takes one way, and stays in order.

Guarantees: what waits for one path is handed out in the order in which it came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from actorstream.errors import MailboxFull

LOCATIONS_MAX = 65_536
"""Paths whose node is remembered; the longest known is forgotten first, and asked for again."""

SOUGHT_MAX = 65_536
"""Parcels that may wait until it is known where they go."""

T = TypeVar("T")


class Locations(Generic[T]):
    """See the module. `T` is what waits.

    Attributes:
        find: the node of a path, None if it is not known.
    """

    def __init__(self) -> None:
        self._nodes: dict[str, int] = {}
        self.find: Callable[[str], int | None] = self._nodes.get  # Without a call of ours: each message asks.
        self._below: dict[str, dict[str, None]] = {}  # Of each ancestor: the remembered paths below it.
        self._sought: dict[str, list[T]] = {}
        self._waiting = 0

    def is_sought(self, path: str) -> bool:
        """Whether something waits for the node of `path`."""
        return path in self._sought

    def seek(self, path: str, item: T) -> bool:
        """Let `item` wait; returns whether the question must be asked (it is not under way).

        Raises:
            MailboxFull: too much waits.
        """
        if self._waiting >= SOUGHT_MAX:
            raise MailboxFull(f"{SOUGHT_MAX} messages wait until it is known where they go")
        self._waiting += 1
        items = self._sought.get(path)
        if items is not None:
            items.append(item)
            return False
        self._sought[path] = [item]
        return True

    def answer(self, path: str, number: int | None) -> list[T]:
        """`path` lives on node `number`, or nowhere; returns what waited for it."""
        items = self._sought.pop(path, [])
        self._waiting -= len(items)
        if number is not None:
            self._remember(path, number)
        return items

    def learn(self, path: str, number: int) -> None:
        """Something came from there. Not while it is sought: what waits must not be overtaken."""
        if path not in self._sought and self._nodes.get(path) != number:
            self._remember(path, number)

    def forget(self, path: str) -> None:
        """It does not live there any more."""
        if self._nodes.pop(path, None) is not None:
            for above in _ancestors(path):
                below = self._below[above]
                del below[path]
                if not below:
                    del self._below[above]

    def forget_tree(self, path: str) -> None:
        """Neither it nor anybody below it lives where it did."""
        self.forget(path)
        for below in list(self._below.get(path, ())):
            self.forget(below)

    def forget_node(self, number: int) -> None:
        """The node is lost, and all that lived there."""
        for path in [path for path, known in self._nodes.items() if known == number]:
            self.forget(path)

    def sought_with(self, has: Callable[[T], bool]) -> list[str]:
        """The paths for which something waits that `has` what is looked for."""
        return [path for path, items in self._sought.items() if any(has(item) for item in items)]

    def sought(self) -> list[str]:
        """The paths that something waits for, to ask again when whoever was asked may be lost."""
        return list(self._sought)

    def _remember(self, path: str, number: int) -> None:
        self.forget(path)
        self._nodes[path] = number
        for above in _ancestors(path):
            self._below.setdefault(above, {})[path] = None
        if len(self._nodes) > LOCATIONS_MAX:
            self.forget(next(iter(self._nodes)))


def _ancestors(path: str) -> Iterator[str]:
    """All paths above it, the nearest first."""
    end = path.rfind("/")
    while end > 0:
        yield path[:end]
        end = path.rfind("/", 0, end)
