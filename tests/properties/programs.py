"""Programs and inputs that the properties are about, and ways to run them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from actorstream import App, Record, Window
from actorstream.model.topic import Topic
from actorstream.streams.job.memory import MemoryCluster, Outcome
from actorstream.streams.job.planning import job_spec
from actorstream.streams.job.spec import Settings
from tests.properties.reference import Given, Result

START = datetime(1970, 1, 1, tzinfo=UTC)


class Reading(Record):
    """A record of the programs."""

    key: str
    at: datetime
    value: int
    weight: float = 0.0


def reading(given: Given) -> Reading:
    """A `Given` as a Record."""
    return Reading(given.key, START + timedelta(seconds=given.second), given.value, given.value / 7)


def second_of(time: datetime) -> int:
    """The second of a time, from 1970."""
    return round((time - START).total_seconds())


def shown(window: Window[str, Reading]) -> Result:
    """A window's function: all that it holds."""
    return Result(window.key, second_of(window.start), tuple(one.value for one in window))


def to_given(one: Reading) -> Given:
    """A `Reading` as the reference has it."""
    return Given(one.key, second_of(one.at), one.value)


def run_with(
    app: App, inputs: Mapping[Topic[Any], Sequence[Any]], *, seed: int | None = None, **settings: Any
) -> dict[str, list[Any]]:
    """What `testing.run` does, with other settings and another order of events: values by the topic's name."""
    outcome = Outcome()
    spec = job_spec(app._program, replace(Settings(until="end", idle=False), **settings), report=outcome.report)
    with closing(MemoryCluster(seed=seed)) as cluster:
        for topic, values in inputs.items():
            cluster.write(topic, values)
        cluster.run(spec, outcome)
        sinks = [topic for topic in app._program.topics.values() if topic.name in spec.plan.sink_topics()]
        return {topic.name: [value for part in cluster.read(topic) for _, value in part] for topic in sinks}


# --- what Hypothesis draws -------------------------------------------------------------------------------------------

seconds = st.integers(-40, 60)
givens = st.builds(Given, st.sampled_from("abc"), seconds, st.integers(0, 99))
inputs = st.lists(givens, max_size=30)
sizes = st.lists(st.integers(1, 7), min_size=1, max_size=4)
windows = st.tuples(st.integers(1, 20), st.integers(1, 20)).map(lambda pair: (max(pair), min(pair)))
delays = st.sampled_from([0, 0, 1, 5, 30])

Build = Callable[[Any], Any]
