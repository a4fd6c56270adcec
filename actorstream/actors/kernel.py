"""The kernel: who lives where, and what happens to a message on its way. The same under every runtime.

Only the system's own thread touches it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from actorstream.actors.actor import Actor
from actorstream.actors.asks import Answer, Asks
from actorstream.actors.cell import NO_MAIL, Cell
from actorstream.actors.dead_letters import DeadLetters
from actorstream.actors.deathwatch import DeathWatch
from actorstream.actors.family import Child
from actorstream.actors.hanging import hang_next
from actorstream.actors.limits import FAILURES_MAX
from actorstream.actors.links import Links
from actorstream.actors.message import Crash, Hung, Message, Observe, Shutdown
from actorstream.actors.observing import answer_observers
from actorstream.actors.own import Own
from actorstream.actors.poison_book import PoisonBook
from actorstream.actors.ref import NOBODY, Ref
from actorstream.actors.scheduler import Scheduler
from actorstream.actors.specification import ChildSpec
from actorstream.errors import ActorTerminated, MailboxFull, Unsendable
from actorstream.host import Entropy, Host
from actorstream.host.logs import logger

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from actorstream.actors.nodes.cluster import Cluster


class Root(Actor):
    """Supervises what `ActorSystem.spawn` starts."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure of an actor, as it was reported."""

    path: str
    incarnation: int
    message: str | None  # the type's name; None: a hook, or background work
    error: BaseException


