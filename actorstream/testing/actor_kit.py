"""One actor by itself: its handlers called in turn, all that it does recorded, and no runtime under it.

Guarantees: nothing happens but what the test lets happen; time stands still but for `advance`, and background work
waits for `run_background`; coroutines of a crew go on with time. What a handler raises is raised in the test.
Leaves to others: what supervision would do about it; for that there is `ActorSystem(runtime="simulation")`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeAlias, TypeVar, cast

import msgspec

from actorstream.actors import Actor, ChildSpec, Context, ExitReason, Message, Ref, Shutdown, Timer
from actorstream.actors.agenda import Agenda
from actorstream.actors.cell import Cell
from actorstream.actors.durations import Duration, as_us
from actorstream.actors.own import OwnTimers
from actorstream.actors.scheduler import Ended, Function
from actorstream.host import Entropy, Host, MemoryDisk, VirtualClock
from actorstream.host.crew import Crew
from actorstream.host.virtual_loop import VirtualLoop

A = TypeVar("A", bound=Actor)

TESTER = Ref("test")
"""Who sends what the test sends, unless it says otherwise."""


class Sent(msgspec.Struct, frozen=True):
    """A message went to `to`."""

    to: Ref
    message: Message


class Spawned(msgspec.Struct, frozen=True):
    """A child was started, as its specification says."""

    ref: Ref
    spec: ChildSpec


class Stopped(msgspec.Struct, frozen=True):
    """An actor was told to stop; if it is this one itself, it said that it is done."""

    ref: Ref


class Watched(msgspec.Struct, frozen=True):
    """The actor wants to be told when this one ends."""

    ref: Ref


class Unwatched(msgspec.Struct, frozen=True):
    """It no longer wants to be told."""

    ref: Ref


class Linked(msgspec.Struct, frozen=True):
    """It fails together with this one."""

    ref: Ref


class Unlinked(msgspec.Struct, frozen=True):
    """It no longer does."""

    ref: Ref


class Scheduled(msgspec.Struct, frozen=True):
    """It sends itself a message after so many microseconds."""

    after_us: int
    message: Message


class Background(msgspec.Struct, frozen=True):
    """It began background work."""

    work: Callable[[], Any]


Effect: TypeAlias = Sent | Spawned | Stopped | Watched | Unwatched | Linked | Unlinked | Scheduled | Background
"""What an actor did."""

_Finished = Callable[[Any, BaseException | None], None]


class ActorKit(Generic[A]):
    """See `actor_kit`.

    Attributes:
        actor: the actor itself.
        host: its virtual clock, its entropy, and its disk in memory.
        effects: what it did since the last `take`, in order.
    """

    def __init__(self, actor: type[A], arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        self._clock = VirtualClock()
        self.host = Host(self._clock, Entropy(1), MemoryDisk())
        self.effects: list[Effect] = []
        self._agenda = Agenda()
        self._work: list[tuple[Callable[[], Any], _Finished]] = []
        self._context = Context(cast(Cell, _Ports(self)))
        self.actor = actor(*arguments, **options)
        for spec in self.actor.children:
            self._spawn(spec)
        self.actor.started(self._context)

    @property
    def ref(self) -> Ref:
        """The actor's own ref."""
        return self._context.self

    def send(self, message: Message, sender: Ref = TESTER) -> None:
        """Let the actor handle `message`. What its handler raises is raised here.

        Raises:
            LookupError: it has no handler for it.
        """
        handle = self.actor._table.get(type(message))
        if handle is None:
            raise LookupError(f"{type(self.actor).__name__} has no handler for {type(message).__name__}")
        self._context.sender = sender
        handle(self.actor, message, self._context)

    def take(self) -> list[Effect]:
        """What it did since the last time, in order."""
        taken, self.effects = self.effects, []
        return taken

    def advance(self, by: Duration) -> None:
        """Let time pass, and what the actor scheduled for it come."""
        end_us = self._clock.now_us() + as_us(by, what="by")
        while 0 <= (next_us := self._agenda.next_us()) <= end_us:
            self._clock.advance_to(next_us)
            self._agenda.fire(next_us)
        self._clock.advance_to(end_us)

    def run_background(self) -> int:
        """Do the background work that waits, and let its results come; returns how much it was.

        What the work raises is raised here; in a system the actor would fail with it.
        """
        waiting, self._work = self._work, []
        for work, finished in waiting:
            finished(work(), None)
        return len(waiting)

    def observe(self) -> dict[str, Any]:
        """The facts that the actor tells about itself."""
        return self.actor.observe()

    def stop(self, reason: ExitReason | None = None) -> None:
        """Call its `stopped` hook, by default as if it was asked to stop."""
        self.actor.stopped(self._context, reason or Shutdown())

    def _add(self, effect: Effect) -> None:
        self.effects.append(effect)

    def _spawn(self, spec: ChildSpec) -> Ref:
        ref = Ref(f"{self.ref.path}/{spec.name}")
        if any(isinstance(effect, Spawned) and effect.ref == ref for effect in self.effects):
            raise ValueError(f"there is an actor at {ref.path} already; choose another name")
        self._add(Spawned(ref, spec))
        return ref

    def _schedule(self, after_us: int, message: Message) -> Timer:
        self._add(Scheduled(after_us, message))
        return self._agenda.add(self._clock.now_us() + after_us, lambda: self.send(message, self.ref))

    def _crew(self, function: Function, hands: int, waits_us: Sequence[int], finished: Ended) -> Crew:
        loop = VirtualLoop(self._clock, lambda us, fire: self._agenda.add(self._clock.now_us() + us, fire), lambda: 0)
        return Crew(loop, function, hands, waits_us, finished)

    def _background(self, work: Callable[[], Any], finished: _Finished) -> None:
        self._add(Background(work))
        self._work.append((work, finished))


