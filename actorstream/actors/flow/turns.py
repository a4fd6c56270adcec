"""Whose turn it is among channels: deficit round-robin, by bytes. Pure.

Theory of operation. On its turn a channel is given a quantum; it is served while what it has been given and has not
used covers the cost of its next element, and then the turn goes on. What it did not use stays for its next turn, unless
it has nothing to be served, or may not be. Where all next elements cost more than a quantum, the rounds that would
serve nobody are passed over at once.

Source: Shreedhar and Varghese, "Efficient fair queuing using deficit round-robin" (1996).
"""

from __future__ import annotations

from collections.abc import Callable

QUANTUM = 1_024
"""What a channel is given on its turn, in bytes."""

ELEMENT_BYTES = 1_024
"""What any element costs beside its bytes: to handle one at all is work, too."""


class Turns:
    """See the module. Channels are numbers below `count`.

    Guarantees: of two channels that always have something to be served, neither gets more than the other by more than a
    quantum and the cost of the largest element.
    """

    def __init__(self, count: int) -> None:
        assert count > 0
        self._deficits = [0] * count
        self._at = 0
        self._given = False  # Whether the channel at hand was given its quantum on this turn.

    def reset(self) -> None:
        """Begin anew with the first."""
        self._deficits = [0] * len(self._deficits)
        self._at = 0
        self._given = False

    def next(self, size_of: Callable[[int], int | None]) -> int | None:
        """Who is served now, or None if nobody can be.

        Args:
            size_of: the bytes of a channel's next element; None if it has none, or gets no turn.
        """
        costs = [None if (size := size_of(one)) is None else size + ELEMENT_BYTES for one in range(len(self._deficits))]
        for one, cost in enumerate(costs):
            if cost is None:
                self._deficits[one] = 0
        if all(cost is None for cost in costs):
            return None
        while True:
            served = self._round(costs)
            if served is not None:
                return served
            self._pass_over(costs)

    def _round(self, costs: list[int | None]) -> int | None:
        """Go round once, from the channel at hand; gives the first that can be served."""
        for _ in range(len(costs) + 1):
            cost = costs[self._at]
            if cost is not None:
                if not self._given:
                    self._deficits[self._at] += QUANTUM
                    self._given = True
                if cost <= self._deficits[self._at]:
                    self._deficits[self._at] -= cost
                    return self._at
            self._at = (self._at + 1) % len(costs)
            self._given = False
        return None

    def _pass_over(self, costs: list[int | None]) -> None:
        """Give everybody the quanta of the rounds in which nobody would be served."""
        missing = [cost - held for cost, held in zip(costs, self._deficits, strict=True) if cost is not None]
        rounds = max(-(-min(missing) // QUANTUM) - 1, 0)
        for one, cost in enumerate(costs):
            if cost is not None:
                self._deficits[one] += rounds * QUANTUM