class Kernel:
    """The actors of one system.

    Attributes:
        number: of the node; no other life of any node of this system has it.
        cluster: the way to other nodes; None: there are none.
        cells: all actors by path, in the order of their birth; "" is the root.
        failures: the newest failures.
        dead_letters: messages that reached nobody.
        links: who fails with whom.
        poison: which messages have crashed whom how often.
        unhandled: how many messages reached an actor without a handler for them.
        failed: why the system failed, or None.
    """

    def __init__(self, host: Host, scheduler: Scheduler, number: int = 0) -> None:
        self.host = host
        self.number = number
        self.cluster: Cluster | None = None
        self.scheduler = scheduler
        self.entropy = Entropy(host.entropy.bits())
        self.cells: dict[str, Cell] = {}
        self.asks = Asks()
        self.deaths = DeathWatch(self)
        self.failures: deque[Failure] = deque(maxlen=FAILURES_MAX)
        self.links = Links(self)
        self.dead_letters = DeadLetters()
        self.poison = PoisonBook()
        self.unhandled = 0
        self.failed: Crash | None = None
        self.ended = False
        self._incarnation = 0
        self._injected: BaseException | None = None
        self._waiters: list[Future[None]] = []
        self.root = Cell(self, None, ChildSpec("root", Root), "")
        self.cells[""] = self.root
        self.root.start()

    def next_incarnation(self) -> int:
        """A number that no incarnation of this system has had, on any node."""
        self._incarnation += 1
        return self.number << 32 | self._incarnation

    def node_names(self) -> tuple[str, ...]:
        """The nodes that live, as far as this one knows, the oldest first."""
        return tuple(node.name for _, node in sorted(self.cluster.nodes.items())) if self.cluster is not None else ()

    def make_child(self, parent: Cell, spec: ChildSpec, path: str) -> Child:
        """A new child of `parent`, here or, if it is to live elsewhere, its outpost."""
        if self.cluster is not None and self.cluster.wants(spec):
            return self.cluster.outpost(parent, spec, path)
        if self.cluster is None and spec.node not in (None, "any", "node-0"):
            raise ValueError(f"{path}: there is no node {spec.node!r}, because the system runs in one process")
        if self.cluster is not None:
            self.cluster.guests.make_room(path)
        cell = self.cells[path] = Cell(self, parent, spec, path)
        if self.cluster is not None:
            self.cluster.seeker.on_arrived(path)
        return cell

    def has(self, ref: Ref) -> bool:
        """Whether what is sent to `ref` reaches somebody here."""
        cell = self.cells.get(ref.path)
        return cell is not None and (not ref.incarnation or cell.lives_as(ref.incarnation))

    def send(self, ref: Ref, message: Message, sender: Ref) -> None:
        """Put `message` into the mailbox of `ref`.

        Raises:
            MailboxFull: the mailbox has reached its bound.
        """
        cell = self.cells.get(ref.path)
        if cell is None or (ref.incarnation and not cell.lives_as(ref.incarnation)):
            self._send_outside(ref, message, sender)
            return
        mail = cell.mail
        if mail is NO_MAIL:
            mail = cell.open_mail()
        if len(mail) >= cell.mail_max:
            raise MailboxFull(f"the mailbox of {ref.path} holds {len(mail)} messages; {sender.path} sends more")
        if ref.incarnation:
            message = Own(ref.incarnation, message)
        mail.append((message, sender))
        if cell.idle:
            cell.idle = False
            cell.queued = True
            self.scheduler.ready(cell)
        elif not cell.queued and type(message) is Observe:
            answer_observers(cell)

    def send_here(self, ref: Ref, message: Message, sender: Ref) -> bool:
        """As `send`, if `ref` lives here; False if not.

        Raises:
            MailboxFull: the mailbox has reached its bound.
        """
        if not self.has(ref):
            return False
        self.send(ref, message, sender)
        return True

    def send_all_here(self, ref: Ref, messages: Sequence[Message], sender: Ref) -> bool:
        """Put these messages into a mailbox, if `ref` lives here and it has room for all of them; False if not."""
        cell = self.cells.get(ref.path)
        if cell is None or ref.incarnation or len(cell.mail) + len(messages) > cell.mail_max:
            return False
        if cell.idle:
            cell.idle = False
            cell.queued = True
            self.scheduler.ready(cell)
        elif not cell.queued:
            return False
        mail = cell.open_mail() if cell.mail is NO_MAIL else cell.mail
        mail.extend([(message, sender) for message in messages])
        return True

    def _send_outside(self, ref: Ref, message: Message, sender: Ref) -> None:
        if self.cluster is not None and self.cluster.send_known(ref, message, sender):
            return
        if ref.path[:1] == "?" and (ref.path == NOBODY.path or self.asks.resolve(ref.path, message)):
            return
        if self.cluster is None or not self.cluster.send(ref, message, sender):
            why = "its incarnation has ended" if ref.path in self.cells else "there is no such actor"
            self.on_dead_letter(ref, message, sender, why)

    def answer(self, path: str, message: Message) -> None:
        """An answer to a question came from another node."""
        if path != NOBODY.path and not self.asks.resolve(path, message):
            self.dead_letters.add(path, message, NOBODY.path, "nobody waits for the answer any more")

    def on_dead_letter(self, ref: Ref, message: Message, sender: Ref, why: str = "there is no such actor") -> None:
        """Nobody is there for this message."""
        self.dead_letters.add(ref.path, message, sender.path, why)
        self.asks.reject(sender.path, ActorTerminated(f"there is no actor at {ref.path}"))

    def on_no_actor(self, path: str, sender: str, *, full: bool) -> None:
        """What `sender` sent to another node could not be delivered there."""
        where = path or "that ref"
        error = MailboxFull("the actor's mailbox is full") if full else ActorTerminated(f"there is no actor at {where}")
        self.asks.reject(sender, error)

    def on_overflow(self, ref: Ref, message: Message, sender: Ref) -> None:
        """A mailbox has no room for what came from elsewhere: a protocol asks for more than it should."""
        self.dead_letters.add(ref.path, message, sender.path, "its mailbox was full")
        self._log().error("mailbox full", actor=ref.path, message=type(message).__name__)

    def tell(self, ref: Ref, message: Message, sender: Ref = NOBODY) -> None:
        """Send from outside; an overflow is reported here, because the sender is elsewhere."""
        try:
            self.send(ref, message, sender)
        except MailboxFull:
            self.on_overflow(ref, message, sender)

    def ask(self, ref: Ref, message: Message, timeout_us: int, answer: Answer) -> None:
        """Send a question from outside; `answer` gets the answer, or an error."""
        if self.ended:
            answer.set_exception(ActorTerminated(f"{ref.path} cannot answer: {self.why_ended()}"))
            return
        try:
            sender = self.asks.open(ref, answer)
        except MailboxFull as error:
            answer.set_exception(error)
            return
        try:
            if self.cluster is not None and ref.path not in self.cells:
                self.cluster.watches.watch(ref.path)  # So that the question ends when the actor does.
            self.send(ref, message, sender)
        except (MailboxFull, Unsendable) as error:
            self.asks.reject(sender.path, error)
        self.asks.arm(sender, timeout_us, self.scheduler.after)

    def spawn(self, actor: type[Actor], *arguments: Any, **options: Any) -> Ref:
        """Start an actor below the root.

        Raises:
            ActorTerminated: the system has ended.
        """
        if self.ended:
            raise ActorTerminated(f"{actor.__name__} cannot start: {self.why_ended()}")
        return self.root.context.spawn(actor, *arguments, **options)

    def find(self, path: str) -> Ref:
        """The ref of whoever lives at `path`.

        Raises:
            LookupError: nobody does.
        """
        if path and (path in self.cells or (self.cluster is not None and path in self.cluster.outposts)):
            return Ref(path)
        raise LookupError(f"there is no actor at {path!r}")

    def stop(self, ref: Ref) -> None:
        """Stop the actor at `ref` for good."""
        cell = self.cells.get(ref.path)
        if cell is not None and cell.parent is not None:
            cell.parent.request_stop(cell.spec.name)
        elif cell is None and self.cluster is not None:
            self.cluster.stop(ref.path)

    def crash(self, ref: Ref, error: Exception) -> bool:
        """Let the actor at `ref` fail; False if it is not running."""
        cell = self.cells.get(ref.path)
        if cell is None or not cell.is_alive:
            return False
        self._injected = error
        cell.fail(error, None)
        return True

    def hang(self, ref: Ref) -> bool:
        """Let the next handler of the actor at `ref` never return; False if it is not running."""
        cell = self.cells.get(ref.path)
        if cell is None or not cell.is_alive:
            return False
        hang_next(cell)
        return True

    def close(self, ended: Future[None]) -> None:
        """Stop all actors; `ended` is set when they have."""
        if self.ended:
            ended.set_result(None)
        else:
            self._waiters.append(ended)
            self.root.signal(self.root.incarnation, self.root.end, Shutdown())

    def abandon(self) -> None:
        """All actors are gone, without a word."""
        self.ended = True
        self.cells.clear()
        self.asks.reject_all("its process is gone")

    def on_started(self, cell: Cell) -> None:
        """An incarnation of `cell` began."""
        if self.cluster is not None:
            self.cluster.watches.on_started(cell)

    def on_ended(self, cell: Cell) -> None:
        """An incarnation of `cell` ended."""
        self.deaths.on_ended(cell)
        self.links.on_ended(cell)
        self.asks.on_ended(cell.path, [sender.path for _, sender in cell.mail])
        if self.cluster is not None:
            self.cluster.watches.on_ended(cell)
        if cell is self.root:
            self._on_root_ended()

    def remove(self, cell: Cell) -> None:
        """`cell` is gone for good."""
        del self.cells[cell.path]
        self.deaths.on_gone(cell)
        for message, sender in cell.mail:
            self.dead_letters.add(cell.path, message, sender.path, "it ended before it took it")
        cell.drop_mail(lambda _: True)
        self.asks.on_ended(cell.path, [])
        if self.cluster is not None:
            self.cluster.watches.on_gone(cell)
            self.cluster.guests.on_gone(cell.path)

    def _on_root_ended(self) -> None:
        self.ended = True
        if isinstance(self.root.reason, Crash):
            self.failed = self.root.reason
        self.asks.reject_all(self.why_ended())
        for waiter in self._waiters:
            waiter.set_result(None)

    def why_ended(self) -> str:
        """Why nothing runs any more, for people."""
        return f"the system failed: {self.failed.error}" if self.failed else "the system has stopped"

    # --- what people should know -------------------------------------------------------------------------------------

    def on_failure(self, cell: Cell, error: BaseException, message: Message | None) -> None:
        """Report a failure, once."""
        if error is self._injected:
            return  # A fault on purpose is no news.
        kind = type(message).__name__ if message is not None else None
        self.failures.append(Failure(cell.path, cell.incarnation, kind, error))
        self._log().error("actor failed", actor=cell.path, incarnation=cell.incarnation, message=kind, exc_info=error)

    def on_hung(self, cell: Cell, hung: Hung) -> None:
        """Report that an actor was ended because it hung."""
        facts = {"actor": cell.path, "incarnation": cell.incarnation, "message": hung.handler, "seconds": hung.seconds}
        self._log().error("actor hung", **facts)

    def on_unhandled(self, cell: Cell, message: Message) -> None:
        """Report a message that has no handler."""
        self.unhandled += 1
        self._log().warning("message unhandled", actor=cell.path, message=type(message).__name__)

    def _log(self) -> FilteringBoundLogger:
        return logger()
