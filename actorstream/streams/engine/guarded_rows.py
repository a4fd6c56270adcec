"""A chain of row operators of which some have a failure policy.

Theory of operation. The chain is the same generated text as without policies (`rows`), as a generator of pairs (index
of the input row, value). When an operator raises, the frame of the generated function tells which one it was, by its
line, and what it was given, by its variables; so only that call is made again, or given up, and what an operator behind
it is given is taken there one by one. Then a new generator goes on behind the record, over the same iterator: nothing
is called twice but what the policy calls again.

A record's values go out only when it is through: of a record that fails in the middle of its `flat_map` nothing is
given. A chain has no operator with a policy behind a `flat_map` (`plan/rules/fuse.py`), so one value is at hand
wherever one fails.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Generator
from functools import partial
from itertools import islice
from operator import itemgetter
from typing import Any

from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.failure import alone
from actorstream.streams.engine.guard import FAILED, Guard, Now
from actorstream.streams.engine.pausable import PIECE_RECORDS, PausableStage, Pause, Work
from actorstream.streams.engine.rows import compile_chain, failed_step, input_of, spreads
from actorstream.streams.plan.nodes import FlatMap, Map, RowChain, RowOperator, Tap

Pair = tuple[int, Any]
Results = Generator[Pause, None, list[Any]]


class GuardedRowsStage(PausableStage):
    """See the module. `keeps_columns` as in `rows.RowsStage`."""

    def __init__(self, chain: RowChain, now: Now, *, keeps_columns: bool) -> None:
        super().__init__(chain.name)
        self._steps = chain.steps
        self._kind = chain.type
        self._only_taps = all(isinstance(step, Tap) for step in chain.steps)
        self._keeps_columns = keeps_columns
        self._spreads = spreads(chain.steps)
        self._guards = [Guard(self, step.name, step.on_error, now) for step in chain.steps]
        self._run = compile_chain(chain.name, chain.steps, places=True, guarded=True)

    def work(self, batch: Batch) -> Work:
        left = enumerate(batch.rows())
        made: list[Pair] = []
        values = self._run(left)
        while True:
            before = len(made)
            try:
                made.extend(islice(values, PIECE_RECORDS) if self._spreads else values)
            except Exception as error:
                yield from self._failed(batch, error, made)
                values = self._run(left)
                continue
            if not self._spreads or len(made) - before < PIECE_RECORDS:
                break
            complete = _before_last(made)  # The last record may not be through yet.
            yield from self._emit_pieces(batch, made[:complete])
            del made[:complete]
        yield from self._emit_pieces(batch, made)

    def _emit_pieces(self, batch: Batch, made: list[Pair]) -> Work:
        for start in range(0, len(made), PIECE_RECORDS):
            if start:
                yield None
            self.emit(self._result(batch, made[start : start + PIECE_RECORDS] if len(made) > PIECE_RECORDS else made))

    def _result(self, batch: Batch, made: list[Pair]) -> Batch:
        if self._only_taps:
            return batch if len(made) == len(batch) else batch.choose([place for place, _ in made])
        values = [value for _, value in made]
        if not self._keeps_columns:
            return batch.values_alone(values, made[0][0] if made else 0, self._kind)
        return batch.choose([place for place, _ in made], values, self._kind)

    # --- when a call raised ----------------------------------------------------------------------------------------

    def _failed(self, batch: Batch, error: Exception, made: list[Pair]) -> Work:
        """Take what the record has given back, and do as the policy says; add what comes of it then."""
        number, frame = failed_step(self.name, error, self._steps)
        assert frame is not None, "the chain itself failed"
        index, value = frame.f_locals["i"], frame.f_locals[input_of(number, self._steps)]
        del frame
        while made and made[-1][0] == index:
            made.pop()
        results = yield from self._rescued(batch, index, number, value, error)
        made.extend((index, result) for result in results)

    def _rescued(self, batch: Batch, index: int, number: int, value: Any, error: Exception) -> Results:
        """What the operators from `number` on give for `value`, after the first call of that one has raised."""
        again = partial(_call, self._steps[number], value)
        given = yield from self._guards[number].rescue(error, again, batch, index, value)
        return (yield from self._onward(batch, index, number + 1, [] if given is FAILED else given))

    def _onward(self, batch: Batch, index: int, number: int, values: list[Any]) -> Results:
        """What the operators from `number` on give for `values`, each value taken through them by itself."""
        if number == len(self._steps):
            return values
        results: list[Any] = []
        handled = sys.exception()
        for value in values:
            try:
                given = _call(self._steps[number], value)
            except Exception as error:
                results += yield from self._rescued(batch, index, number, value, alone(error, handled))
            else:
                results += yield from self._onward(batch, index, number + 1, given)
        return results


def _call(step: RowOperator, value: Any) -> list[Any]:
    """What one operator gives for one value."""
    if isinstance(step, Map):
        return [step.function(value)]
    if isinstance(step, FlatMap):
        return list(step.function(value))
    if isinstance(step, Tap):
        step.function(value)
        return [value]
    return [value] if step.function(value) else []


def _before_last(made: list[Pair]) -> int:
    """How many pairs lie before those of the last record."""
    last = made[-1][0]
    return bisect_left(made, last, key=itemgetter(0))
