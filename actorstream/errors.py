"""Every exception that a user can meet.

```
ActorstreamError                 facts as attributes; `retriable`, `exit_status`
├── Mistake                      a person's mistake: exit status 2, never a traceback
│   ├── PlanError                the program's operators do not fit together
│   │   └── NoSuchOperator       a stream does not have it as it is
│   ├── BadInput                 a value, line or file that does not parse or does not fit its Record
│   ├── UnknownTopic             no topic of that name
│   ├── TopicMismatch            the same topic declared in two ways
│   ├── DirectoryInUse           another process holds the data directory
│   ├── UnsupportedFormat        a file written by a newer version
│   ├── Corrupt                  bytes on disk that fail their check
│   ├── DiskFull                 no space left for the log
│   ├── OffsetOutOfRange         a read outside the log
│   ├── MissingExtra             a library of an optional extra is not installed
│   └── OutsideSimulation        a coroutine under test asked for a socket, a thread, a process
├── OperatorError                a user's function raised
├── JobFailed                    a job ended for another reason
├── AskTimeout                   an actor did not answer in time
├── ActorTerminated              an actor ended before it answered
├── LinkedFailure                an actor failed because one that it is linked to did
├── Poisoned                     an actor stays down, because one message crashed it again and again
├── MailboxFull                  a bounded mailbox overflowed: a bug in a protocol
├── ChannelBroken                what came through a channel is not what was sent
├── Fenced                       a newer epoch took over
└── SyncFailed                   the disk refused to make a write durable
```
"""

from __future__ import annotations

__all__ = [
    "ActorTerminated",
    "ActorstreamError",
    "AskTimeout",
    "BadInput",
    "ChannelBroken",
    "Corrupt",
    "DirectoryInUse",
    "DiskFull",
    "Fenced",
    "JobFailed",
    "LinkedFailure",
    "MailboxFull",
    "MissingExtra",
    "Mistake",
    "NoSuchOperator",
    "OffsetOutOfRange",
    "OperatorError",
    "OutsideSimulation",
    "PlanError",
    "Poisoned",
    "SyncFailed",
    "TopicMismatch",
    "UnknownTopic",
    "UnsupportedFormat",
]


class ActorstreamError(Exception):
    """Base of all errors of the project.

    `retriable` says whether the same call may succeed later; `exit_status` is what a command ends with.
    """

    retriable = False
    exit_status = 1


class Mistake(ActorstreamError):
    """Something that a person got wrong; the message says what, with which value, and what to do."""

    exit_status = 2


class PlanError(Mistake, ValueError):
    """The operators of a program do not fit together (a name used twice, a missing key, an unknown field)."""


class NoSuchOperator(PlanError, AttributeError):
    """A stream does not have this operator as it is; the message says what to say before it."""


class BadInput(Mistake, ValueError):
    """A value, line or file does not parse, or does not fit the Record that was asked for."""


class UnknownTopic(Mistake, LookupError):
    """The log has no topic of this name."""

    def __init__(self, topic: str, known: tuple[str, ...] = ()) -> None:
        there = f"There are: {', '.join(known)}." if known else "There are none yet."
        super().__init__(f"there is no topic {topic!r}. {there}")
        self.topic = topic


class TopicMismatch(Mistake, ValueError):
    """A topic was declared, or exists, in another way than it is asked for."""


class DirectoryInUse(Mistake):
    """Another process has the data directory open."""

    retriable = True

    def __init__(self, directory: str, pid: int | None) -> None:
        holder = f"process {pid}" if pid else "another process"
        super().__init__(
            f"{directory} is in use by {holder}; stop that process, or choose another directory with --data"
        )
        self.directory = directory
        self.pid = pid


class UnsupportedFormat(Mistake):
    """A file carries a format version that this version does not know."""

    def __init__(self, path: str, found: object, known: object) -> None:
        super().__init__(
            f"{path}: format version {found} is newer than {known}, the newest that this version of actorstream "
            "reads; upgrade actorstream to open it"
        )
        self.path = path
        self.found = found


