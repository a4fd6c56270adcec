"""What an operator does when its function raises: call again, skip, write a dead letter, or end the job.

Theory of operation. Nothing is done while all goes well: a batch runs through as fast as ever. When a call raises, what
was made before it is kept, the policy is asked about that one record, and the batch goes on behind it; no other record
is processed twice. Before a further call the stage pauses until the wait is over (`pausable`): the task takes no other
input meanwhile, but hears its messages, and a barrier waits, so that no checkpoint cuts a record in two. So how often a
record has been tried need not be in the state: after a crash it is tried from the beginning.

A dead letter is pushed into a side output of the stage, which leads to a sink of the topic as any other: it is
part of the same checkpoint as the rest of what the record did.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Any

import msgspec

from actorstream.errors import BadInput, OperatorError
from actorstream.log.client import encode_value
from actorstream.model.instant import Instant
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.failure import alone, consumed, fail, show, user_traceback
from actorstream.streams.engine.pausable import PausableStage, Pause
from actorstream.streams.engine.stage import Stage
from actorstream.streams.policies import Policy

FAILED: Any = object()
"""What a call gives that failed for good, by a policy that goes on without the record."""

Attempt = Generator[Pause, None, Any]
"""Calls with waits between them; gives a result or `FAILED`."""

Now = Callable[[], Instant]


class Guard:
    """The policy of one operator. `stage` counts what was left out, and has the side output for dead letters."""

    def __init__(self, stage: Stage, operator: str, policy: Policy | None, now: Now) -> None:
        self.policy = policy or Policy()
        self.is_plain = self.policy.is_plain
        self._stage = stage
        self._operator = operator
        self.now = now

    def each(
        self,
        function: Callable[[Any], Any],
        batch: Batch,
        values: Sequence[Any],
        places: Sequence[int] | None = None,
        shown: Callable[[Any], Any] = lambda value: value,
    ) -> Generator[Pause, None, tuple[list[int], list[Any]]]:
        """`function` of each value, under the policy.

        Args:
            places: which record of the batch each value belongs to, if not one after the other.
            shown: what a dead letter has as the record, given the value.

        Returns:
            The indices of the values that failed, in order, and what was made of the others.
        """
        failed: list[int] = []
        results: list[Any] = []
        left = iter(values)
        calls = map(function, left)
        while True:
            try:
                results.extend(calls)
                if len(results) + len(failed) == len(values):
                    return failed, results
                raise RuntimeError("the function raised StopIteration")  # Which ends a `map` without a word.
            except Exception as error:
                at = consumed(left, len(values))
                place = at if places is None else places[at]
                again = partial(function, values[at])
                result = yield from self.rescue(error, again, batch, place, shown(values[at]))
            if result is FAILED:
                failed.append(at)
            else:
                results.append(result)

    def rescue(
        self, error: Exception, again: Callable[[], Any], batch: Batch, place: int, value: Any, shown: str = ""
    ) -> Attempt:
        """The first call raised `error`: call `again` as the policy says, and then do what it says."""
        handled = sys.exception()
        for wait_us in self.policy.waits_us():
            if isinstance(error, OperatorError):
                break  # Of another operator, or of the engine.
            yield self.now() + wait_us
            try:
                return again()
            except Exception as another:
                error = alone(another, handled)
        self.give_up(error, batch, place, value, shown)
        return FAILED

    def give_up(self, error: Exception, batch: Batch, place: int, value: Any, shown: str = "") -> None:
        """Skip the record, write its dead letter, or raise.

        Raises:
            OperatorError: the policy ends the job.
        """
        if self.policy.end == "fail" or isinstance(error, OperatorError):
            fail(self._operator, batch, place, error, value, shown)
        stage = self._stage
        stage.last_failure = f"operator {self._operator!r} on {shown or show(value)}: {_said(error)}"
        if self.policy.topic is None:
            stage.skipped += 1
            return
        stage.dead_letters += 1
        letters = stage.letters.get(self.policy.topic.name)
        if letters is not None:  # None in `collect`, which writes nothing.
            letters.push(_letter_batch(letter(self._operator, value, error, *_place(batch, place)), batch, place))


class GuardedStage(PausableStage):
    """A stage whose function is called under one policy."""

    def __init__(self, name: str, policy: Policy | None, now: Now) -> None:
        super().__init__(name)
        self.guard = Guard(self, name, policy, now)


def kept(failed: list[int], count: int) -> list[int]:
    """The indices below `count` that have not failed."""
    gone = dict.fromkeys(failed)
    return [index for index in range(count) if index not in gone]


def letter(
    operator: str, record: Any, error: Exception, topic: str | None, partition: int | None, offset: int | None
) -> dict[str, Any]:
    """A dead letter."""
    return {
        "record": as_json(record),
        "operator": operator,
        "error": _said(error),
        "traceback": user_traceback(error),
        "topic": topic,
        "partition": partition,
        "offset": offset,
    }


def as_json(value: Any) -> Any:
    """The value as a topic would hold it; what has no JSON as text."""
    try:
        return msgspec.json.decode(encode_value(value))
    except (BadInput, msgspec.MsgspecError, TypeError, ValueError, RecursionError):
        return show(value)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _place(batch: Batch, place: int) -> tuple[str | None, int | None, int | None]:
    return batch.place(place) if 0 <= place < len(batch) else (None, None, None)


def _letter_batch(one: dict[str, Any], batch: Batch, place: int) -> Batch:
    if 0 <= place < len(batch):
        return batch.choose([place], [one], dict)
    return Batch([one], kind=dict)
