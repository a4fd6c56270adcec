"""Errors as refusals, and refusals as errors again: what the log's actors find, its askers raise."""

from __future__ import annotations

from actorstream.errors import (
    ActorstreamError,
    Corrupt,
    DiskFull,
    Fenced,
    OffsetOutOfRange,
    TopicMismatch,
    UnknownTopic,
    UnsupportedFormat,
)
from actorstream.log.batch import BadBatch
from actorstream.log.messages import REFUSALS, Refused


class EndMoved(ActorstreamError):
    """A conditional append found that the log ends elsewhere: somebody else appended."""


class NotOpen(ActorstreamError):
    """A job's producer wrote before its epoch was opened in this partition."""

    retriable = True


class OutOfOrder(ActorstreamError):
    """A producer's sequence has a gap: records before these are not in the log."""


class SlotBusy(ActorstreamError):
    """The producer's earlier transaction is still open in this partition."""

    retriable = True


class TopicInUse(TopicMismatch):
    """A job uses the topic."""


_KINDS: dict[str, type[ActorstreamError]] = {
    "unknown_topic": UnknownTopic,
    "topic_mismatch": TopicMismatch,
    "topic_in_use": TopicInUse,
    "corrupt_batch": BadBatch,
    "end_moved": EndMoved,
    "fenced": Fenced,
    "out_of_order": OutOfOrder,
    "not_open": NotOpen,
    "slot_busy": SlotBusy,
    "offset_out_of_range": OffsetOutOfRange,
    "disk_full": DiskFull,
    "corrupt": Corrupt,
    "unsupported": UnsupportedFormat,
}
_CODES = {kind: code for code, kind in _KINDS.items()}

assert set(_KINDS) == set(REFUSALS)


def refusal(request: int, error: ActorstreamError) -> Refused:
    """The answer that says why a question could not be served.

    Raises:
        ActorstreamError: `error` itself, if it is none that an asker could be told.
    """
    code = _CODES.get(type(error))
    if code is None:
        raise error
    facts = {name: value for name, value in vars(error).items() if isinstance(value, str | int | None)}
    return Refused(request, code, str(error), facts)


def error_of(refused: Refused) -> ActorstreamError:
    """The error that a refusal stands for."""
    kind = _KINDS.get(refused.code, ActorstreamError)
    error = kind.__new__(kind, refused.reason)  # Not through its constructor: the text is made already.
    vars(error).update(refused.facts)
    return error
