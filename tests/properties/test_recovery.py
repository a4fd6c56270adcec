"""A crash at any moment, and the replay from the last checkpoint, give what an undisturbed run gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any

from hypothesis import given
from hypothesis import strategies as st

from actorstream import App, Key, ListState, Record, State, Timer, ValueState, agg, rows, session, sliding
from actorstream.model.instant import END_OF_TIME, START_OF_TIME, Instant
from actorstream.streams.engine.batch import Batch, Origin
from actorstream.streams.engine.build import Stages
from actorstream.streams.engine.stage import Stage
from actorstream.streams.engine.timeline import Timeline
from actorstream.streams.engine.window_stage import WindowStage
from actorstream.streams.plan.nodes import Collect, KeyBy, Source, Stateful
from actorstream.streams.plan.physical import optimise, physical
from actorstream.streams.store.changes import Change
from actorstream.streams.windows import RowsSpec, Windowing
from tests.properties.programs import Reading, delays, inputs, reading, second_of, shown, sizes
from tests.properties.reference import Given
from tests.streams.makers import cut

Step = tuple[Batch, Instant]
"""A batch, and the watermark after it."""


class Seen(Stage):
    """Keeps what comes out."""

    def __init__(self) -> None:
        super().__init__("seen")
        self.values: list[Any] = []

    def push(self, batch: Batch) -> None:
        self.values += [(value, time) for value, time in zip(batch.rows(), batch.times, strict=True)]


class Life:
    """One operator, fed step by step, as a task would feed it."""

    def __init__(self, make: Callable[[], Stage], steps: list[Step]) -> None:
        self.make, self.steps = make, steps
        self.log: dict[str, list[Change]] = {}
        self.committed: list[Any] = []
        self.saved: tuple[int, Instant] = 0, START_OF_TIME
        self.checkpoints = 0
        self.in_flight: tuple[dict[str, list[Change]], list[Any], tuple[int, Instant]] | None = None
        self.begin()

    def begin(self) -> None:
        """A fresh task loads what decided checkpoints wrote."""
        self.stage, self.seen = self.make(), Seen()
        self.stage.outputs.append(self.seen)
        for table in self.stage.tables:
            table.load(self.log.get(table.name, []))
        self.go_on()

    def go_on(self) -> None:
        """From the last checkpoint."""
        self.seen.values, self.in_flight = [], None
        self.position, self.watermark = self.saved
        self.stage.restored()
        if isinstance(self.stage, WindowStage):
            self.stage.resume_at(self.watermark)

    def step(self) -> None:
        """Take the next batch, if there is one."""
        if self.position < len(self.steps):
            batch, self.watermark = self.steps[self.position]
            self.position += 1
            self.stage.push(batch)
            if self.stage.right_side is not None:
                self.stage.right_side.push(batch)
            self.stage.advance(self.watermark)

    def seal(self) -> None:
        """A barrier: what came before it is in a checkpoint that may be decided, or never."""
        if self.in_flight is None:
            self.checkpoints += 1
            changes = {table.name: table.seal(self.checkpoints) for table in self.stage.tables}
            self.in_flight = changes, self.seen.values, (self.position, self.watermark)
            self.seen.values = []

    def decide(self) -> None:
        """The checkpoint in flight is decided, if there is one."""
        if self.in_flight is None:
            return
        changes, values, self.saved = self.in_flight
        for table in self.stage.tables:
            self.log.setdefault(table.name, []).extend(changes[table.name])
            table.commit(self.checkpoints)
        self.committed += values
        self.in_flight = None

    def roll_back(self) -> None:
        """Another task has died: this one goes back in memory."""
        for table in self.stage.tables:
            table.rollback()
        self.go_on()

    def finish(self) -> list[Any]:
        """To the end of the input."""
        while self.position < len(self.steps):
            self.step()
        for last in (self.decide, self.seal, self.decide):
            last()
        return self.committed


def steps_of(records: list[Given], sizes: list[int], delay: int, behind: int) -> list[Step]:
    """The records with their times and marks, in pieces, and the end.

    `behind`: how many pieces another partition, which has nothing of interest, is behind this one.
    """
    source = Source(name="readings", event_time="at", max_delay_us=delay * 1_000_000, type=Reading)
    line, made, offset = Timeline(source, Origin("readings")), [], 0
    marks = [START_OF_TIME] * behind
    for piece in cut([reading(one) for one in records], sizes):
        batch = Batch(piece, kind=Reading, offsets=range(offset, offset + len(piece)), origin=Origin("readings"))
        line.stamp(batch, None)
        offset += len(piece)
        marks.append(line.watermark)
        floor = marks[-1 - behind]
        made.append((batch.below(floor), floor))
    return [*made, (Batch([]), END_OF_TIME)]


def stage_of(stream: Any) -> Callable[[], Stage]:
    """Makes the stage of a stream's last operator, again and again."""
    end = Collect(name="end", inputs=(stream._node,), into=lambda batch: None)
    task = next(one for one in physical(optimise((end,))).tasks if isinstance(one.head, Stateful))
    task.body.clear()
    reads = {task.head: True}
    return lambda: Stages(task, lambda: 0, reads).head


