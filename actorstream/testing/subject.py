"""What is simulated: one app with its inputs written once; every seed begins from a copy of that disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from actorstream.host import Clock, Entropy, Host, MemoryDisk, VirtualClock
from actorstream.model.topic import Topic
from actorstream.streams.app import App
from actorstream.streams.job.memory import MemoryCluster, Outcome
from actorstream.streams.job.planning import job_spec
from actorstream.streams.job.spec import JobSpec, Settings
from actorstream.streams.plan.nodes import Source
from actorstream.streams.plan.physical import PhysicalPlan
from actorstream.streams.sources import GeneratorSource
from actorstream.testing.outside import Outside
from actorstream.testing.run import Output
from actorstream.testing.sinks import MemorySinks

_BATCHES = 40  # Batches that the input of each topic is cut into, so that much can happen between them.


Audit = Callable[[Output], Any]
"""Given what is committed now, of each topic that the app writes: raises, or returns False, if that cannot be."""


class Subject:
    """See the module.

    Attributes:
        disk: with the input topics.
        written: the topics that the app writes.
        audit: what looks at the output of a job that runs, if anything.
    """

    def __init__(
        self, app: App, inputs: Mapping[Topic[Any], Sequence[Any]], outside: Outside | None, audit: Audit | None
    ) -> None:
        self._app = app
        self.audit = audit
        self._ends = app._program.complete()
        if outside is None:  # Then nothing may be written where the app itself writes.
            outside = memory = MemorySinks()
            self._ends = memory.put_in(self._ends)
        self._outside: Outside = outside
        self.name = app.name
        host = Host(VirtualClock(), Entropy(0), MemoryDisk())
        cluster = MemoryCluster(host=host)
        for topic, values in inputs.items():
            cluster.write(topic, list(values), batch_records=max(1, len(values) // _BATCHES))
        cluster.close()
        self._now_us = host.clock.now_us()
        assert isinstance(host.disk, MemoryDisk)
        self.disk = host.disk.clone()
        plan = self.job(Settings(until="end", idle=False), Outcome()).plan
        sinks = plan.sink_topics()
        self.written = [topic for topic in app._program.topics.values() if topic.name in sinks]
        self._generators = [
            task.head.connector
            for task in plan.tasks
            if isinstance(task.head, Source) and isinstance(task.head.connector, GeneratorSource)
        ]

    def job(self, settings: Settings, outcome: Outcome) -> JobSpec:
        """The app's job."""
        return job_spec(self._app._program, settings, ends=self._ends, report=outcome.report)

    def plan(self) -> PhysicalPlan:
        """The app's plan, made anew, as each node makes its own."""
        return job_spec(self._app._program, Settings(), ends=self._ends).plan

    def clock(self) -> VirtualClock:
        """A clock that stands where writing the inputs left it."""
        return VirtualClock(self._now_us)

    def begin(self, clock: Clock) -> None:
        """A seed begins: nothing was written outside, and generators go by its clock."""
        for generator in self._generators:
            generator.clock = clock
        self._outside.clear()

    def read_outside(self) -> Sequence[Any]:
        """What a reader sees now of what was written elsewhere."""
        return self._outside.read()

    def leftovers(self) -> Sequence[str]:
        """What is left of what was never committed elsewhere."""
        return self._outside.leftovers()
