"""Stages that make much out of little: in pieces, with pauses, in order."""

from __future__ import annotations

from typing import Any

import pytest

from actorstream import App, agg, tumbling
from actorstream.errors import OperatorError
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.build import Stages, reads_time
from actorstream.streams.engine.pausable import PIECE_RECORDS
from actorstream.streams.engine.rows import RowsStage
from actorstream.streams.engine.stage import Stage
from actorstream.streams.job.planning import job_spec
from actorstream.streams.job.spec import Settings
from actorstream.streams.plan.nodes import FlatMap, RowChain
from tests.streams.makers import Event, event, us

MANY = 3 * PIECE_RECORDS + 10


class Seen(Stage):
    """Remembers what came: the sizes of batches, and watermarks."""

    def __init__(self) -> None:
        super().__init__("seen")
        self.sizes: list[int] = []
        self.values: list[Any] = []
        self.marks: list[int] = []

    def push(self, batch: Batch) -> None:
        self.sizes.append(len(batch))
        self.values.extend(batch.rows())

    def advance(self, watermark: int) -> None:
        self.marks.append(watermark)


def spreading(name: str, function: Any) -> RowsStage:
    """A `flat_map`."""
    steps = (FlatMap(name=name, function=function),)
    return RowsStage(RowChain(name=name, steps=steps), keeps_columns=False)


def test_one_record_that_becomes_many_goes_on_in_pieces() -> None:
    """Nothing more is made before the stage is told to go on; time comes behind the last."""
    stage, seen = spreading("many", lambda one: range(MANY)), Seen()
    stage.outputs.append(seen)

    stage.push(Batch([1]))
    stage.advance(7)
    assert (seen.sizes, seen.marks, stage.is_paused) == ([PIECE_RECORDS], [], True)
    while stage.is_paused:
        stage.resume()

    assert seen.sizes == [PIECE_RECORDS] * 3 + [10]
    assert (seen.values, seen.marks) == (list(range(MANY)), [7])


def test_what_is_pushed_into_a_pause_waits_its_turn() -> None:
    """Order is kept."""
    stage, seen = spreading("many", lambda one: [one] * PIECE_RECORDS * one), Seen()
    stage.outputs.append(seen)

    for number in (2, 1, 3):
        stage.push(Batch([number]))
    while stage.is_paused:
        stage.resume()

    assert seen.values == [2] * 2 * PIECE_RECORDS + [1] * PIECE_RECORDS + [3] * 3 * PIECE_RECORDS


def test_little_makes_no_pause() -> None:
    """A chain that gives less than a piece is done at once."""
    stage, seen = spreading("few", lambda one: [one, one]), Seen()
    stage.outputs.append(seen)

    stage.push(Batch(list(range(100))))

    assert (seen.sizes, stage.is_paused) == ([200], False)


def test_a_failure_in_a_later_piece_tells_the_record() -> None:
    """As if there had been no pause."""

    def numbers(one: int) -> Any:
        return range(PIECE_RECORDS) if one < 3 else 1 // 0

    stage = spreading("many", numbers)
    stage.push(Batch([1, 2, 3, 4]))
    stage.resume()
    with pytest.raises(OperatorError, match="many") as failed:
        stage.resume()

    assert "3" in str(failed.value)


def test_a_new_epoch_forgets_what_has_paused() -> None:
    """It belonged to the old one."""
    stage = spreading("many", lambda one: range(MANY))
    stage.push(Batch([1]))

    stage.restored()

    assert not stage.is_paused


def test_a_window_of_many_keys_fires_in_pieces() -> None:
    """In order of keys, and time goes on behind the last."""
    head: Any = windowed().head
    seen = Seen()
    head.outputs.insert(0, seen)
    push_keys(head, 2 * PIECE_RECORDS + 5)

    head.advance(us(100))
    assert (seen.sizes, seen.marks) == ([PIECE_RECORDS], [])
    while head.is_paused:
        head.resume()

    assert seen.sizes == [PIECE_RECORDS, PIECE_RECORDS, 5]
    assert [one.key for one in seen.values] == sorted(one.key for one in seen.values)
    assert (seen.marks, head.open_windows(), head.table.namespaces()) == ([us(100)], 0, [])


def test_stages_that_others_feed_go_on_first() -> None:
    """So no piece meets a stage that has not finished with the one before."""
    stages = windowed()
    head: Any = stages.head
    spread: Any = next(stage for stage in stages.all if isinstance(stage, RowsStage))
    seen = Seen()
    spread.outputs.append(seen)
    push_keys(head, 2 * PIECE_RECORDS + 5)
    head.advance(us(100))
    assert (head.is_paused, spread.is_paused) == (True, True)

    while stages.resume(0):
        assert len(spread._works) <= 2  # A piece, and the watermark behind it.

    assert len(seen.values) == 3 * (2 * PIECE_RECORDS + 5)
    assert max(seen.sizes) == PIECE_RECORDS
    assert seen.marks == [us(100)]


def windowed() -> Stages:
    """The stages of a count for each key and ten seconds, and then each result three times."""
    app = App("counts")
    events = app.stream(app.topic("events", Event, key="key"), event_time="at")
    counts = events.key_by("key").window(tumbling("10s")).aggregate(name="counting", n=agg.count())
    counts.flat_map(lambda count: [count] * 3).to(app.topic("counts", dict))
    task = next(one for one in job_spec(app._program, Settings()).plan.tasks if one.head.name == "counting")
    return Stages(task, lambda: 0, reads_time((task,)))


def push_keys(stage: Stage, count: int) -> None:
    """An event for each of so many keys, in one window."""
    rows, times = [event(1, f"k{number:06}") for number in range(count)], [us(1)] * count
    stage.push(Batch(rows, kind=Event, times=times, own=times, marks=times, offsets=range(count)))
