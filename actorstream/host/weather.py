"""What a simulated network does to what crosses it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weather:
    """How long things take on their way, and how often they come to harm: probabilities, a frame.

    All but the delay break, on purpose, what a connection guarantees; who must survive that is the layer above.

    Attributes:
        delay_us: the shortest and the longest way. Order is kept all the same: what was sent later waits.
        loss: the frame vanishes, and nobody is told.
        duplication: it arrives a second time, later.
        reorder: it is held up where it would have arrived, so that others may overtake it.
        reset: the connection breaks: all that is under way in it is lost, and each end learns of it after a way of its
            own.
    """

    delay_us: tuple[int, int] = (50, 500)
    loss: float = 0.0
    duplication: float = 0.0
    reorder: float = 0.0
    reset: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.delay_us[0] <= self.delay_us[1]:
            raise ValueError(f"delay_us is (shortest, longest), both at least 0, not {self.delay_us}")
        for name in ("loss", "duplication", "reorder", "reset"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} is a probability between 0 and 1, not {getattr(self, name)}")
