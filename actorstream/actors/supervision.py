"""Which children to start, stop and restart, and when: the decisions of a supervisor, as a plain object.

Theory of operation. Every child is UP (running), ENDING (told to stop), or DOWN (waiting for its restart). When a
child ends and must come back, a *round* begins: the children that the strategy ties to it are told to stop, one at
a time, the youngest first; when all are down the round waits for the pause; then all start, the oldest first. A
failure during a round belongs to it. A failure that ties more children than a running round takes that round's
place, and its pause, if it has begun, counts for nothing: rounds carry a number.

Events in (`add`, `on_ended`, `on_pause_over`, `stop_child`, `stop_all`), effects out. No clock, no actor.

Source: Erlang/OTP `supervisor`; differs in that restarts pause, and that the pause does not block the supervisor.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from actorstream.actors.message import Crash, ExitReason, Fenced, Normal, Shutdown
from actorstream.actors.restarts import Pauses, Restarts
from actorstream.actors.specification import ChildSpec, Strategy
from actorstream.errors import Poisoned, RemoteError
from actorstream.host import Entropy


@dataclass(frozen=True, slots=True)
class Start:
    """Start a new incarnation of this child."""

    name: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Tell this child to stop."""

    name: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Report `on_pause_over(name, number)` after so long."""

    name: str
    number: int
    pause_us: int


@dataclass(frozen=True, slots=True)
class Forget:
    """This child is gone for good."""

    name: str


@dataclass(frozen=True, slots=True)
class Escalate:
    """Too many restarts: the supervisor itself has failed."""

    name: str
    reason: ExitReason


Effect = Start | Stop | Pause | Forget | Escalate


class Phase(enum.Enum):
    """Where a child is."""

    UP = enum.auto()
    ENDING = enum.auto()
    DOWN = enum.auto()


class _Child:
    """What is known of one child; how often it restarted only from its first restart on, because most never do."""

    __slots__ = ("pauses", "phase", "restarts", "spec", "unwanted")

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self.restarts: Restarts | None = None
        self.pauses: Pauses | None = None
        self.phase = Phase.UP
        self.unwanted = False  # Stopped on request: forget it when it has ended.

    def pause_us(self, now_us: int, entropy: Entropy) -> int:
        """How long to wait before a restart from now on."""
        if self.pauses is None:
            self.pauses = Pauses(self.spec.backoff)
        return self.pauses.next_us(now_us, entropy)

    def may_restart(self, now_us: int, shared: Restarts) -> bool:
        """Count one restart, by itself or with its siblings; False if that is one too many."""
        if self.spec.intensity is None:
            return shared.allow(now_us)
        if self.restarts is None:
            self.restarts = Restarts(self.spec.intensity)
        return self.restarts.allow(now_us)


@dataclass(slots=True)
class _Round:
    number: int
    pause_us: int
    members: list[str] = field(default_factory=list)  # In start order.


class Supervision:
    """The children of one incarnation of one actor.

    Guarantees: starts in order and stops in reverse order, one at a time; what it was told to stop never starts again;
    after `stop_all` nothing starts.
    """

    __slots__ = (
        "_children",
        "_closing",
        "_ending_count",
        "_entropy",
        "_restarts",
        "_round_number",
        "_rounds",
        "_strategy",
    )

    def __init__(self, strategy: Strategy, entropy: Entropy) -> None:
        self._strategy = strategy
        self._entropy = entropy
        self._restarts = Restarts(strategy.intensity)
        self._children: dict[str, _Child] = {}
        self._rounds: dict[str, _Round] = {}
        self._round_number = 0
        self._closing: list[str] | None = None  # Once all are to stop: who was there, the next one to stop last.
        self._ending_count = 0

    @property
    def is_empty(self) -> bool:
        """Whether no child is left."""
        return not self._children

    def add(self, spec: ChildSpec) -> list[Effect]:
        """A new child, the youngest."""
        assert self._closing is None
        assert spec.name not in self._children
        self._children[spec.name] = _Child(spec)
        return [Start(spec.name)]

    def on_ended(self, name: str, reason: ExitReason, now_us: int) -> list[Effect]:
        """A child's incarnation ended."""
        child = self._children[name]
        assert child.phase is not Phase.DOWN
        if self._closing is not None:
            return [*self._forget(name), *self._stop_youngest()]
        if child.unwanted:
            return self._leave_round(name)
        if _is_final(reason):
            return self._restart(name, reason, now_us)
        if isinstance(reason, Fenced):
            return self._leave_round(name)  # Somebody else does its work, whatever became of its siblings.
        if cause := self._round_of(name):
            return self._on_member_ended(name, cause)
        if _returns(child.spec, reason):
            return self._restart(name, reason, now_us)
        return self._forget(name)

    def on_pause_over(self, name: str, number: int) -> list[Effect]:
        """The pause of round `number`, which `name` began, is over."""
        round_ = self._rounds.get(name)
        if round_ is None or round_.number != number:
            return []
        del self._rounds[name]
        for member in round_.members:
            self._move(self._children[member], Phase.UP)
        return [Start(member) for member in round_.members]

    def stop_child(self, name: str) -> list[Effect]:
        """Stop this child for good; nothing if there is none."""
        child = self._children.get(name)
        if child is None or self._closing is not None:
            return []
        if child.phase is Phase.DOWN:
            return self._leave_round(name)
        child.unwanted = True
        if child.phase is Phase.ENDING:
            return []
        self._move(child, Phase.ENDING)
        return [Stop(name)]

    def stop_all(self) -> list[Effect]:
        """Stop all children for good, the youngest first."""
        self._closing = list(self._children)
        self._rounds.clear()
        down = [name for name, child in reversed(self._children.items()) if child.phase is Phase.DOWN]
        forgotten = [effect for name in down for effect in self._forget(name)]
        return [*forgotten, *self._stop_youngest()]

    def check(self) -> None:
        """Raise if an invariant is broken."""
        members = [member for round_ in self._rounds.values() for member in round_.members]
        assert len(members) == len(set(members))  # No child is in two rounds.
        assert self._ending_count == len([1 for child in self._children.values() if child.phase is Phase.ENDING])
        for name, child in self._children.items():
            assert child.phase is not Phase.DOWN or name in members  # Whoever is down is going to start.

    def _forget(self, name: str) -> list[Effect]:
        self._move(self._children.pop(name), Phase.DOWN)
        return [Forget(name)]

    def _move(self, child: _Child, phase: Phase) -> None:
        self._ending_count += (phase is Phase.ENDING) - (child.phase is Phase.ENDING)
        child.phase = phase

    def _stop_youngest(self) -> list[Effect]:
        if self._ending_count:
            return []  # One at a time.
        assert self._closing is not None
        while self._closing:
            name = self._closing.pop()
            if name in self._children:
                self._move(self._children[name], Phase.ENDING)
                return [Stop(name)]
        return []

    def _restart(self, name: str, reason: ExitReason, now_us: int) -> list[Effect]:
        child = self._children[name]
        self._move(child, Phase.DOWN)
        self._round_number += 1
        pause_us = child.pause_us(now_us, self._entropy)
        members = self._tied(name)
        self._rounds = {cause: other for cause, other in self._rounds.items() if not _overlap(other.members, members)}
        self._rounds[name] = _Round(self._round_number, pause_us, members)
        if _is_final(reason) or not child.may_restart(now_us, self._restarts):
            return [Escalate(name, reason)]
        return self._advance(name)

    def _tied(self, name: str) -> list[str]:
        """Who restarts when `name` does, in start order."""
        names = list(self._children)
        match self._strategy.scope:
            case "one_for_one":
                return [name]
            case "one_for_all":
                return names
            case "rest_for_one":
                return names[names.index(name) :]
            case "region":
                label = self._children[name].spec.region
                return [each for each in names if each == name or (label and self._children[each].spec.region == label)]

    def _advance(self, cause: str) -> list[Effect]:
        """Stop the round's youngest member that still runs; if all are down, pause."""
        round_ = self._rounds[cause]
        for name in reversed(round_.members):
            child = self._children[name]
            if child.phase is Phase.ENDING:
                return []  # One at a time.
            if child.phase is Phase.UP:
                self._move(child, Phase.ENDING)
                return [Stop(name)]
        return [Pause(cause, round_.number, round_.pause_us)]

    def _on_member_ended(self, name: str, cause: str) -> list[Effect]:
        if self._children[name].spec.restart == "temporary":
            return self._leave_round(name)
        self._move(self._children[name], Phase.DOWN)
        return self._advance(cause)

    def _leave_round(self, name: str) -> list[Effect]:
        """`name` is gone for good; its round, if it is in one, goes on without it."""
        cause = self._round_of(name)
        if cause is None:
            return self._forget(name)
        self._rounds[cause].members.remove(name)
        return [*self._forget(name), *self._go_on(cause)]

    def _go_on(self, cause: str) -> list[Effect]:
        round_ = self._rounds[cause]
        if not round_.members:
            del self._rounds[cause]
            return []
        return self._advance(cause)

    def _round_of(self, name: str) -> str | None:
        return next((cause for cause, round_ in self._rounds.items() if name in round_.members), None)


def _overlap(some: list[str], others: list[str]) -> bool:
    return any(name in others for name in some)


def _is_final(reason: ExitReason) -> bool:
    """Whether it must not be started again, and its supervisor has failed: poison, with that rule."""
    if not isinstance(reason, Crash):
        return False
    error = reason.error
    return isinstance(error, Poisoned) or (isinstance(error, RemoteError) and error.is_a(Poisoned))


def _returns(spec: ChildSpec, reason: ExitReason) -> bool:
    """Whether a child that ended by itself starts again."""
    if spec.restart == "transient":
        return not isinstance(reason, Normal | Shutdown | Fenced)
    return spec.restart == "permanent" and not isinstance(reason, Fenced)
