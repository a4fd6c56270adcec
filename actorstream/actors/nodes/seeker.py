"""Finds the node where a path lives, and sends what waited for that.

A parent knows where its children are, so a question goes along the tree: to the node of the nearest ancestor that this
node knows, or else to the driver, from where everything can be found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from actorstream.actors.message import Message
from actorstream.actors.nodes import messages as m
from actorstream.actors.nodes.errands import Errand, Item, Mail, Notice, Question
from actorstream.actors.nodes.locations import Locations
from actorstream.actors.nodes.outpost import Outpost
from actorstream.errors import MailboxFull, Unsendable
from actorstream.host.logs import logger

if TYPE_CHECKING:
    from actorstream.actors.nodes.cluster import Cluster

HOPS_MAX = 16
"""How often a question for a place is passed on."""

ASK_AGAIN_US = 10_000
"""Pause before a question is repeated whose answer named a node that is dead."""


class Seeker:
    """See the module.

    Attributes:
        locations: what is known, and what is sought.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.locations: Locations[Item] = Locations()

    def handlers(self) -> Mapping[type[Message], Callable[[int, Any], None]]:
        """Who handles what comes from other nodes."""
        return {m.WhereIs: self._on_where_is, m.LivesAt: self._on_lives_at}

    def seek(self, path: str, item: Item) -> bool:
        """Send `item` when it is known where `path` lives; False if it is known to live nowhere.

        Raises:
            MailboxFull: too much waits.
        """
        if self.locations.is_sought(path):
            self.locations.seek(path, item)
            return True
        where = self._resolve(path)
        if where is None:
            return False
        self.locations.seek(path, item)
        self._follow(path, where)
        return True

    def after_mail_of(self, path: str, send: Callable[[], None]) -> None:
        """Call `send` when all that the actor at `path` has sent so far is on its way."""
        queues = self.locations.sought_with(lambda item: isinstance(item, Mail) and item.sender.path == path)
        notice = Notice(send, len(queues))
        for queue in queues:
            self.locations.seek(queue, notice)
        if not queues:
            send()

    def on_arrived(self, path: str) -> None:
        """An actor begins to live here: what waits for it goes first, before what is sent to it from now on."""
        if self.locations.is_sought(path):
            self._on_answer(path, self._cluster.number)

    def on_node_lost(self, number: int) -> None:
        """A node is dead: what lived there is sought anew, and whoever was asked there."""
        self.locations.forget_node(number)

    def ask_all_again(self) -> None:
        """Whoever was asked may be dead."""
        for path in self.locations.sought():
            self._ask_again(path)

    def release(self, outpost: Outpost) -> None:
        """It is known where an outpost's actor lives, or that it lives nowhere: answer who asked."""
        parked, outpost.parked = outpost.parked, []
        for path, asker in parked:
            if asker == self._cluster.number:
                self._ask_again(path)
            else:
                self._on_where_is(asker, m.WhereIs(path, asker))

    def _resolve(self, path: str) -> Outpost | int | None:
        """Who knows: an outpost of ours, a node to ask, or nobody."""
        prefix = path
        while prefix:
            outpost = self._cluster.outposts.get(prefix)
            if outpost is not None:
                return outpost if prefix == path or outpost.node is None else outpost.node
            if prefix in self._cluster.kernel.cells:
                return None
            prefix = prefix.rpartition("/")[0]
        return 0 if self._cluster.number else None

    def _follow(self, path: str, where: Outpost | int) -> None:
        if isinstance(where, int):
            self._cluster.tell(where, m.WhereIs(path, self._cluster.number))
        elif where.node is not None and where.path == path:
            self._on_answer(path, where.node)
        else:
            where.parked.append((path, self._cluster.number))

    def _on_where_is(self, _: int, question: m.WhereIs) -> None:
        path, asker, here = question.path, question.asker, self._cluster.number
        where = here if path in self._cluster.kernel.cells else self._resolve(path)
        if where == here or where is None or question.hops >= HOPS_MAX:
            self._cluster.tell(asker, m.LivesAt(path, here if where == here else -1))
        elif isinstance(where, int):
            self._cluster.tell(where, m.WhereIs(path, asker, question.hops + 1))
        elif where.node is not None and where.is_there:
            self._cluster.tell(asker, m.LivesAt(path, where.node))
        else:
            where.parked.append((path, asker))

    def _on_lives_at(self, _: int, answer: m.LivesAt) -> None:
        if self._cluster.is_dead(answer.number):
            self._cluster.kernel.scheduler.after(ASK_AGAIN_US, partial(self._ask_again, answer.path))
        else:
            self._on_answer(answer.path, answer.number if answer.number >= 0 else None)

    def _ask_again(self, path: str) -> None:
        if not self.locations.is_sought(path):
            return
        where = self._resolve(path)
        if where is None:
            self._on_answer(path, None)
        else:
            self._follow(path, where)

    def _on_answer(self, path: str, number: int | None) -> None:
        for item in self.locations.answer(path, number if number != self._cluster.number else None):
            self._go_on(path, number, item)

    def _go_on(self, path: str, number: int | None, item: Item) -> None:
        match item:
            case Mail():
                self._send(number, item)
            case Errand(message):
                if number is not None:
                    self._cluster.tell(number, message)
                    if isinstance(message, m.WatchPath):
                        self._cluster.watches.on_asked(path, number)
                elif isinstance(message, m.WatchPath):
                    self._cluster.watches.on_nobody(path)
            case Question(done):
                done(number)
            case Notice():
                item.advance()

    def _send(self, number: int | None, mail: Mail) -> None:
        try:
            if number is None or not self._cluster.send_to(number, mail):
                self._cluster.kernel.on_dead_letter(mail.target, mail.message, mail.sender)
        except (MailboxFull, Unsendable) as error:  # The sender has gone on; it cannot be told.
            logger().error("message lost", actor=mail.sender.path, reason=str(error))
            self._cluster.kernel.on_dead_letter(mail.target, mail.message, mail.sender, str(error))