def keyed() -> Any:
    """Readings by key; the batches carry no keys, so the operator takes them itself."""
    return App("job").stream([reading(Given("a", 0, 0))], event_time="at", name="readings").key_by("key")


def windows(emit: str, lateness: int, window: Windowing, *, function: bool) -> Any:
    """An operator over windows."""
    allowed = 0 if isinstance(window, RowsSpec) else lateness
    cut_up = keyed().window(window, allowed_lateness=f"{allowed}s", emit=emit)
    if function:
        return cut_up.apply(shown)
    return cut_up.aggregate(n=agg.count(), total=agg.sum("weight"), last=agg.max("at"))


class Twin(Record):
    """Two readings in one window; see `joined`."""

    key: str
    value: int
    value_right: int


def joined(*, columns: bool) -> Any:
    """Each reading with those of the same key and window, itself included."""
    one = keyed().window(sliding("12s", every="4s"))
    return one.join(one, into=Twin, name="joined") if columns else one.join(one, name="joined")


def process() -> Any:
    """An operator with state of every kind, and two timers."""

    @keyed().process
    def busy(
        one: Reading, whose: Key[str], recent: ListState[Reading], last: ValueState[Any], soon: Timer, later: Timer
    ) -> Iterator[Any]:
        recent.append(one)
        before = last.get()
        if before is not None:
            later.cancel(before[0])
        last.set((one.at + timedelta(seconds=9), one))
        soon.at(one.at + timedelta(seconds=one.value % 7 - 2))
        later.at(one.at + timedelta(seconds=9))
        yield whose, len(recent)

    @busy.on_timer("soon")
    def drop(time: datetime, recent: ListState[Reading]) -> list[int]:
        held = list(recent)
        recent.clear()
        recent.extend(held[1:])
        return [second_of(time), *(one.value for one in held)]

    @busy.on_timer("later")
    def close(time: datetime, whose: Key[str], last: ValueState[Any]) -> Any:
        value = last.get()
        last.clear()
        return whose, second_of(time), value

    return busy


def expiring() -> Any:
    """An operator with state that is gone after a while, and a timer that looks at it."""

    @keyed().process
    def seen(one: Reading, recent: Annotated[ListState[int], State(ttl="7s")], soon: Timer) -> list[int]:
        if one.value % 3 == 0:
            recent.clear()
        elif one.value % 3 == 1:
            recent.append(one.value)
        soon.at(one.at + timedelta(seconds=4 + one.value % 5))
        return list(recent)

    @seen.on_timer
    def later(time: datetime, recent: ListState[int]) -> list[int]:
        return [second_of(time), *recent]

    return seen


def running() -> Any:
    """A running result."""
    return keyed().reduce(lambda one, other: max(one, other, key=lambda r: r.value), name="greatest")


operators = st.one_of(
    st.builds(
        windows,
        st.sampled_from(["close", "change"]),
        st.sampled_from([0, 6]),
        st.sampled_from([sliding("12s", every="4s"), session("8s"), rows(3)]),
        function=st.booleans(),
    ),
    st.builds(joined, columns=st.booleans()),
    st.builds(process),
    st.builds(expiring),
    st.builds(running),
)
happenings = st.lists(
    st.sampled_from([Life.step, Life.step, Life.step, Life.seal, Life.decide, Life.roll_back, Life.begin]), max_size=30
)


@given(operator=operators, records=inputs, sizes=sizes, delay=delays, behind=st.integers(0, 2), happens=happenings)
def test_a_crash_makes_no_difference(
    operator: Any,
    records: list[Given],
    sizes: list[int],
    delay: int,
    behind: int,
    happens: list[Callable[[Life], None]],
) -> None:
    """Whether a task goes back in memory, or another one loads what was written."""
    make = stage_of(operator)
    steps = steps_of(records, sizes, delay, behind)
    undisturbed = Life(make, steps).finish()

    life = Life(make, steps)
    for one in happens:
        one(life)

    assert life.finish() == undisturbed
    assert isinstance(operator._node.inputs[0], KeyBy)


@given(
    operator=operators,
    records=inputs,
    sizes=sizes,
    delay=delays,
    behind=st.integers(0, 2),
    again=st.sampled_from([Life.begin, Life.roll_back]),
)
def test_a_crash_after_every_step_makes_no_difference(
    operator: Any, records: list[Given], sizes: list[int], delay: int, behind: int, again: Callable[[Life], None]
) -> None:
    """Whatever a stage has beside its tables, it finds again in them."""
    make = stage_of(operator)
    steps = steps_of(records, sizes, delay, behind)
    undisturbed = Life(make, steps).finish()

    life = Life(make, steps)
    for _ in steps:
        for one in (Life.step, Life.seal, Life.decide, again):
            one(life)

    assert life.finish() == undisturbed
