"""When what goes wrong in one seed: a list of faults, each with the moment at which it strikes. Pure.

Most moments are a number of steps after the last one, sometimes very few, because beginnings must be hit, too. The
others wait for a message of a certain kind to be handled: between a question and its answer, between an answer and what
it leads to, lie the schedules that break protocols, and a number of steps rarely hits them.
"""

from __future__ import annotations

from typing import NamedTuple

from actorstream.actors.trace import Trace
from actorstream.host import Entropy
from actorstream.testing.faults import Faults

FAULTS_PER_SEED_MAX = 16

LOOK = "look"
"""No fault: somebody reads all output at this moment."""

_DECISION = "decision"
"""Stands for whatever the partition of a job's log does."""

_LOOKS_MAX = 3
_TIMES_MAX = 12  # Of a kind of message that a moment waits for.
_KINDS = (
    "Ack",
    "Append",
    "Appended",
    "AtEnd",
    "CommitDone",
    "Committed",
    "EpochOpened",
    "Flow",
    "Flush",
    "Flushed",
    "MarkersWritten",
    "OpenChannel",
    "OpenEpoch",
    "Prepare",
    "Prepared",
    "Resume",
    "Synced",
    "Terminated",
    "Trigger",
    "WriteMarkers",
    "_on_background",
    _DECISION,
    _DECISION,
    _DECISION,
)
_JOB_LOG = "/__job."


class Moment(NamedTuple):
    """A fault, and when: after so many steps, or as soon as `times` messages of a `kind` were handled, if before."""

    fault: str
    steps: int
    kind: str | None = None
    times: int = 0


class Witness(Trace):
    """A trace that remembers what happened last, and counts one kind of message."""

    __slots__ = ("_kind", "count", "last_path")

    def __init__(self) -> None:
        super().__init__()
        self.last_path = ""
        self.wait_for(None)

    def wait_for(self, kind: str | None) -> None:
        """Count messages of this kind from now on."""
        self._kind = kind
        self.count = 0

    def add(self, now_us: int, path: str, what: str) -> None:
        """See `Trace`."""
        super().add(now_us, path, what)
        self.last_path = path
        self.count += what == self._kind or (self._kind == _DECISION and _JOB_LOG in path)


def schedule(faults: Faults, entropy: Entropy, steps: int) -> list[Moment]:
    """The moments of one seed, in order: as many of each fault as its rate says, on average.

    Args:
        steps: how many the job needs when nothing goes wrong.
    """
    plan = []
    for name, rate in faults.rates().items():
        count = int(rate) + entropy.chance(rate - int(rate))
        plan += [name] * entropy.between(0, 2 * count)
    plan = plan[:FAULTS_PER_SEED_MAX]
    if faults.rates():
        plan += [LOOK] * entropy.between(0, _LOOKS_MAX)
    entropy.shuffle(plan)
    return [_moment(fault, entropy, steps) for fault in plan]


def _moment(fault: str, entropy: Entropy, steps: int) -> Moment:
    if entropy.chance(0.5):
        return Moment(fault, max(steps // 3, 1), entropy.choice(_KINDS), entropy.between(1, _TIMES_MAX))
    most = entropy.choice((10, 100, 1_000, max(steps // 4, 1)))
    return Moment(fault, entropy.between(1, most))
