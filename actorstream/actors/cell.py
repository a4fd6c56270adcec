"""A cell: the life of one actor, over all its incarnations.

Theory of operation. A cell has a mailbox, which survives restarts, and a queue of signals from the system (a child
ended, stop, work finished), which go first and belong to one incarnation. The runtime calls `step` while there is
something to do; a step handles one signal or one message and never waits.

An incarnation ends in order: timers and watches are dropped, children stop, background work comes home (or the
`shutdown` time passes), the `stopped` hook runs, watchers are told, the parent decides. Then the cell is either
forgotten, or waits, suspended, until its parent starts the next incarnation.

Leaves to others: decisions about children (`supervision`), whose turn it is (`scheduler`), who lives where (`kernel`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from actorstream.actors.actor import Actor
from actorstream.actors.context import Context
from actorstream.actors.effects import apply
from actorstream.actors.family import Child, Parent
from actorstream.actors.hanging import kill_later
from actorstream.actors.message import (
    FAILURES,
    Crash,
    ExitReason,
    Hung,
    Killed,
    Message,
    Normal,
    Observe,
    Shutdown,
    is_failure,
)
from actorstream.actors.observing import answer_observers, observed, shown_state, why
from actorstream.actors.own import Own, OwnTimer, OwnTimers
from actorstream.actors.ref import Ref
from actorstream.actors.scheduler import Timer
from actorstream.actors.specification import ChildSpec, one_for_one
from actorstream.actors.state import State
from actorstream.actors.supervision import Supervision

if TYPE_CHECKING:
    from actorstream.actors.kernel import Kernel

_STRATEGY = one_for_one()
_NORMAL = Normal()

Mail = deque[tuple[Message, Ref]]
Signal = tuple[int, Callable[..., None], tuple[Any, ...]]

# An empty deque takes 700 bytes, and most actors of a large system wait for their first message. Until then they share
# these, which cannot be changed.
NO_MAIL = cast(Mail, ())
NO_SIGNALS = cast(deque[Signal], ())

_ALIVE = (State.RUNNING, State.STARTING, State.HUNG)


class Cell:
    """One actor; see the module."""

    __slots__ = (
        "_deadline",
        "_ending",
        "_names",
        "_supervision",
        "_timers",
        "background_count",
        "child_cells",
        "context",
        "handling",
        "idle",
        "incarnation",
        "instance",
        "kernel",
        "mail",
        "mail_max",
        "parent",
        "path",
        "queued",
        "reason",
        "ref",
        "signals",
        "spec",
        "starts",
        "state",
        "table",
    )

    def __init__(self, kernel: Kernel, parent: Parent | None, spec: ChildSpec, path: str) -> None:
        self.kernel = kernel
        self.parent = parent
        self.spec = spec
        self.path = path
        self.ref = Ref(path)
        self.state = State.STARTING
        self.incarnation = 0
        self.starts = 0
        self.mail = NO_MAIL
        self.mail_max = spec.actor.mailbox_max
        self.signals = NO_SIGNALS
        self.queued = False  # In the runtime's queue.
        self.handling: Message | None = None  # For whoever looks from another thread.
        self.idle = False  # Running, not queued: mail must wake it.
        self.child_cells: dict[str, Child] = {}
        self.background_count = 0
        self.instance: Actor | None = None
        self.table = spec.actor._table
        self._supervision: Supervision | None = None
        self._names = 0
        self._timers: OwnTimers | None = None
        self._deadline: Timer | None = None
        self._ending = False  # Between the decision to end this incarnation and its end.
        self.reason: ExitReason = _NORMAL

    # --- turns -----------------------------------------------------------------------------------------------------

    def run(self, count: int) -> bool:
        """Handle up to `count` signals and messages; returns whether there is more to do."""
        while count > 0:
            if self.signals:
                count -= 1
                self._act()
            elif self.mail and self.state is State.RUNNING:
                count = self._handle(count)
            else:
                break
        if self.signals or (self.mail and self.state is State.RUNNING):
            return True
        self.queued = False
        self.idle = self.state is State.RUNNING
        return False

    def _act(self) -> None:
        incarnation, act, arguments = self.signals.popleft()
        if incarnation == self.incarnation:
            act(*arguments)

    def _handle(self, count: int) -> int:
        """Handle up to `count` messages, but signals go first; returns how many of `count` are left."""
        mail, context, instance, handler_of = self.mail, self.context, self.instance, self.table
        message: Message | None = None
        try:
            while count and mail and not self.signals:
                count -= 1
                self.handling, context.sender = message, _ = mail.popleft()
                handle = handler_of.get(type(message))
                if handle is not None:
                    handle(instance, message, context)
                else:
                    self._handle_other(message, context)
        except FAILURES as error:
            self.fail(error, message)
        self.handling = None
        return count

    def signal(self, incarnation: int, act: Callable[..., None], *arguments: Any) -> None:
        """Let `act` run in a step of its own, before any mail, if that incarnation is still the present one."""
        if self.signals is NO_SIGNALS:
            self.signals = deque()
        self.signals.append((incarnation, act, arguments))
        self._wake()

    def post(self, message: Message, sender: Ref) -> None:
        """Put into the mailbox, whatever its bound: for what the system itself sends."""
        if self.mail is NO_MAIL:
            self.open_mail()
        self.mail.append((message, sender))
        if self.idle:
            self._wake()

    def post_own(self, message: Message) -> None:
        """Put into the mailbox, for this incarnation only."""
        self.post(Own(self.incarnation, message), self.ref)

    def open_mail(self) -> Mail:
        """Make room for the first message."""
        assert not self.mail
        self.mail = deque()
        return self.mail

    def _wake(self) -> None:
        if not self.queued:
            self.queued = True
            self.idle = False
            self.kernel.scheduler.ready(self)

    def _handle_other(self, message: Message, context: Context) -> None:
        if isinstance(message, Own):
            self._handle_own(message, context)
        elif isinstance(message, Observe):
            context.reply(observed(self))
        else:
            self.kernel.on_unhandled(self, message)

    def _handle_own(self, own: Own, context: Context) -> None:
        assert own.incarnation == self.incarnation  # Dropped at its end, and none is taken after it.
        if own.timer is not None:
            if own.timer.cancelled:
                return
            own.timer.forget()
        handle = self.table.get(type(own.message))
        if handle is not None:
            handle(self.instance, own.message, context)
        else:
            self._handle_other(own.message, context)

    @property
    def shown_state(self) -> str:
        """See `Child`."""
        return shown_state(self)

    @property
    def why(self) -> str:
        """See `Child`."""
        return why(self)

    @property
    def node_name(self) -> str:
        """See `Child`."""
        return ""

    @property
    def restarts(self) -> int:
        """How many incarnations followed the first."""
        return max(0, self.starts - 1)

    # --- the beginning and the end of an incarnation ----------------------------------------------------------------

    @property
    def has_ended(self) -> bool:
        """Whether no incarnation lives: the cell is suspended, or about to be."""
        return not self.is_alive and not self._ending

    def lives_as(self, incarnation: int) -> bool:
        """Whether this incarnation lives."""
        return incarnation == self.incarnation and not self.has_ended

    @property
    def is_alive(self) -> bool:
        """Whether an incarnation runs, and is not ending."""
        return self.state in _ALIVE

    def start(self) -> None:
        """Begin the next incarnation; an error in it is a failure like any other."""
        assert not self.child_cells
        self.state = State.STARTING
        self.starts += 1
        self.incarnation = self.kernel.next_incarnation()
        self.context = Context(self)
        self._supervision = None
        self.table = self.spec.actor._table
        try:
            self.instance = self.spec.make()
            for spec in self.instance.children:
                self.spawn(spec)
            self.instance.started(self.context)
        except FAILURES as error:
            self.fail(error, None)
            return
        self.state = State.RUNNING
        self.kernel.on_started(self)
        if self.mail:
            self._wake()
        else:
            self.idle = not self.queued

    def fail(self, error: BaseException, message: Message | None) -> None:
        """The actor failed: report it, and end this incarnation."""
        is_own = isinstance(message, Own)  # It would not be for the next incarnation, whatever it did to this one.
        if isinstance(message, Own):
            message = message.message
        if self.is_alive:
            self.kernel.on_failure(self, error, message)
            if message is not None and self.spec.poison is not None and not is_own:
                error = self.kernel.poison.on_crash(self, self.spec.poison, error, message)
            self.end(Crash(error, message))

    def put_back(self, message: Message, sender: Ref) -> None:
        """Let the next incarnation handle it first."""
        self.mail.appendleft((message, sender))

    def end(self, reason: ExitReason) -> None:
        """End this incarnation, as the module says."""
        if not self.is_alive:
            return
        if self.state is State.HUNG and isinstance(reason, Shutdown | Normal):
            kill_later(self)
            return
        self.state = State.FAILED if is_failure(reason) else State.STOPPING
        self.idle = False
        self._ending = True
        self.reason = reason
        self._drop_timers()
        self.kernel.deaths.unwatch_all(self)
        if self.background_count:
            self._deadline = self.kernel.scheduler.after(self.spec.shutdown_us, self._on_deadline)
        if self._supervision is not None:
            apply(self, self._supervision.stop_all())
        self.end_if_quiet()

    def tell_to_stop(self) -> None:
        """See `Child`."""
        self.signal(self.incarnation, self.end, Shutdown())

    def kill(self) -> None:
        """See `Child`."""
        for child in list(self.child_cells.values()):
            child.kill()
        self.child_cells.clear()
        self._drop_timers()
        ended, self._ending = self.has_ended, False
        self.instance, self.idle, self.state = None, False, State.STOPPED
        self.drop_mail(lambda message: isinstance(message, Own))
        if not ended:
            self.reason = Killed()
            self.kernel.deaths.unwatch_all(self)
            self.kernel.on_ended(self)
        self.kernel.remove(self)
        self.incarnation = -1  # Signals that are on their way, and late work, find nobody.

    def suspend(self) -> None:
        """See `Child`."""
        self.state = State.SUSPENDED

    def remove(self) -> None:
        """See `Child`."""
        self.kernel.remove(self)

    def _on_deadline(self) -> None:
        self._deadline = None
        self.background_count = 0
        self.reason = Killed()
        self.end_if_quiet()

    def end_if_quiet(self) -> None:
        """The incarnation that is ending ends, if nothing of it is left."""
        childless = self._supervision is None or self._supervision.is_empty
        if self._ending and childless and not self.background_count:
            self._ending = False
            self._ended(self.reason)

    def _ended(self, reason: ExitReason) -> None:
        self._drop_timers()
        if self.instance is not None and not isinstance(reason, Killed | Hung):
            self._call_stopped(self.instance, reason)
        self.instance = None
        self.drop_mail(lambda message: isinstance(message, Own))
        self.state = State.FAILED if is_failure(reason) else State.STOPPED
        answer_observers(self)
        self.kernel.on_ended(self)
        if self.parent is not None:
            self.parent.report_end(self.spec.name, reason)

    def drop_mail(self, unwanted: Callable[[Message], bool]) -> None:
        """Drop the waiting messages that are `unwanted`."""
        if self.mail:
            kept = [entry for entry in self.mail if not unwanted(entry[0])]
            self.mail.clear()  # The same deque: a handler may be taking from it.
            self.mail.extend(kept)

    def _call_stopped(self, instance: Actor, reason: ExitReason) -> None:
        try:
            instance.stopped(self.context, reason)
        except FAILURES as error:
            self.kernel.on_failure(self, error, None)

    # --- children ----------------------------------------------------------------------------------------------------

    @property
    def supervision(self) -> Supervision:
        """The decisions about this incarnation's children; made for the first of them."""
        if self._supervision is None:
            strategy = self.instance.strategy if self.instance is not None else None
            self._supervision = Supervision(strategy or _STRATEGY, self.kernel.entropy)
        return self._supervision

    def spawn(self, spec: ChildSpec) -> Ref:
        """Start a child.

        Raises:
            ValueError: there is one of this name.
        """
        path = f"{self.path}/{spec.name}" if self.path else spec.name
        if spec.name in self.child_cells:
            raise ValueError(f"there is an actor at {path} already; choose another name")
        child = self.kernel.make_child(self, spec, path)
        self.child_cells[spec.name] = child
        apply(self, self.supervision.add(spec))
        return child.ref

    def next_child_name(self, actor: type[Actor]) -> str:
        """A name that no child of this cell has had."""
        self._names += 1
        return f"{actor.__name__.lower()}-{self._names}"

    def report_end(self, name: str, reason: ExitReason) -> None:
        """See `Parent`."""
        self.signal(self.incarnation, self.on_child_ended, name, reason)

    def request_stop(self, name: str) -> None:
        """See `Parent`."""
        self.signal(self.incarnation, self.stop_child, name)

    def on_child_ended(self, name: str, reason: ExitReason) -> None:
        """A child's incarnation ended."""
        now_us = self.kernel.host.clock.monotonic_us()
        apply(self, self.supervision.on_ended(name, reason, now_us))
        self.end_if_quiet()

    def stop_child(self, name: str) -> None:
        """Stop a child for good."""
        apply(self, self.supervision.stop_child(name))

    # --- timers ------------------------------------------------------------------------------------------------------

    def schedule(self, after_us: int, message: Message) -> OwnTimer:
        """See `Context.schedule`."""
        incarnation = self.incarnation

        def fire(timer: OwnTimer) -> None:
            self.post(Own(incarnation, message, timer), self.ref)

        return self.own_timers().add(self.kernel.scheduler, after_us, fire)

    def _drop_timers(self) -> None:
        if self._timers is not None:
            self._timers.cancel_all()
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def own_timers(self) -> OwnTimers:
        """Those of this incarnation."""
        if self._timers is None:
            self._timers = OwnTimers()
        return self._timers
