"""In which batches values come, and in which order calls end, does not show in what an async operator gives."""

from __future__ import annotations

from collections import deque
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from actorstream import skip
from actorstream.streams.engine.asynchronous import AHEAD_MIN, AsyncStage
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.stage import Stage
from actorstream.streams.plan.asynchronous import AsyncMap


async def called(value: int) -> int:
    """What the node says; the tests say what comes of it."""
    return value


class Seen(Stage):
    """What came out: values with what lies beside them."""

    def __init__(self) -> None:
        super().__init__("seen")
        self.out: list[Any] = []

    def push(self, batch: Batch) -> None:
        times, marks = batch.times or [None] * len(batch), batch.marks or [None] * len(batch)
        self.out += zip(batch.rows(), times, marks, strict=True)


Step = tuple[str, int]

steps = st.lists(
    st.one_of(
        st.tuples(st.just("batch"), st.integers(1, 6)),
        st.tuples(st.just("mark"), st.just(0)),
        st.tuples(st.just("barrier"), st.just(0)),
        st.tuples(st.just("tell"), st.integers(1, 9)),
        st.tuples(st.just("out"), st.integers(1, 3)),
    ),
    max_size=40,
)


class Bench:
    """A stage, the calls that are under way, and what came out."""

    def __init__(self, *, ordered: bool, failing: bool) -> None:
        node = AsyncMap(name="ask", function=called, concurrency=3, ordered=ordered, on_error=skip)
        self.stage = AsyncStage(node, lambda: 0)
        self.seen = Seen()
        self.stage.outputs.append(self.seen)
        self._failing = failing
        self._calls: deque[Any] = deque()
        self._next = 0
        self.before: dict[str, int] = {}  # how many values were taken before each mark and barrier

    def step(self, step: Step, choose: Any) -> None:
        """One thing happens."""
        kind, count = step
        if kind == "batch":
            values = list(range(self._next, self._next + count))
            self._next += count
            times = [value * 10 for value in values]
            self.stage.take(Batch(values, times=times, own=times, marks=times))
            self._calls += self.stage.calls()
        elif kind in ("mark", "barrier"):
            label = f"{kind} {len(self.before)}"
            self.before[label] = self._next
            if kind == "barrier":
                self.stage.then(lambda: self.seen.out.append(label))
            else:
                self.stage.pass_mark(self._next * 10 - 10, lambda: self.seen.out.append(label))
        elif kind == "tell":
            self.tell(count, choose)
        else:
            self.let_out(count)

    @property
    def under_way(self) -> int:
        """How many calls have not ended."""
        return len(self._calls)

    def tell(self, count: int, choose: Any) -> None:
        """Some calls end, any of them."""
        for _ in range(min(count, len(self._calls))):
            self._calls.rotate(-choose(len(self._calls)))
            (name, value) = self._calls.popleft()
            error = ValueError(value) if self._failing and value % 4 == 1 else None
            self.stage.tell([(name, None if error else -value, error)])

    def let_out(self, count: int) -> None:
        """As much comes out as may, so many times."""
        for _ in range(count):
            out = self.stage.next()
            if isinstance(out, Batch):
                self.stage.push(out)
            elif out is not None:
                out()
            self._calls += self.stage.calls()

    def finish(self, choose: Any) -> list[Any]:
        """All calls end, and everything comes out."""
        while self._calls:
            self.tell(5, choose)
            self.let_out(1)
        self.let_out(1_000)
        return self.seen.out

    def expected(self) -> list[int]:
        """The values, in order."""
        return [-value for value in range(self._next) if not (self._failing and value % 4 == 1)]


@settings(max_examples=150, deadline=None)
@given(steps, st.data(), st.booleans())
def test_order_is_kept(steps: list[Step], data: st.DataObject, failing: bool) -> None:
    """Each value once, with its own time and mark, in order; what divides them in its place."""
    bench = Bench(ordered=True, failing=failing)

    for step in steps:
        bench.step(step, lambda count: data.draw(st.integers(0, count - 1)))
    out = bench.finish(lambda count: data.draw(st.integers(0, count - 1)))

    assert [one for one in out if isinstance(one, tuple)] == [(v, -v * 10, -v * 10) for v in bench.expected()]
    _assert_nothing_overtook(bench, out)


@settings(max_examples=150, deadline=None)
@given(steps, st.data(), st.booleans())
def test_where_order_is_not_kept_each_value_comes_once(steps: list[Step], data: st.DataObject, failing: bool) -> None:
    """With its own time; nothing comes behind a mark or a barrier that was taken before it."""
    bench = Bench(ordered=False, failing=failing)

    for step in steps:
        bench.step(step, lambda count: data.draw(st.integers(0, count - 1)))
    out = bench.finish(lambda count: data.draw(st.integers(0, count - 1)))

    values = [one for one in out if isinstance(one, tuple)]
    assert sorted((value, time) for value, time, _ in values) == sorted((v, -v * 10) for v in bench.expected())
    assert all(mark <= -value * 10 for value, _, mark in values)
    _assert_nothing_overtook(bench, out)


def _assert_nothing_overtook(bench: Bench, out: list[Any]) -> None:
    """Of marks behind the same values, and of those that joined, the last is enough; barriers are all there."""
    for place, one in enumerate(out):
        if isinstance(one, str):
            behind = [-value for value, _, _ in (later for later in out[place:] if isinstance(later, tuple))]
            assert all(value >= bench.before[one] for value in behind)
        if isinstance(one, str) and one.startswith("barrier"):
            before = [-value for value, _, _ in (early for early in out[:place] if isinstance(early, tuple))]
            assert all(value < bench.before[one] for value in before)
    said = [one for one in out if isinstance(one, str)]
    assert [one for one in said if one.startswith("barrier")] == [one for one in bench.before if one[0] == "b"]
    assert not bench.before or said[-1] == list(bench.before)[-1]


def test_single_values_with_their_marks_overtake_each_other_where_they_may() -> None:
    """A mark joins the values before it, as long as these are fewer than may be called."""
    bench = Bench(ordered=False, failing=False)
    for _ in range(2):
        bench.step(("batch", 1), None)
        bench.step(("mark", 0), None)

    bench.tell(1, lambda count: 1)
    bench.let_out(5)

    assert bench.seen.out == [(-1, 10, bench.stage.watermark)]
    assert bench.finish(lambda count: 0)[1:] == [(0, 0, bench.seen.out[1][2]), "mark 1"]


def test_a_slow_call_in_front_holds_back_a_bounded_number_of_results() -> None:
    """Those behind it are called, but only so many; then nothing more is taken."""
    bench = Bench(ordered=True, failing=False)

    while bench.stage.may_take():
        bench.step(("batch", 100), None)
    while bench.under_way > 1:
        bench.tell(1, lambda count: count - 1)
        bench.let_out(1)

    assert bench.seen.out == []
    assert bench.stage.called == AHEAD_MIN
    assert [value for value, _, _ in bench.finish(lambda count: 0)] == bench.expected()
