"""`run`: an app over given inputs, in memory, under virtual time, with nothing going wrong."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from actorstream.errors import BadInput
from actorstream.host.logs import silence
from actorstream.streams.app import App
from actorstream.streams.job.memory import MemoryCluster, Outcome
from actorstream.streams.job.planning import job_spec
from actorstream.streams.job.spec import Settings
from actorstream.testing.inputs import Inputs, checked_inputs
from actorstream.testing.sinks import MemorySinks


class Output(dict[Any, list[Any]]):
    """The committed values of each topic that the app wrote, in order of offset (partition by partition).

    Two-phase sinks, such as files, are keys as well: in memory nothing is written where they lead. What nothing was
    written to is an empty list.
    """

    def __missing__(self, topic: Any) -> list[Any]:
        if isinstance(topic, str):
            raise BadInput(f"the output was asked for {topic!r}; ask for the topic itself: what app.topic(...) gave")
        return []


def run(app: App, inputs: Inputs | None = None) -> Output:
    """Run `app` with these values in its topics, to the end of its input, and give what it wrote.

    In memory: no files, no threads, no waiting. Bounded sources of the app are read, too; every window closes. What the
    app would write to files is kept in memory; functions and plain sinks are called.

    Raises:
        OperatorError: a function of the app raised.
        Mistake: something in the app or its input needs a person.

    Example:
        >>> from actorstream import App
        >>> app = App("doubling")
        >>> numbers, doubles = app.topic("numbers", int), app.topic("doubles", int)
        >>> app.stream(numbers).map(lambda n: n * 2).to(doubles)
        >>> run(app, {numbers: [1, 2]})[doubles]
        [2, 4]
    """
    given = checked_inputs(app, inputs)
    outcome = Outcome()
    sinks = MemorySinks()
    ends = sinks.put_in(app._program.complete())
    spec = job_spec(app._program, Settings(until="end", idle=False), ends=ends, report=outcome.report)
    with silence(), closing(MemoryCluster()) as cluster:
        for topic, values in given.items():
            cluster.write(topic, values)
        cluster.run(spec, outcome)
        written = [topic for topic in app._program.topics.values() if topic.name in spec.plan.sink_topics()]
        output = Output({topic: [value for part in cluster.read(topic) for _, value in part] for topic in written})
        output.update({sink: kept.values() for sink, kept in sinks.by_sink.items()})
        return output
