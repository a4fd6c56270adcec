"""What becomes of a record that a user's function fails on: `fail`, `skip`, `dead_letter(topic)`, `retry(...)`.

A policy is data: said once, by `on_error=`, and carried by the operator's node. What it makes an operator do is in
`engine/guard.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from actorstream.errors import PlanError
from actorstream.model.duration import duration_us
from actorstream.model.record import field_names, is_record_type
from actorstream.model.topic import Topic
from actorstream.streams.site import user_site

LETTER_FIELDS = ("record", "operator", "error", "traceback", "topic", "partition", "offset")
"""The fields of a dead letter."""

RETRIES_MAX = 1_000
"""Calls after the first that a policy may ask for: while one record is tried again, those behind it wait."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What an operator does when its function raises; combine `retry(...)` with another by `|`.

    `times` more calls, the first after `first_wait_us`, each later one after twice as long, `last_wait_us` at most;
    then `end`: "fail", "skip" or "dead_letter".
    """

    end: str = "fail"
    topic: Topic[Any] | None = None
    times: int = 0
    first_wait_us: int = 0
    last_wait_us: int = 0

    def __or__(self, other: Policy) -> Policy:
        """First this, which must be a `retry`, then the other."""
        if not isinstance(other, Policy):
            return NotImplemented
        if not self.times or self.end != "fail" or other.times:
            raise PlanError(
                f"on_error at {user_site()} is {self} | {other}; only one retry(...) may have something behind it: "
                "retry(times=3) | skip"
            )
        return replace(self, end=other.end, topic=other.topic)

    def __repr__(self) -> str:
        last = f"dead_letter({self.topic.name!r})" if self.topic is not None else self.end
        if not self.times:
            return last
        again = f"retry(times={self.times})"
        return again if self.end == "fail" else f"{again} | {last}"

    @property
    def is_plain(self) -> bool:
        """Whether the first failure stops the job."""
        return self.end == "fail" and not self.times

    def waits_us(self) -> Iterator[int]:
        """How long to wait before each further call."""
        wait_us = self.first_wait_us
        for _ in range(self.times):
            yield min(wait_us, self.last_wait_us)
            wait_us = min(wait_us * 2, self.last_wait_us)


fail = Policy()
"""Stop the job with an `OperatorError`: what happens if nothing else is said."""

skip = Policy("skip")
"""Leave the record out; it is counted, and a log line says how many."""


def dead_letter(topic: Topic[Any]) -> Policy:
    """Write the record into a topic, exactly once, and leave it out.

    What is written is an object `{record, operator, error, traceback, topic, partition, offset}`: the record as JSON
    as the operator was given it, and where it was read, None where that was no topic.

    Args:
        topic: without a type (`app.topic("bad")`), of `dict`, or of a Record with these fields.

    Raises:
        PlanError: not a topic, or one whose type a dead letter does not fit.

    Example:
        >>> from actorstream import App, dead_letter
        >>> from actorstream.testing import run
        >>> app = App("doc")
        >>> words, numbers, bad = app.topic("words", str), app.topic("numbers", int), app.topic("bad")
        >>> app.stream(words).map(int, on_error=dead_letter(bad)).to(numbers)
        >>> output = run(app, {words: ["1", "two", "3"]})
        >>> output[numbers], [(letter["record"], letter["offset"]) for letter in output[bad]]
        ([1, 3], [('two', 1)])
    """
    if not isinstance(topic, Topic):
        raise PlanError(f'dead_letter at {user_site()} was given {topic!r}; give it a topic: app.topic("bad")')
    kind = topic.type
    fits = kind in (None, Any, dict) or getattr(kind, "__origin__", None) is dict
    if not fits and not (is_record_type(kind) and set(field_names(kind)) <= set(LETTER_FIELDS)):
        raise PlanError(
            f"dead_letter at {user_site()}: topic {topic.name!r} is of {getattr(kind, '__name__', kind)}, and a dead "
            f"letter is an object with {', '.join(LETTER_FIELDS)}; declare the topic without a type"
        )
    return Policy("dead_letter", topic)


_BACKOFF = 'backoff (one duration, or the first and the longest: "100ms..10s")'


def retry(*, times: int = 3, backoff: str = "100ms..10s") -> Policy:
    """Call the function again, `times` at most, then stop the job, or what follows `|`.

    The operator waits between two calls, and so does what follows the record; other operators, and the rest of the
    process, go on.

    Args:
        times: calls after the first.
        backoff: the wait before the first of them and the longest; each is twice the one before. One duration: always
            as long.

    Raises:
        ValueError: not a number of calls from 1 to 1000, or not two durations that rise.

    Example:
        >>> from actorstream import App, retry, skip
        >>> app, calls = App("doc"), []
        >>> def flaky(n: int) -> int:
        ...     calls.append(n)
        ...     return 10 // (n - 1)
        >>> app.collect(app.stream([1, 2]).map(flaky, on_error=retry(times=2, backoff="1ms") | skip))
        [10]
        >>> calls
        [1, 1, 1, 2]
    """
    if isinstance(times, bool) or not isinstance(times, int) or not 1 <= times <= RETRIES_MAX:
        raise PlanError(
            f"retry at {user_site()}: times is {times!r}; give the calls after the first, from 1 to {RETRIES_MAX}"
        )
    first, _, last = backoff.partition("..") if isinstance(backoff, str) else (backoff, "", "")
    first_us = duration_us(first, what=_BACKOFF)
    last_us = duration_us(last, what=_BACKOFF) if last else first_us
    if last_us < first_us:
        raise PlanError(
            f'retry at {user_site()}: backoff is {backoff!r}; the first wait is the shorter one: "100ms..10s"'
        )
    return Policy("fail", None, times, first_us, last_us)


def checked(on_error: Policy | None, operation: str) -> Policy | None:
    """The policy itself.

    Raises:
        PlanError: it is none.
    """
    if on_error is not None and not isinstance(on_error, Policy):
        raise PlanError(
            f"{operation} at {user_site()}: on_error is {on_error!r}; it is fail, skip, dead_letter(topic), "
            "retry(times=3), or retry(times=3) | skip"
        )
    return on_error
