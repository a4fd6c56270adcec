"""What the actors of one job say to each other.

Data plane: `Flow`, under credit. Control plane: everything else; none of it carries a barrier.
"""

from __future__ import annotations

from typing import Any

import msgspec

from actorstream.actors import Message, Terminated
from actorstream.log.client import Cut, StateRange
from actorstream.streams.engine.packed import Packed, Parcel
from actorstream.streams.job.elements import Element

# --- data plane ------------------------------------------------------------------------------------------------------


class Flow(Message):
    """One element of a data channel, in its place.

    `kind`: the type of a batch's values, by its number among those of the plan, where channels lead to other nodes.
    """

    epoch: int
    channel: str
    sequence: int
    element: Element | Parcel | Packed
    records: int = 0
    size: int = 0
    kind: int = 0


class Called(Message):
    """To an async task, from its crew: calls that have ended."""

    epoch: int
    outcomes: list[Any]


class CutOverdue(Message):
    """To an async task, from itself: a barrier has waited long for calls before it."""

    epoch: int
    checkpoint: int


class OpenChannel(Message):
    """The receiver of a channel is in this epoch: the sender may send so much."""

    epoch: int
    channel: str
    records: int
    size: int


class Credit(Message):
    """The receiver has taken so many elements for processing; the sender may go on.

    `records`, `size`: up to where, counted like `taken` from the beginning of the epoch.
    """

    epoch: int
    channel: str
    taken: int
    records: int
    size: int


# --- the coordinator and its tasks -----------------------------------------------------------------------------------


class Progress(msgspec.Struct, frozen=True):
    """How far a task is, for people.

    `records_in`: what it has read or been sent; `records_out`: what it has written into topics and sinks.
    `missing_records`, `duplicate_records`: by the numbers of a topic with a `sequence`, since the job began.
    """

    records_in: int = 0
    records_out: int = 0
    watermark: int = 0
    open_windows: int = 0
    late_records: int = 0
    missing_records: int = 0
    duplicate_records: int = 0
    skipped: int = 0
    dead_letters: int = 0


class Restore(msgspec.Struct, frozen=True):
    """What a checkpoint holds, for tasks to begin from."""

    checkpoint: int = 0
    sources: dict[str, Any] = {}
    watermarks: dict[str, int] = {}
    state: dict[str, tuple[StateRange, ...]] = {}
    handles: dict[str, tuple[str, ...]] = {}
    instances: dict[str, int] = {}
    schemas: dict[str, dict[str, Any]] = {}


class Prepare(Message):
    """Be ready for an epoch: roll back or load, send nothing. Answered by `Prepared`."""

    epoch: int
    first_checkpoint: int
    lanes: dict[str, tuple[int, int]]  # lane → (first producer id, producer epoch)
    restore: Restore
    ends: dict[str, int]  # split → where its topic ended when the run began


class Prepared(Message):
    epoch: int
    task: str


class Resume(Message):
    """All tasks are prepared: open the channels and go on."""

    epoch: int


class Go(Message):
    """The tables are read: a source that waited for them may start."""

    epoch: int


class Moved(Message):
    """A split's watermark is so far; None: it holds nobody back now."""

    epoch: int
    task: str
    watermark: int | None


class Pace(Message):
    """To source tasks: wait where the watermark is above this."""

    epoch: int
    limit: int


class TellTime(Message):
    """Answered by `TaskTime`."""

    question: int


IDLE, SILENT, AHEAD, WAITING, BEHIND = "idle", "silent", "ahead", "waiting for a table", "behind"
"""What a split does: it is silent and holds nothing back; it is silent; it waits for slower ones; it has not begun
because a table is not read; it reads."""


class TaskTime(Message):
    """How far in event time a task is; `state`: what its split does, empty if it reads none.

    `waits_us`: how much longer a silent split must be silent until it is idle.
    """

    question: int
    task: str
    watermark: int
    state: str = ""
    waits_us: int = 0


class Trigger(Message):
    """To source tasks: emit the barrier of this checkpoint."""

    epoch: int
    checkpoint: int


class Ack(Message):
    """A task's part of a checkpoint is on stable storage."""

    epoch: int
    checkpoint: int
    task: str
    sources: dict[str, Any]
    watermarks: dict[str, int]
    state: dict[str, tuple[StateRange, ...]]
    sinks: dict[str, dict[str, Cut]]
    handles: dict[str, tuple[str, ...]]
    progress: Progress


class Committed(Message):
    """The checkpoint is decided. Answered by `CommitDone` once two-phase sinks have committed."""

    epoch: int
    checkpoint: int


class CommitDone(Message):
    epoch: int
    checkpoint: int
    task: str


class Wake(Message):
    """A task's message to itself: what a stage has paused for may have come."""

    epoch: int


class Dirty(Message):
    """Something happened since the last barrier that a checkpoint should hold."""

    epoch: int


class TableLoaded(Message):
    """A join has read its table to where it ended when the epoch began."""

    epoch: int
    task: str


class AtEnd(Message):
    """A task has nothing more to do: its input has ended, or (`caught_up`) it has read what was there."""

    epoch: int
    task: str
    ended: bool


# --- a task to itself ------------------------------------------------------------------------------------------------


class Continue(Message):
    """Go on working; sent to oneself, so that other messages come between."""

    epoch: int


class Read(Message):
    """A blocking source has read."""

    epoch: int
    chunk: Any


class Done(Message):
    """Background work on behalf of a checkpoint is done."""

    epoch: int
    token: str


class Tick(Message):
    """Time to look whether something is due."""

    epoch: int


# --- the coordinator to itself, and its users ------------------------------------------------------------------------


class TriggerDue(Message):
    epoch: int


class RetryDue(Message):
    """The pause before another attempt is over."""


class PrepareOverdue(Message):
    epoch: int


class StopJob(Message):
    """Take a last checkpoint, commit it, and stop."""


class DrainOverdue(Message):
    """To the coordinator, from itself: a job that was told to stop has not come to its last checkpoint."""


class Leave(Message):
    """The job has ended, and nobody will ask about it any more."""


class TakeSavepoint(Message):
    """Name the next checkpoint. Answered by `SavepointTaken`."""

    name: str


class SavepointTaken(Message):
    name: str
    checkpoint: int


class WhyOpen(Message):
    """Ask who holds back what ends at `end`. Answered by `Holders`."""

    end: int


class Holders(Message):
    holders: tuple[TaskTime, ...]


class ReadState(Message):
    """To a task: what an operator holds for a key. Answered by `StateRead`.

    `decided`: as of the last checkpoint, not now.
    """

    operator: str
    key: bytes
    decided: bool


class StateRead(Message):
    """`is_ready`: False while the task is getting ready; ask again."""

    is_ready: bool
    value: Any = None


class GetStatus(Message):
    """Answered by `JobStatus`."""


class JobStatus(Message):
    """How a job is doing.

    `state`: starting, running, recovering, finished or failed. `age_us`: of the last checkpoint.
    """

    job: str
    state: str
    epoch: int
    checkpoint: int
    checkpoints: int
    restarts: int
    progress: dict[str, Progress]  # task → how far it is
    age_us: int | None
    error: str = ""


TaskTerminated = Terminated
