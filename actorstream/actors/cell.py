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

import enum
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from actorstream.actors.actor import Actor
from actorstream.actors.context import Context
from actorstream.actors.message import (
    Crash,
    ExitReason,
    Killed,
    Message,
    Normal,
    Observe,
    Observed,
    Shutdown,
    Terminated,
)
from actorstream.actors.ref import Ref
from actorstream.actors.scheduler import Timer
from actorstream.actors.specification import ChildSpec, one_for_one
from actorstream.actors.supervision import Effect, Escalate, Forget, Pause, Start, Stop, Supervision
from actorstream.errors import ActorTerminated

if TYPE_CHECKING:
    from actorstream.actors.kernel import Kernel

_STRATEGY = one_for_one()


class State(enum.StrEnum):
    """Where a cell is in its life."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    FAILED = "failed"  # As STOPPING, after an error; and until the parent has decided.
    STOPPED = "stopped"
    SUSPENDED = "suspended"  # Waits for its restart.


class Own(Message):
    """A message that is for one incarnation only: of a timer, of background work, of a watch, or to a pinned ref."""

    incarnation: int
    message: Message
    timer: OwnTimer | None = None


class OwnTimer:
    """The handle of a scheduled message."""

    __slots__ = ("_timer", "_timers", "cancelled", "number")

    def __init__(self, timers: dict[int, OwnTimer], number: int) -> None:
        self._timers = timers
        self._timer: Timer | None = None
        self.number = number
        self.cancelled = False

    def arm(self, timer: Timer) -> None:
        """Remember what to cancel."""
        self._timer = timer

    def cancel(self) -> None:
        """Take the message back, if it has not been handled."""
        self.cancelled = True
        self._timers.pop(self.number, None)
        if self._timer is not None:
            self._timer.cancel()


class Cell:
    """One actor; see the module."""

    __slots__ = (
        "_deadline",
        "_ending",
        "_names",
        "_table",
        "_timer_number",
        "_timers",
        "_watching",
        "background_count",
        "child_cells",
        "context",
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
        "supervision",
        "watchers",
    )

    def __init__(self, kernel: Kernel, parent: Cell | None, spec: ChildSpec, path: str) -> None:
        self.kernel = kernel
        self.parent = parent
        self.spec = spec
        self.path = path
        self.ref = Ref(path)
        self.state = State.STARTING
        self.incarnation = 0
        self.starts = 0
        self.mail: deque[tuple[Message, Ref]] = deque()
        self.mail_max = spec.actor.mailbox_max
        self.signals: deque[tuple[int, Callable[..., None], tuple[Any, ...]]] = deque()
        self.queued = False  # In the runtime's queue.
        self.idle = False  # Running, not queued: mail must wake it.
        self.child_cells: dict[str, Cell] = {}
        self.watchers: dict[str, int] = {}  # Path of the watcher: its incarnation.
        self.background_count = 0
        self.instance: Actor | None = None
        self._table = spec.actor._table
        self._names = 0
        self._timers: dict[int, OwnTimer] = {}
        self._timer_number = 0
        self._watching: dict[str, None] = {}
        self._deadline: Timer | None = None
        self._ending = False  # Between the decision to end this incarnation and its end.
        self.reason: ExitReason = Normal()

    # --- turns -----------------------------------------------------------------------------------------------------

    def step(self) -> bool:
        """Handle one signal or one message; returns whether there is more to do."""
        if self.signals:
            incarnation, act, arguments = self.signals.popleft()
            if incarnation == self.incarnation:
                act(*arguments)
        elif self.mail and self.state is State.RUNNING:
            message, sender = self.mail.popleft()
            context = self.context
            context.sender = sender
            try:
                handle = self._table.get(type(message))
                if handle is not None:
                    handle(self.instance, message, context)
                else:
                    self._handle_other(message, context)
            except Exception as error:
                self.fail(error, message)
        if self.signals or (self.mail and self.state is State.RUNNING):
            return True
        self.queued = False
        self.idle = self.state is State.RUNNING
        return False

    def peek(self) -> str:
        """What the next step is about, for traces."""
        if self.signals:
            return self.signals[0][1].__name__
        if not self.mail:
            return "-"
        message = self.mail[0][0]
        return type(message.message if isinstance(message, Own) else message).__name__

    def signal(self, incarnation: int, act: Callable[..., None], *arguments: Any) -> None:
        """Let `act` run in a step of its own, before any mail, if that incarnation is still the present one."""
        self.signals.append((incarnation, act, arguments))
        self._wake()

    def post(self, message: Message, sender: Ref) -> None:
        """Put into the mailbox, whatever its bound: for what the system itself sends."""
        self.mail.append((message, sender))
        if self.idle:
            self._wake()

    def _wake(self) -> None:
        if not self.queued:
            self.queued = True
            self.idle = False
            self.kernel.scheduler.ready(self)

    def _handle_other(self, message: Message, context: Context) -> None:
        if isinstance(message, Own):
            self._handle_own(message, context)
        elif isinstance(message, Observe):
            context.reply(self.observed())
        else:
            self.kernel.on_unhandled(self, message)

    def _handle_own(self, own: Own, context: Context) -> None:
        if own.incarnation != self.incarnation:
            return
        if own.timer is not None:
            if own.timer.cancelled:
                return
            self._timers.pop(own.timer.number, None)
        handle = self._table.get(type(own.message))
        if handle is not None:
            handle(self.instance, own.message, context)
        else:
            self._handle_other(own.message, context)

    def observed(self) -> Observed:
        """A snapshot."""
        facts = self.instance.observe() if self.instance is not None else {}
        return Observed(self.path, str(self.state), self.incarnation, self.restarts, len(self.mail), facts)

    @property
    def restarts(self) -> int:
        """How many incarnations followed the first."""
        return max(0, self.starts - 1)

    # --- the beginning and the end of an incarnation ----------------------------------------------------------------

    @property
    def is_alive(self) -> bool:
        """Whether an incarnation runs, and is not ending."""
        return self.state is State.RUNNING or self.state is State.STARTING

    def start(self) -> None:
        """Begin the next incarnation; an error in it is a failure like any other."""
        assert not self.child_cells
        self.state = State.STARTING
        self.starts += 1
        self.incarnation = self.kernel.next_incarnation()
        self.context = Context(self)
        self.supervision = Supervision(_STRATEGY, self.context.entropy)
        try:
            self.instance = self.spec.make()
            if self.instance.strategy is not None:
                self.supervision = Supervision(self.instance.strategy, self.context.entropy)
            for spec in self.instance.children:
                self.spawn(spec)
            self.instance.started(self.context)
        except Exception as error:
            self.fail(error, None)
            return
        self.state = State.RUNNING
        if self.mail:
            self._wake()
        else:
            self.idle = not self.queued

    def finish(self) -> None:
        """The actor says that it is done."""
        self.signal(self.incarnation, self.end, Normal())

    def fail(self, error: Exception, message: Message | None) -> None:
        """The actor failed: report it, and end this incarnation."""
        if isinstance(message, Own):
            message = message.message
        if self.is_alive:
            self.kernel.on_failure(self, error, message)
            self.end(Crash(error, message))

    def end(self, reason: ExitReason) -> None:
        """End this incarnation, as the module says."""
        if not self.is_alive:
            return
        self.state = State.FAILED if isinstance(reason, Crash) else State.STOPPING
        self.idle = False
        self._ending = True
        self.reason = reason
        for timer in list(self._timers.values()):
            timer.cancel()
        for path in list(self._watching):
            self._forget_watch(path)
        if self.background_count:
            self._deadline = self.kernel.scheduler.after(self.spec.shutdown_us, self._on_deadline)
        self._apply(self.supervision.stop_all())
        self._end_if_quiet()

    def _on_deadline(self) -> None:
        self._deadline = None
        self.background_count = 0
        self.reason = Killed()
        self._end_if_quiet()

    def _end_if_quiet(self) -> None:
        if self._ending and self.supervision.is_empty and not self.background_count:
            self._ending = False
            self._ended(self.reason)

    def _ended(self, reason: ExitReason) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if self.instance is not None and not isinstance(reason, Killed):
            self._call_stopped(self.instance, reason)
        self.instance = None
        self.mail = deque(entry for entry in self.mail if not isinstance(entry[0], Own))
        self.state = State.FAILED if isinstance(reason, Crash) else State.STOPPED
        for path, incarnation in self.watchers.items():
            self.kernel.tell_terminated(path, incarnation, self.ref, self.incarnation, reason)
        self.kernel.on_ended(self)
        if self.parent is not None:
            self.parent.signal(self.parent.incarnation, self.parent.on_child_ended, self.spec.name, reason)

    def _call_stopped(self, instance: Actor, reason: ExitReason) -> None:
        try:
            instance.stopped(self.context, reason)
        except Exception as error:
            self.kernel.on_failure(self, error, None)

    # --- children ----------------------------------------------------------------------------------------------------

    def spawn(self, spec: ChildSpec) -> Ref:
        """Start a child.

        Raises:
            ValueError: there is one of this name.
        """
        path = f"{self.path}/{spec.name}" if self.path else spec.name
        if spec.name in self.child_cells:
            raise ValueError(f"there is an actor at {path} already; choose another name")
        cell = Cell(self.kernel, self, spec, path)
        self.child_cells[spec.name] = cell
        self.kernel.cells[path] = cell
        self._apply(self.supervision.add(spec))
        return cell.ref

    def next_child_name(self, actor: type[Actor]) -> str:
        """A name that no child of this cell has had."""
        self._names += 1
        return f"{actor.__name__.lower()}-{self._names}"

    def on_child_ended(self, name: str, reason: ExitReason) -> None:
        """A child's incarnation ended."""
        now_us = self.kernel.host.clock.monotonic_us()
        self._apply(self.supervision.on_ended(name, reason, now_us))
        self._end_if_quiet()

    def stop_child(self, name: str) -> None:
        """Stop a child for good."""
        self._apply(self.supervision.stop_child(name))

    def _on_pause_over(self, name: str, number: int) -> None:
        self._apply(self.supervision.on_pause_over(name, number))

    def _apply(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Start(name):
                    self.child_cells[name].start()
                case Stop(name):
                    child = self.child_cells[name]
                    child.signal(child.incarnation, child.end, Shutdown())
                case Pause(name, number, pause_us):
                    self._pause(name, number, pause_us)
                case Forget(name):
                    self.kernel.remove(self.child_cells.pop(name))
                case Escalate(name, reason):
                    self._escalate(name, reason)

    def _pause(self, name: str, number: int, pause_us: int) -> None:
        self.child_cells[name].state = State.SUSPENDED
        incarnation = self.incarnation

        def over() -> None:
            self.signal(incarnation, self._on_pause_over, name, number)

        self._add_timer(OwnTimer(self._timers, self._next_timer_number()), pause_us, over)

    def _escalate(self, name: str, reason: ExitReason) -> None:
        error = ActorTerminated(f"{self.path or 'the system'} gives up: {name} was restarted too often")
        error.__cause__ = reason.error if isinstance(reason, Crash) else None
        self.fail(error, None)

    # --- watches, timers, background work ----------------------------------------------------------------------------

    def watch(self, ref: Ref) -> None:
        """See `Context.watch`."""
        target = self.kernel.cells.get(ref.path)
        if target is None:
            incarnation, reason = self.kernel.last_of(ref.path)
            self.kernel.tell_terminated(self.path, self.incarnation, Ref(ref.path), incarnation, reason)
        elif ref.path not in self._watching:
            self._watching[ref.path] = None
            target.add_watcher(self)

    def add_watcher(self, watcher: Cell) -> None:
        """Tell `watcher` of each end of an incarnation, and of the last one now if none lives."""
        self.watchers[watcher.path] = watcher.incarnation
        if not self.is_alive and not self._ending:
            self.kernel.tell_terminated(watcher.path, watcher.incarnation, self.ref, self.incarnation, self.reason)

    def unwatch(self, ref: Ref) -> None:
        """See `Context.unwatch`."""
        self._forget_watch(ref.path)
        self.mail = deque(entry for entry in self.mail if not _tells_of(entry[0], ref.path))

    def _forget_watch(self, path: str) -> None:
        self._watching.pop(path, None)
        target = self.kernel.cells.get(path)
        if target is not None:
            target.watchers.pop(self.path, None)

    def on_watched_gone(self, path: str) -> None:
        """A watched actor is gone for good."""
        self._watching.pop(path, None)

    def schedule(self, after_us: int, message: Message) -> OwnTimer:
        """See `Context.schedule`."""
        timer = OwnTimer(self._timers, self._next_timer_number())
        own = Own(self.incarnation, message, timer)
        self._add_timer(timer, after_us, lambda: self.post(own, self.ref))
        return timer

    def _next_timer_number(self) -> int:
        self._timer_number += 1
        return self._timer_number

    def _add_timer(self, timer: OwnTimer, after_us: int, fire: Callable[[], None]) -> None:
        self._timers[timer.number] = timer
        timer.arm(self.kernel.scheduler.after(after_us, fire))

    def background(self, work: Callable[[], Any], done: Callable[[Any], Message]) -> None:
        """See `Context.background`."""
        incarnation = self.incarnation
        self.background_count += 1

        def finished(result: Any, error: Exception | None) -> None:
            self.signal(incarnation, self._on_background, result, error, done)

        self.kernel.scheduler.background(work, finished)

    def _on_background(self, result: Any, error: Exception | None, done: Callable[[Any], Message]) -> None:
        if not self.is_alive and not self._ending:
            return  # It came home after the `shutdown` time.
        self.background_count -= 1
        if not self.is_alive:
            self._end_if_quiet()
        elif error is not None:
            self.fail(error, None)
        else:
            self._deliver_result(result, done)

    def _deliver_result(self, result: Any, done: Callable[[Any], Message]) -> None:
        try:
            message = done(result)
        except Exception as error:
            self.fail(error, None)
        else:
            self.post(Own(self.incarnation, message), self.ref)


def _tells_of(message: Message, path: str) -> bool:
    return isinstance(message, Own) and isinstance(message.message, Terminated) and message.message.ref.path == path
