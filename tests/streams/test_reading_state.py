"""`job.state`: what an operator holds for a key, from outside, while the job runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from threading import Event as Flag
from typing import Annotated, Any

import pytest

from actorstream import App, ListState, State, ValueState, agg, tumbling
from actorstream.errors import BadInput, JobFailed, PlanError
from actorstream.streams.job.handle import Job
from tests.streams.makers import Event, event

STATES = [
    "memory",
    pytest.param("rocksdb", marks=pytest.mark.skipif(find_spec("rocksdict") is None, reason="not installed")),
]


def program(done: Flag, last: int) -> App:
    """Operators with state; `done` is set when the value `last` has come through."""
    app = App("read")
    keyed = app.stream(app.topic("events", type=Event, key="key"), event_time="at").key_by("key")

    @keyed.process
    def kept(one: Event, total: Annotated[ValueState[int], State(default=0)], seen: ListState[int]) -> int:
        total.set(total.get() + one.value)
        seen.append(one.value)
        return one.value

    def note(value: int) -> None:
        if value == last:
            done.set()

    keyed.reduce(lambda a, b: a if a.value > b.value else b, name="largest").sink(lambda one: None)
    keyed.aggregate(n=agg.count(), name="running").sink(lambda one: None)
    keyed.window(tumbling("1h")).aggregate(n=agg.count(), name="hours").sink(lambda one: None)
    kept.sink(note)
    return app


@pytest.fixture(params=STATES)
def job(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Job]:
    """A job that has processed three events, and goes on."""
    done = Flag()
    app = program(done, last=4)
    with app.producer(data=str(tmp_path)) as producer:
        producer.create_topic(app._program.topics["events"]) if hasattr(producer, "create_topic") else None
    with app.start(data=str(tmp_path), state=request.param, checkpoint="10ms") as running:
        with app.producer(data=str(tmp_path)) as producer:
            for one in (event(1, "a", 1), event(2, "b", 2), event(3, "a", 4)):
                producer.send(app._program.topics["events"], one)
        assert done.wait(30)
        yield running


def wait_until(job: Job, condition: Callable[[], bool]) -> None:
    """Until it is so; asking takes its time."""
    for _ in range(2_000):
        if condition():
            return
        job.status()
    raise AssertionError("it has not come to be")


def test_the_states_of_a_process_function_are_given_by_name(job: Job) -> None:
    """Copies of their contents; of a key that never came there are none."""
    found: Any = job.state("kept", "a")

    assert found == {"total": 5, "seen": [1, 4]}
    assert job.state("kept", "nobody") == {}


def test_running_results_are_given_as_they_went_out_last(job: Job) -> None:
    """Of `reduce` and of aggregates without a window; None where there is none."""
    wait_until(job, lambda: job.state("largest", "a") == event(3, "a", 4))
    wait_until(job, lambda: job.state("running", "a").n == 2)

    assert job.state("largest", "nobody") is None
    assert job.state("running", "nobody") is None


def test_what_a_checkpoint_holds_can_be_asked_for(job: Job) -> None:
    """It is there as soon as the checkpoint is decided."""
    wait_until(job, lambda: job.state("kept", "b", decided=True) == {"total": 2, "seen": [2]})


def test_an_operator_that_cannot_be_read_is_named_with_those_that_can(job: Job) -> None:
    """A name that is not there, and one whose state is not by key alone."""
    with pytest.raises(
        PlanError, match="'nothing' is not in this job; what can be read by key: kept, largest, running"
    ):
        job.state("nothing", "a")
    with pytest.raises(PlanError, match="'hours' keeps nothing that can be read by key"):
        job.state("hours", "a")
    with pytest.raises(BadInput, match="cannot be a key"):
        job.state("kept", 1.5)


def test_a_job_that_has_ended_has_no_state_to_read(job: Job) -> None:
    """The error says when it can be read."""
    job.stop()

    with pytest.raises(JobFailed, match="while it runs"):
        job.state("kept", "a")
