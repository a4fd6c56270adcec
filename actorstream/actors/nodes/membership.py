"""Which nodes there are: the decisions of the driver about their processes. Pure.

Theory of operation. A *slot* is a place for a node: it has a name, and at any time at most one process, whose number is
never used again. A process is LAUNCHED, is UP when it has reported over a link, and is DOOMED when it has been silent
for too long, or took too long to start. A doomed process is killed, and is dead only when it is certain that it acts no
more: fence before replace. Then everybody is told, and the slot gets a new process after a pause, at most so often.

Events in, effects out.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from actorstream.actors.nodes.messages import HungActor
from actorstream.actors.nodes.placement import Node
from actorstream.actors.restarts import Pauses, Restarts
from actorstream.actors.specification import Backoff, Intensity
from actorstream.host import Entropy

CONFIRM_US = 5_000_000
"""A node that has been silent for so long is dead, or made so."""

START_US = 30_000_000
"""A node that has not reported by then is killed."""


@dataclass(frozen=True, slots=True)
class Launch:
    """Start a process for this slot."""

    number: int
    name: str
    requirements: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kill:
    """Kill this process; `on_exited` follows when it is certain."""

    number: int
    why: str


@dataclass(frozen=True, slots=True)
class Announce:
    """Tell everybody that this node lives."""

    node: Node


@dataclass(frozen=True, slots=True)
class Bury:
    """Tell everybody that this node is dead."""

    number: int
    name: str
    hung: HungActor | None


@dataclass(frozen=True, slots=True)
class Pause:
    """Report `on_pause_over(name)` after so long."""

    name: str
    pause_us: int


@dataclass(frozen=True, slots=True)
class GiveUp:
    """A slot's processes ended more often than they may."""

    name: str


Effect = Launch | Kill | Announce | Bury | Pause | GiveUp


class Phase(enum.Enum):
    """Where a slot is."""

    DOWN = enum.auto()
    LAUNCHED = enum.auto()
    UP = enum.auto()
    DOOMED = enum.auto()


@dataclass(slots=True)
class _Slot:
    name: str
    requirements: dict[str, Any]
    restarts: Restarts
    pauses: Pauses
    phase: Phase = Phase.DOWN
    number: int = 0
    since_us: int = 0
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class Patience:
    """How long, and how often.

    Attributes:
        confirm_us: silence after which a node is given up.
        start_us: how long a node may take to report.
        intensity: how often the processes of one slot may be replaced.
        backoff: the pause before that.
    """

    confirm_us: int = CONFIRM_US
    start_us: int = START_US
    intensity: Intensity = field(default_factory=lambda: Intensity(60, 60_000_000))
    backoff: Backoff = field(default_factory=lambda: Backoff(10_000, 2_000_000))


class Membership:
    """See the module.

    Guarantees: a number is launched once; a node is announced and buried at most once, in this order; a slot is
    launched again only after the node before it was buried.
    """

    def __init__(self, entropy: Entropy, patience: Patience | None = None) -> None:
        self._entropy = entropy
        self._patience = patience or Patience()
        self._slots: dict[str, _Slot] = {}
        self._by_number: dict[int, _Slot] = {}
        self._last = 0

    def add(self, name: str, now_us: int, requirements: dict[str, Any] | None = None) -> list[Effect]:
        """There is a place for a node; nothing if it is there already."""
        if name in self._slots:
            return []
        intensity, backoff = self._patience.intensity, self._patience.backoff
        self._slots[name] = slot = _Slot(name, requirements or {}, Restarts(intensity), Pauses(backoff))
        return self._launch(slot, now_us)

    def drop(self, name: str) -> list[Effect]:
        """The place is no more: its host has left."""
        slot = self._slots.pop(name, None)
        if slot is None:
            return []
        slot.wanted = False
        return self._doom(slot, "its host has left") if slot.phase is not Phase.DOWN else []

    def close(self) -> None:
        """Nothing starts any more."""
        for slot in self._slots.values():
            slot.wanted = False

    def on_ready(self, node: Node) -> list[Effect]:
        """A process has reported."""
        slot = self._by_number.get(node.number)
        if slot is None or slot.phase is not Phase.LAUNCHED:
            return []
        slot.phase = Phase.UP
        return [Announce(node)]

    def on_silent(self, number: int, silent_us: int) -> list[Effect]:
        """Nothing was heard of a node for so long."""
        slot = self._by_number.get(number)
        if slot is None or slot.phase is not Phase.UP or silent_us < self._patience.confirm_us:
            return []
        return self._doom(slot, f"silent for {silent_us / 1e6:.1f} s")

    def on_unreachable(self, by: int, number: int, silent_us: Mapping[int, int]) -> list[Effect]:
        """Two nodes cannot reach each other: the one that the driver does not hear either goes, or else the younger.

        `silent_us`: how long the driver has heard nothing of each of them.
        """
        slots = [self._by_number.get(one) for one in (by, number)]
        if any(slot is None or slot.phase is not Phase.UP for slot in slots):
            return []  # If one of them goes already, the other need not.
        half_us = self._patience.confirm_us // 2
        going = max((by, number), key=lambda one: (silent_us[one] >= half_us, one))
        return self._doom(self._by_number[going], f"nodes {by} and {number} do not reach each other")

    def on_tick(self, now_us: int) -> list[Effect]:
        """Look who takes too long to start."""
        effects: list[Effect] = []
        for slot in self._slots.values():
            if slot.phase is Phase.LAUNCHED and now_us - slot.since_us > self._patience.start_us:
                effects += self._doom(slot, f"not ready within {self._patience.start_us / 1e6:g} s")
        return effects

    def on_exited(self, number: int, hung: HungActor | None, now_us: int) -> list[Effect]:
        """It is certain that this process acts no more."""
        slot = self._by_number.pop(number, None)
        if slot is None:
            return []
        slot.phase = Phase.DOWN
        bury = Bury(number, slot.name, hung)
        if not slot.wanted:
            return [bury]
        if not slot.restarts.allow(now_us):
            return [bury, GiveUp(slot.name)]
        return [bury, Pause(slot.name, slot.pauses.next_us(now_us, self._entropy))]

    def on_pause_over(self, name: str, now_us: int) -> list[Effect]:
        """The pause before a replacement is over."""
        slot = self._slots.get(name)
        return self._launch(slot, now_us) if slot is not None and slot.wanted and slot.phase is Phase.DOWN else []

    def numbers(self) -> list[int]:
        """Of all processes that may live."""
        return list(self._by_number)

    @property
    def is_complete(self) -> bool:
        """Whether every slot that requires nothing has a node that is up; other hosts come when they come."""
        return all(slot.phase is Phase.UP for slot in self._slots.values() if not slot.requirements)

    def check(self) -> None:
        """Raise if an invariant is broken."""
        for number, slot in self._by_number.items():
            assert slot.number == number
            assert slot.phase is not Phase.DOWN

    def _launch(self, slot: _Slot, now_us: int) -> list[Effect]:
        self._last += 1
        slot.number, slot.phase, slot.since_us = self._last, Phase.LAUNCHED, now_us
        self._by_number[slot.number] = slot
        return [Launch(slot.number, slot.name, slot.requirements)]

    def _doom(self, slot: _Slot, why: str) -> list[Effect]:
        if slot.phase is Phase.DOOMED:
            return []
        slot.phase = Phase.DOOMED
        return [Kill(slot.number, why)]