class _Ports:
    """What a context asks of a cell and of its kernel; all of it becomes an effect."""

    def __init__(self, kit: ActorKit[Any]) -> None:
        self._kit = kit
        self._names = 0
        self.kernel = self.deaths = self.links = self.scheduler = self
        self.host = kit.host
        self.entropy = kit.host.entropy
        self.ref = Ref("actor")
        self.path = self.ref.path
        self.parent = None
        self.incarnation = 1
        self.is_alive = True
        self.has_ended = False
        self.background_count = 0
        self.spawn = kit._spawn
        self.schedule = kit._schedule
        self.background = kit._background
        self.crew = kit._crew

    def own_timers(self) -> OwnTimers:
        return OwnTimers()

    def send(self, ref: Ref, message: Message, sender: Ref) -> None:
        self._kit._add(Sent(ref, message))

    def find(self, path: str) -> Ref:
        return Ref(path)

    def next_child_name(self, actor: type[Actor]) -> str:
        self._names += 1
        return f"{actor.__name__.lower()}-{self._names}"

    def stop(self, ref: Ref) -> None:
        self._kit._add(Stopped(ref))

    def end(self, reason: ExitReason) -> None:
        self._kit._add(Stopped(self.ref))

    def watch(self, _: Any, ref: Ref) -> None:
        self._kit._add(Watched(ref))

    def unwatch(self, _: Any, ref: Ref) -> None:
        self._kit._add(Unwatched(ref))

    def link(self, _: Any, ref: Ref) -> None:
        self._kit._add(Linked(ref))

    def part(self, _: str, path: str) -> None:
        self._kit._add(Unlinked(Ref(path)))

    def signal(self, _: int, act: Callable[..., None], *arguments: Any) -> None:
        act(*arguments)

    def fail(self, error: BaseException, _: Message | None) -> None:
        raise error

    def post_own(self, message: Message) -> None:
        self._kit.send(message, self.ref)


def actor_kit(actor: type[A], *arguments: Any, **options: Any) -> ActorKit[A]:
    """One actor to call by hand, made as `actor(*arguments, **options)`; its `started` hook has run.

    Example:
        >>> from actorstream.actors import receives
        >>> class Add(Message):
        ...     number: int
        >>> class Adder(Actor, accepts=Add):
        ...     def __init__(self, total: int) -> None:
        ...         self.total = total
        ...
        ...     @receives(Add)
        ...     def on_add(self, add: Add, context: Context) -> None:
        ...         self.total += add.number
        ...         context.reply(Add(self.total))
        >>> kit = actor_kit(Adder, 10)
        >>> kit.send(Add(5))
        >>> kit.take()
        [Sent(to=Ref(path='test', incarnation=0), message=Add(number=15))]
    """
    return ActorKit(actor, arguments, options)
