"""Calls an operator's function under a failure policy: behind the stage that says with what, and when.

A stage that knows windows, matches or pairs emits these themselves, where its operator has a policy; this one calls the
function with each. So what fails is one call: the state of the stage in front does not know of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.emitted import emitted
from actorstream.streams.engine.guard import GuardedStage, Now, kept
from actorstream.streams.engine.pausable import Work
from actorstream.streams.pattern import Match
from actorstream.streams.plan.joins import Join
from actorstream.streams.plan.nodes import MatchPattern, Node
from actorstream.streams.windows import Window

SHOWN_RECORDS_MAX = 1_000
"""Records of a window or a match in a dead letter; the first of them, if there are more."""


class CallStage(GuardedStage):
    """See the module.

    Args:
        call: what the operator gives for one value.
        shown: what a dead letter has as the record, given the value.
    """

    def __init__(self, node: Node, call: Callable[[Any], Iterable[Any]], shown: Callable[[Any], Any], now: Now) -> None:
        super().__init__(node.name, node.on_error, now)
        self._call, self._shown = call, shown
        self._kind = node.type

    def work(self, batch: Batch) -> Work:
        given = batch.rows()
        failed, results = yield from self.guard.each(self._values, batch, given, shown=self._shown)
        places: list[int] = []
        values: list[Any] = []
        for place, made in zip(kept(failed, len(given)), results, strict=True):
            places.extend([place] * len(made))
            values.extend(made)
        self.emit(batch.choose(places, values, self._kind))

    def _values(self, value: Any) -> list[Any]:
        return list(self._call(value))


def call_matches(node: MatchPattern, now: Now) -> CallStage:
    """For `match`: what comes in are matches."""
    return CallStage(node, lambda match: emitted(node.function(match)), _shown_match, now)


def call_pairs(node: Join, now: Now) -> CallStage:
    """For joins: what comes in are pairs."""
    function = node.function
    assert function is not None
    return CallStage(node, lambda pair: (function(*pair),), lambda pair: pair, now)


def shown_window(window: Window[Any, Any]) -> dict[str, Any]:
    """A window as a dead letter has it."""
    records = list(window)[:SHOWN_RECORDS_MAX]
    return {"key": window.key, "start": window.start, "end": window.end, "records": records}


def _shown_match(match: Match[Any, Any]) -> dict[str, Any]:
    records = list(match)[:SHOWN_RECORDS_MAX]
    return {"key": match.key, "start": match.start, "end": match.end, "records": records}
