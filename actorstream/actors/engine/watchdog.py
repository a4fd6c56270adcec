"""When a handler hangs: decides what to do about it. No thread and no clock here; whoever looks says how long it is.

A handler that runs longer than `REPORT_US` is reported, once. One whose actor has said after how long it hangs
(`hang_after`) is ended when it takes longer than that, with its process, because a thread cannot be ended.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

LOOK_SECONDS = 0.1
"""How often somebody should look."""

REPORT_US = 5_000_000
"""How long a handler may run before that is said."""


class Busy(NamedTuple):
    """What a loop is doing.

    Attributes:
        path: of the actor.
        handler: the name of the message's type.
        elapsed_us: for how long.
        hang_after_us: after how long its process is to be ended; None is never.
    """

    path: str
    handler: str
    elapsed_us: int
    hang_after_us: int | None = None

    @property
    def seconds(self) -> float:
        """For how long, for people."""
        return self.elapsed_us / 1e6


class Verdict(Enum):
    """What to do."""

    FINE = "fine"
    REPORT = "report"
    END = "end"


class Watchdog:
    """See the module.

    Args:
        report_us: how long a handler may run before that is said.
        may_end: whether its process may be ended for it; otherwise that is only reported.
    """

    def __init__(self, *, report_us: int = REPORT_US, may_end: bool = True) -> None:
        self._report_us = report_us
        self._may_end = may_end
        self._before: Busy | None = None
        self._reported = False

    def look(self, busy: Busy | None) -> Verdict:
        """What to do about what the loop does now; None is that it waits."""
        if busy is None or not self._is_still(busy):
            self._reported = False
        self._before = busy
        if busy is None:
            return Verdict.FINE
        if self._may_end and busy.hang_after_us is not None and busy.elapsed_us > busy.hang_after_us:
            return Verdict.END
        if self._reported or busy.elapsed_us <= self._patience_us(busy):
            return Verdict.FINE
        self._reported = True
        return Verdict.REPORT

    def _is_still(self, busy: Busy) -> bool:
        """Whether it is the same run of the same handler as before: another one would not have run for longer."""
        before = self._before
        return (
            before is not None
            and before.path == busy.path
            and before.handler == busy.handler
            and before.elapsed_us <= busy.elapsed_us
        )

    def _patience_us(self, busy: Busy) -> int:
        if busy.hang_after_us is None:
            return self._report_us
        return min(self._report_us, busy.hang_after_us)