class Corrupt(Mistake):
    """Bytes on disk fail their check; nothing was changed."""

    def __init__(self, path: str, position: int, what: str) -> None:
        super().__init__(
            f"{path}: corrupt at byte {position}: {what}. Nothing was changed; restore this file from a copy"
        )
        self.path = path
        self.position = position


class DiskFull(Mistake):
    """The disk has no space left; what was being written is not in the log."""

    retriable = True

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path}: no space left on the disk; nothing of the last write was kept. Free some space and run it again"
        )
        self.path = path


class OffsetOutOfRange(Mistake):
    """A read asked for an offset that the partition does not hold."""

    def __init__(self, partition: str, requested: int, start: int, end: int) -> None:
        super().__init__(f"{partition}: offset {requested} is outside [{start}, {end})")
        self.partition, self.requested, self.start, self.end = partition, requested, start, end


class MissingExtra(Mistake, ImportError):
    """A connector's library is not installed."""

    def __init__(self, module: str, extra: str) -> None:
        super().__init__(f"{module} is not installed; run: pip install 'actorstream[{extra}]'")


class OutsideSimulation(Mistake, RuntimeError):
    """A coroutine asked for what a simulation does not have: a socket, a thread, a process.

    Raised by the loop of `testing.run`, `testing.simulate` and `app.collect`. No failure policy applies.
    """

    def __init__(self, what: str, call: str) -> None:
        super().__init__(
            f"there are no {what} in memory, where a coroutine called {call}; give it a fake client there, or run the "
            "app with app.run()"
        )
        self.what = what


class OperatorError(ActorstreamError):
    """A user's function raised; chained to the original exception.

    Attributes name the operator, a shortened record, and where it came from (None where it came from no topic).
    """

    def __init__(
        self,
        operator: str,
        record: str,
        topic: str | None = None,
        partition: int | None = None,
        offset: int | None = None,
        cause: str = "",
    ) -> None:
        place = f", {topic}-{partition} at offset {offset}" if topic is not None else ""
        super().__init__(f"operator {operator!r} failed on {record}{place}: {cause}")
        self.operator, self.record = operator, record
        self.topic, self.partition, self.offset = topic, partition, offset


class JobFailed(ActorstreamError):
    """A job ended without finishing its work; the message says why."""


class AskTimeout(ActorstreamError, TimeoutError):
    """An actor did not answer in time; it may still do what it was asked."""

    retriable = True


class ActorTerminated(ActorstreamError):
    """The actor that was asked has ended, so no answer will come."""


class Unsendable(ActorstreamError, TypeError):
    """A message holds something that cannot leave this process, or is too large. Says what, and what to do."""


class RemoteError(ActorstreamError):
    """An error that was raised in another process.

    Attributes:
        kind: its class, as "builtins.ValueError".
        text: what it said.
        trace: where it was raised, as text.
    """

    def __init__(self, kind: str, text: str, trace: str = "") -> None:
        super().__init__(f"{kind}: {text}")
        self.kind = kind
        self.text = text
        self.trace = trace

    def is_a(self, kind: type[BaseException]) -> bool:
        """Whether it was of exactly this class there."""
        return self.kind == f"{kind.__module__}.{kind.__qualname__}"


class LinkedFailure(ActorstreamError):
    """An actor failed because one that it is linked to has ended. Its `__cause__` is that one's error, if any."""


class Poisoned(ActorstreamError):
    """An actor stays down: the same message crashed it so often as its `poison` rule allows. Chained to the error."""


class MailboxFull(ActorstreamError):
    """A bounded mailbox overflowed. Bounds are derived from the protocol, so this is a bug to report."""


class ChannelBroken(ActorstreamError):
    """Something came through a channel out of its epoch or its sequence: its ends do not mean the same channel.

    Open the channel in a new epoch; an actor that lets the error end it does so when it starts again.
    """

    retriable = True

    def __init__(self, channel: str, why: str) -> None:
        self.channel = channel
        super().__init__(f"channel {channel!r} is broken: {why}")


class Fenced(ActorstreamError):
    """A newer epoch of the same job, or of the same producer, took over."""


class SyncFailed(ActorstreamError):
    """The disk did not make a write durable. It is never retried: the page cache can no longer be trusted."""
