"""All outlets of a task: what its stages emit goes out through them."""

from __future__ import annotations

from actorstream.actors import Context
from actorstream.actors.flow import NOTHING, Amount, Outlet
from actorstream.errors import BadInput, Unsendable
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.build import Stages
from actorstream.streams.engine.exchange import Exchange
from actorstream.streams.engine.packed import Parcel
from actorstream.streams.engine.partials import records_of
from actorstream.streams.engine.stage import Stage
from actorstream.streams.job.elements import Barrier, Element, End, Loaded, Mark
from actorstream.streams.job.kinds import Kinds
from actorstream.streams.job.messages import Credit, Flow, OpenChannel
from actorstream.streams.job.spec import TaskSpec
from actorstream.streams.plan.nodes import KeyBy
from actorstream.streams.plan.partial import PreAggregate, key_of
from actorstream.streams.plan.physical import Edge


class _EdgeStage(Stage):
    """Offers what a stage emits to the outlets of an edge: each record to that of the instance that owns its key."""

    def __init__(self, edge: Edge, outlets: list[Outlet[Element]]) -> None:
        super().__init__(edge.target)
        self._outlets = outlets
        self._exchange: Exchange | None = None
        if edge.instances > 1:
            key = key_of(edge.node) if isinstance(edge.node, PreAggregate) else edge.node
            assert isinstance(key, KeyBy)
            self._exchange = Exchange(key, edge.instances)

    def push(self, batch: Batch) -> None:
        for instance, part in [(0, batch)] if self._exchange is None else self._exchange.parts(batch):
            self._outlets[instance].offer(part, Amount(records_of(part), part.size_bytes))


class Outlets:
    """See the module."""

    def __init__(self, spec: TaskSpec) -> None:
        self._spec = spec
        self._outlets: dict[str, Outlet[Element]] = {channel: Outlet() for channel in spec.receivers}
        self._kinds = Kinds(spec.job.plan) if spec.job.settings.nodes else None

    def attach(self, stages: Stages) -> None:
        """Lead what the stages emit into the outlets."""
        for edge in self._spec.task.outputs:
            outlets = [self._outlets[channel] for channel in edge.channels(self._spec.instance)]
            stages.of(edge.node).outputs.append(_EdgeStage(edge, outlets))

    def reset(self) -> None:
        """Begin an epoch: all are shut, and nothing waits."""
        for outlet in self._outlets.values():
            outlet.reset()

    def open(self, opened: OpenChannel) -> None:
        """The receiver of a channel is ready."""
        self._outlets[opened.channel].open(Amount(opened.records, opened.size))

    def credit(self, credit: Credit) -> None:
        """A receiver has taken something for processing."""
        self._outlets[credit.channel].credit(credit.taken, Amount(credit.records, credit.size))

    def offer(self, element: Mark | Barrier | Loaded | End) -> None:
        """Put an element that is no batch into every outlet."""
        for outlet in self._outlets.values():
            outlet.offer(element, NOTHING)

    def pump(self, context: Context, epoch: int) -> None:
        """Send what has credit."""
        for channel, outlet in self._outlets.items():
            receiver = self._spec.receivers[channel]
            while (going := outlet.take()) is not None:
                element, kind = self._prepared(going.element)
                try:
                    context.send(receiver, Flow(epoch, channel, going.sequence, element, *going.weight, kind))
                except Unsendable as error:
                    raise BadInput(f"what flows through {channel} cannot leave its node: {error}") from None

    def _prepared(self, element: Element) -> tuple[Element | Parcel, int]:
        """An element as it may leave this node, and the number of its type."""
        if self._kinds is None or not isinstance(element, Batch):
            return element, 0
        return Parcel(element), self._kinds.number(element.kind)

    def are_blocked(self) -> bool:
        """Whether the task should take no input: every channel waits for credit, or the lane of one is full.

        So one slow receiver does not stop the others until its lane is full, and behind a single one nothing gathers.
        """
        outlets = self._outlets.values()
        return bool(outlets) and (
            all(outlet.is_waiting for outlet in outlets) or any(outlet.is_full for outlet in outlets)
        )

    def describe(self) -> dict[str, dict[str, int]]:
        """The credit of each channel, for people."""
        return {channel: outlet.describe() for channel, outlet in self._outlets.items()}

    def window_records(self) -> int | None:
        """The smallest window of all receivers, in records; None if there is none."""
        return min((outlet.window.records for outlet in self._outlets.values()), default=None)
