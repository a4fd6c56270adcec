"""Row operators, compiled: a chain of functions becomes one list comprehension over a batch.

For `map(f)`, `filter(p)`, `flat_map(g)` the text is

```python
def chain(rows):
    return [
        x3
        for x0 in rows
        for x1 in [f1(x0)]
        if f2(x1)
        for x3 in f3(x1)
    ]
```

so that nothing of ours runs per record. A chain with a `flat_map` is a generator expression of the same text instead,
and what it gives is taken in pieces: a record may become any number of them. Each operator has a line of its own, and
the line of a failure in the generated function tells the operator; the position of the list's iterator tells the
record.

Source: Neumann, "Efficiently compiling efficient query plans for modern hardware" (VLDB 2011).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from types import FrameType
from typing import Any, NoReturn

from actorstream.model.instant import Instant
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.failure import GENERATED, consumed, fail
from actorstream.streams.engine.pausable import PIECE_RECORDS, PausableStage, Work
from actorstream.streams.plan.nodes import FlatMap, Map, RowChain, RowOperator, Tap

_FIRST_STEP_LINE = 5  # The line of the first operator in the generated text.


def chain_source(steps: tuple[RowOperator, ...], *, places: bool, guarded: bool = False, lazy: bool = False) -> str:
    """The text of the generated function; with `places` it gives (index of the input row, value) pairs.

    With `guarded`, too: it is a generator over such pairs, that another may go on behind. With `lazy` it is a generator
    of values.
    """
    lines = []
    value = "x0"
    for number, step in enumerate(steps, 1):
        call = f"f{number}({value})"
        if isinstance(step, Map):
            value = f"x{number}"
            lines.append(f"        for {value} in [{call}]")
        elif isinstance(step, FlatMap):
            value = f"x{number}"
            lines.append(f"        for {value} in {call}")
        elif isinstance(step, Tap):
            lines.append(f"        if {call} is None or True")
        else:
            lines.append(f"        if {call}")
    begin, end = "()" if guarded or lazy or spreads(steps) else "[]"
    result, each = (f"(i, {value})", "i, x0 in enumerate(rows)") if places else (value, "x0 in rows")
    if guarded:
        each = "i, x0 in rows"
    return "\n".join(
        ["def chain(rows):", f"    return {begin}", f"        {result}", f"        for {each}", *lines, f"    {end}"]
    )


def spreads(steps: tuple[RowOperator, ...]) -> bool:
    """Whether one record may become many."""
    return any(isinstance(step, FlatMap) for step in steps)


def compile_chain(
    name: str, steps: tuple[RowOperator, ...], *, places: bool, guarded: bool = False, lazy: bool = False
) -> Callable[[Any], Any]:
    """The generated function."""
    names: dict[str, Any] = {f"f{number}": step.function for number, step in enumerate(steps, 1)}
    exec(compile(chain_source(steps, places=places, guarded=guarded, lazy=lazy), _file_name(name), "exec"), names)
    chain: Callable[[Any], Any] = names["chain"]
    return chain


def _file_name(name: str) -> str:
    return f"{GENERATED}{name}>"


def failed_step(name: str, error: Exception, steps: tuple[RowOperator, ...]) -> tuple[int, FrameType | None]:
    """Which operator of the chain raised, by its line in the generated text, and the frame of that text."""
    if isinstance(error.__cause__, StopIteration):  # Raised within a generator, Python makes another error of it.
        error = error.__cause__
    traceback, line, frame = error.__traceback__, _FIRST_STEP_LINE, None
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == _file_name(name):
            line, frame = traceback.tb_lineno, traceback.tb_frame
        traceback = traceback.tb_next
    return min(max(line - _FIRST_STEP_LINE, 0), len(steps) - 1), frame


def input_of(number: int, steps: tuple[RowOperator, ...]) -> str:
    """The variable of the generated text that operator `number` is called with."""
    return f"x{max((at for at, step in enumerate(steps[:number], 1) if isinstance(step, Map | FlatMap)), default=0)}"


class RowsStage(PausableStage):
    """Runs a `RowChain`.

    `keeps_columns`: whether anything later reads times, marks, offsets or keys. If nothing does, they are dropped here
    and the chain need not say which row a value came from; only the first value of a batch remembers it.
    """

    def __init__(self, chain: RowChain, *, keeps_columns: bool) -> None:
        super().__init__(chain.name)
        self._steps = chain.steps
        self._kind = chain.type
        self._one_to_one = all(isinstance(step, Map | Tap) for step in chain.steps)
        self._only_taps = all(isinstance(step, Tap) for step in chain.steps)
        self._keeps_columns = keeps_columns
        self._places = keeps_columns and not self._one_to_one
        self._spreads = spreads(chain.steps)
        self._run = compile_chain(chain.name, chain.steps, places=self._places)
        self._run_lazily = compile_chain(chain.name, chain.steps, places=False, lazy=True)

    def push(self, batch: Batch) -> None:
        if self._spreads:
            super().push(batch)
            return
        left = iter(batch.rows())
        try:
            values, place = self._values(left, len(batch))
        except Exception as error:
            self._fail(batch, left, error)
        self.emit(self._result(batch, values, place))

    def _values(self, left: Iterator[Any], count: int) -> tuple[list[Any], int]:
        """What the chain gives, and which record the first of it came of, if the chain does not say that of each."""
        if self._keeps_columns or self._one_to_one:
            return self._run(left), 0
        for value in self._run_lazily(left):
            place = consumed(left, count)
            return [value, *self._run(left)], place
        return [], 0

    def advance(self, watermark: Instant) -> None:
        if self._spreads:
            super().advance(watermark)
        else:
            self.pass_on(watermark)

    def work(self, batch: Batch) -> Work:
        left = iter(batch.rows())
        values = self._run(left)
        while True:
            try:
                piece = list(islice(values, 1))
                place = consumed(left, len(batch))
                piece += islice(values, PIECE_RECORDS - 1)
            except Exception as error:
                self._fail(batch, left, error)
            if piece:
                self.emit(self._result(batch, piece, place))
            if len(piece) < PIECE_RECORDS:
                return
            yield

    def _fail(self, batch: Batch, left: Iterator[Any], error: Exception) -> NoReturn:
        number, _ = failed_step(self.name, error, self._steps)
        fail(self._steps[number].name, batch, consumed(left, len(batch)), error)

    def _result(self, batch: Batch, values: list[Any], place: int) -> Batch:
        if self._only_taps:
            return batch
        if not self._keeps_columns:
            return batch.values_alone(values, place, self._kind)
        if self._one_to_one:
            return batch.with_rows(values, self._kind)
        return batch.choose([place for place, _ in values], [value for _, value in values], self._kind)
