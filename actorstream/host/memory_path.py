"""One direction of a simulated connection: what crosses it takes its time, keeps its order, and may come to harm.

Guarantees: without faults, what was sent first arrives first. What crosses is a call that is made at the other end.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Protocol

from actorstream.host.entropy import Entropy
from actorstream.host.weather import Weather

Arrive = Callable[[], None]

HOLD_UP_WAYS = 4
"""A frame that is held up, or its copy, takes up to so many of the longest ways more."""


class Sky(Protocol):
    """What a path needs of the network that it is part of.

    Attributes:
        weather: what happens to frames now.
        happened: how often each fault did.
    """

    weather: Weather
    happened: Counter[str]

    def after(self, delay_us: int, call: Callable[[], None]) -> object:
        """Call it so much later."""
        ...

    def is_cut(self, source: str, target: str) -> bool:
        """Whether nothing gets from one to the other now."""
        ...


class MemoryPath:
    """See the module: the way from `source` to `target`, with the chance of that pair."""

    __slots__ = ("_chance", "_crossing", "_first", "_sent", "_sky", "source", "target")

    def __init__(self, sky: Sky, chance: Entropy, source: str, target: str) -> None:
        self._sky, self._chance = sky, chance
        self.source, self.target = source, target
        self._crossing: deque[_Crossing] = deque()
        self._sent = 0
        self._first = 0  # The next that none has overtaken.

    def carry(self, arrive: Arrive) -> None:
        """Something that only a cut can harm: the beginning or the end of a connection."""
        self._send(_Crossing(self._number(), arrive, 0, 0))

    def carry_frame(self, arrive: Arrive, lose: Arrive) -> None:
        """A frame; `lose` is called when it vanishes on the way, but not when the way is cut: then nothing is known."""
        sky, weather, chance = self._sky, self._sky.weather, self._chance
        if weather.loss and chance.chance(weather.loss):
            sky.happened["loss"] += 1
            self._send(_Crossing(self._number(), lose, 0, 0))
            return
        again_us = self._hold_up_us() if weather.duplication and chance.chance(weather.duplication) else 0
        held_us = self._hold_up_us() if weather.reorder and chance.chance(weather.reorder) else 0
        self._send(_Crossing(self._number(), arrive, held_us, again_us))

    def breaks(self) -> bool:
        """Whether the connection breaks now, instead of carrying a frame."""
        reset = self._sky.weather.reset
        if not reset or not self._chance.chance(reset):
            return False
        self._sky.happened["reset"] += 1
        return True

    def delay_us(self) -> int:
        """How long one way takes."""
        return self._chance.between(*self._sky.weather.delay_us)

    def _hold_up_us(self) -> int:
        return self._chance.between(1, HOLD_UP_WAYS * self._sky.weather.delay_us[1] + 1)

    def _number(self) -> int:
        self._sent += 1
        return self._sent

    def _send(self, crossing: _Crossing) -> None:
        if self._is_lost_in_a_cut():  # And once more when it arrives: a cut takes what is under way, too.
            return
        self._crossing.append(crossing)
        delay_us = self.delay_us()
        if delay_us:
            self._sky.happened["delay"] += 1
        self._sky.after(delay_us, lambda: self._reach(crossing))

    def _reach(self, reached: _Crossing) -> None:
        """Its time has come; it arrives with those that waited for it, once all before it have."""
        reached.is_there = True
        crossing = self._crossing
        while crossing and crossing[0].is_there:
            self._leave(crossing.popleft())

    def _leave(self, crossing: _Crossing) -> None:
        if crossing.held_us:
            self._sky.after(crossing.held_us, lambda: self._arrive(crossing))
        else:
            self._arrive(crossing)
        if crossing.again_us:
            self._sky.after(crossing.held_us + crossing.again_us, lambda: self._arrive_again(crossing))

    def _arrive(self, crossing: _Crossing) -> None:
        if crossing.number < self._first:
            self._sky.happened["reorder"] += 1
        self._first = max(self._first, crossing.number)
        if not self._is_lost_in_a_cut():
            crossing.arrive()

    def _arrive_again(self, crossing: _Crossing) -> None:
        if not self._is_lost_in_a_cut():
            self._sky.happened["duplication"] += 1
            crossing.arrive()

    def _is_lost_in_a_cut(self) -> bool:
        if not self._sky.is_cut(self.source, self.target):
            return False
        self._sky.happened["cut"] += 1
        return True


class _Crossing:
    """Something on its way."""

    __slots__ = ("again_us", "arrive", "held_us", "is_there", "number")

    def __init__(self, number: int, arrive: Arrive, held_us: int, again_us: int) -> None:
        self.number, self.arrive = number, arrive
        self.held_us, self.again_us = held_us, again_us
        self.is_there = False
