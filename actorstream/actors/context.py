"""The context: all that an actor may do."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from actorstream.actors.actor import Actor
from actorstream.actors.background import begin
from actorstream.actors.durations import Duration, as_us
from actorstream.actors.limits import BACKGROUND_MAX
from actorstream.actors.message import Message, Normal
from actorstream.actors.poison import Poison
from actorstream.actors.ref import NOBODY, Ref
from actorstream.actors.specification import Backoff, ChildSpec, Place, RestartRule, intensity_of
from actorstream.errors import MailboxFull
from actorstream.host import Entropy, Host
from actorstream.host.crew import Crew, Outcome
from actorstream.host.logs import logger
from actorstream.model.instant import Instant

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from actorstream.actors.cell import Cell
    from actorstream.actors.scheduler import Timer

T = TypeVar("T")


class Context:
    """What one incarnation of an actor may do. Only the system's own thread may use it.

    Attributes:
        self: the actor's own ref.
        sender: who sent the message being handled; a ref that leads nowhere if it came from outside.
        parent: the actor that supervises this one.
        incarnation: a number that no other incarnation in this system has.
        host: clock, entropy and disk.
    """

    __slots__ = ("_cell", "_entropy", "_log", "_send", "host", "incarnation", "parent", "self", "sender")

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self._send = cell.kernel.send
        self._entropy: Entropy | None = None
        self._log: FilteringBoundLogger | None = None
        self.self = cell.ref
        self.sender = NOBODY
        self.parent = cell.parent.ref if cell.parent else NOBODY
        self.incarnation = cell.incarnation
        self.host: Host = cell.kernel.host

    @property
    def path(self) -> str:
        """The path of this actor."""
        return self.self.path

    @property
    def pinned(self) -> Ref:
        """This incarnation's ref: what is sent to it after this incarnation has ended reaches nobody."""
        return self.self.pinned(self.incarnation)

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names of the nodes that live, as far as this one knows; none if the system runs in one process."""
        return self._cell.kernel.node_names()

    @property
    def entropy(self) -> Entropy:
        """This incarnation's own stream of chance."""
        if self._entropy is None:
            self._entropy = self._cell.kernel.entropy.stream(f"{self.path}#{self.incarnation}")
        return self._entropy

    @property
    def log(self) -> FilteringBoundLogger:
        """A structlog logger that names this actor."""
        if self._log is None:
            self._log = logger(actor=self.path)
        assert self._log is not None
        return self._log

    def now(self) -> Instant:
        """Wall time, in microseconds."""
        return self.host.clock.now_us()

    def send(self, ref: Ref, message: Message) -> None:
        """Send; it is put into the mailbox at once, after all that this actor sent there before.

        To an actor that is gone: a dead letter, counted.

        Raises:
            MailboxFull: its mailbox has reached its bound.
        """
        self._send(ref, message, self.self)

    def reply(self, message: Message) -> None:
        """Send to the sender of the message being handled."""
        self._send(self.sender, message, self.self)

    def find(self, path: str) -> Ref:
        """The ref of the actor at this path, from the root.

        Raises:
            LookupError: there is none now. (`Ref(path)` is an address whether or not anybody lives there.)
        """
        return self._cell.kernel.find(path)

    def spawn(
        self,
        actor: type[Actor],
        *arguments: Any,
        name: str | None = None,
        restart: RestartRule = "permanent",
        backoff: str | Backoff = "100ms..5s",
        shutdown: Duration = "2s",
        hang_after: Duration | None = "30s",
        region: str = "",
        poison: Poison | None = None,
        restarts: int = 5,
        within: Duration = "60s",
        node: Place = None,
        **options: Any,
    ) -> Ref:
        """Start a child, made as `actor(*arguments, **options)`; it runs when this returns.

        Args:
            actor: its class.
            arguments: for its `__init__`, at each start.
            name: the last part of its path; by default its class and a number.
            restart: `permanent` (always), `transient` (only after a failure) or `temporary` (never).
            backoff: pause before a restart, from the first to the longest: "100ms..5s", or a `Backoff`.
            shutdown: how long its background work may take to end before it is killed.
            hang_after: how long a handler may run before it counts as hung; None is for ever. See `child`.
            region: as for `child`.
            poison: what becomes of a message that crashes it again and again; None: it is dropped the first time.
            restarts: how many restarts are allowed within `within`; one more, and this actor fails.
            within: see `restarts`.
            node: where it lives, as for `child`; by default where this actor does.
            options: for its `__init__`, at each start.

        Raises:
            ValueError: a child of this name is there, or an argument makes no sense.
            RuntimeError: this actor is ending.
        """
        spec = ChildSpec(
            name or self._cell.next_child_name(actor),
            actor,
            arguments,
            tuple(options.items()),
            restart,
            Backoff.of(backoff),
            as_us(shutdown, what="shutdown"),
            intensity_of(restarts, within),
            as_us(hang_after or 0, what="hang_after"),
            region=region,
            node=node,
            poison=poison,
        )
        return self._alive("spawn").spawn(spec)

    def stop(self, ref: Ref | None = None) -> None:
        """Stop an actor, after what it is handling now; what waits in its mailbox is dropped.

        Without `ref`: this actor is done (`Normal`), and its `restart` rule applies, so a permanent one begins anew.
        With a `ref` other than its own: that actor is stopped for good (`Shutdown`), whatever its rule.
        """
        if ref is None or ref.path == self.path:
            self._cell.signal(self.incarnation, self._cell.end, Normal())
        else:
            self._cell.kernel.stop(ref)

    def watch(self, ref: Ref) -> None:
        """Be told, by one `Terminated` for each incarnation that ends, until `ref` is gone for good.

        If it has ended already, the answer comes at once. The watch ends with this incarnation, too.
        """
        self._cell.kernel.deaths.watch(self._alive("watch"), ref)

    def unwatch(self, ref: Ref) -> None:
        """No longer be told; a `Terminated` that is waiting already is taken back."""
        self._cell.kernel.deaths.unwatch(self._cell, ref)

    def link(self, ref: Ref) -> None:
        """Fail together: when either of the two fails, the other does, too, with a `LinkedFailure`.

        The link is of these two incarnations. If that actor does not run now, this one fails. An end as `Normal` or
        `Shutdown` is no failure; it only ends the link.

        Raises:
            ValueError: it is this actor's own ref.
        """
        self._cell.kernel.links.link(self._alive("link"), ref)

    def unlink(self, ref: Ref) -> None:
        """No longer fail together; nothing if they were not linked."""
        self._cell.kernel.links.part(self.path, ref.path)

    def schedule(self, after: Duration, message: Message) -> Timer:
        """Send `message` to this actor after so long, unless this incarnation has ended by then.

        Returns:
            A handle; `cancel()` takes it back, also if it waits in the mailbox already.
        """
        return self._alive("schedule").schedule(as_us(after, what="after"), message)

    def background(self, work: Callable[[], T], done: Callable[[T], Message]) -> None:
        """Run blocking `work` beside the actor; `done(result)` becomes a message to this actor.

        What `work` raises is a failure of this actor. If this incarnation has ended by then, the result is dropped.
        `work` runs in another thread, so it must not touch the actor's state.

        Raises:
            MailboxFull: this actor has too much work under way.
        """
        cell = self._alive("start background work")
        if cell.background_count >= BACKGROUND_MAX:
            raise MailboxFull(f"{self.path} has {BACKGROUND_MAX} pieces of background work under way")
        begin(cell, work, done)

    def crew(
        self,
        function: Callable[[Any], Coroutine[Any, Any, Any]],
        hands: int,
        done: Callable[[list[Outcome]], Message],
        *,
        waits_us: Sequence[int] = (),
    ) -> Crew:
        """A crew that awaits calls of `function` beside the actor, `hands` at a time; `done(outcomes)` is a message.

        They run on a loop in another thread, in a simulation on one of virtual time, so they must not touch the actor's
        state. When this incarnation ends, what is under way is cancelled, and nothing comes home.

        Args:
            function: an async function of one argument.
            hands: how many calls may be under way at a time.
            done: makes a message to this actor of what has ended.
            waits_us: how long to wait before each further call, where one has raised.
        """
        cell, incarnation = self._alive("start a crew"), self.incarnation

        def finished(outcomes: list[Outcome]) -> None:
            if cell.incarnation == incarnation and cell.is_alive:
                cell.post_own(done(outcomes))

        crew = cell.kernel.scheduler.crew(function, hands, waits_us, finished)
        cell.own_timers().keep(crew)
        return crew

    def _alive(self, what: str) -> Cell:
        cell = self._cell
        if cell.incarnation != self.incarnation or not cell.is_alive:
            raise RuntimeError(f"{self.path} cannot {what}: it is ending")
        return cell
