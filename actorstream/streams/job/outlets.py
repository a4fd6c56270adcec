"""All outlets of a task: what its stages emit goes out through them."""

from __future__ import annotations

from actorstream.actors import Context
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.build import Stages
from actorstream.streams.engine.stage import Stage
from actorstream.streams.job.elements import Element
from actorstream.streams.job.messages import Credit, Flow
from actorstream.streams.job.outlet import Outlet
from actorstream.streams.job.spec import TaskSpec


class _EdgeStage(Stage):
    """Offers what a stage emits to the outlet of an edge."""

    def __init__(self, name: str, outlet: Outlet) -> None:
        super().__init__(name)
        self._outlet = outlet

    def push(self, batch: Batch) -> None:
        self._outlet.offer(batch)


class Outlets:
    """See the module."""

    def __init__(self, spec: TaskSpec) -> None:
        self._spec = spec
        self._outlets = {channel: Outlet(channel) for channel in spec.receivers}

    def attach(self, stages: Stages) -> None:
        """Lead what the stages emit into the outlets."""
        for edge in self._spec.task.outputs:
            outlet = self._outlets[edge.channel(self._spec.instance)]
            stages.of(edge.node).outputs.append(_EdgeStage(edge.target, outlet))

    def reset(self) -> None:
        """Begin an epoch: all are shut, and nothing waits."""
        for outlet in self._outlets.values():
            outlet.reset()

    def open(self, channel: str) -> None:
        """The receiver of a channel is ready."""
        self._outlets[channel].open()

    def credit(self, credit: Credit) -> None:
        """A receiver has taken something for processing."""
        self._outlets[credit.channel].credit(credit.records, credit.size)

    def offer(self, element: Element) -> None:
        """Put an element into every outlet."""
        for outlet in self._outlets.values():
            outlet.offer(element)

    def pump(self, context: Context, epoch: int) -> None:
        """Send what has credit."""
        for channel, outlet in self._outlets.items():
            receiver = self._spec.receivers[channel]
            while (taken := outlet.take()) is not None:
                element, records, size = taken
                context.send(receiver, Flow(epoch, channel, element, records, size))

    def are_blocked(self) -> bool:
        """Whether something waits for credit, so that the task should take no input."""
        return any(outlet.is_blocked for outlet in self._outlets.values())
