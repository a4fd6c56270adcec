"""A task whose first operator awaits coroutines: what must stay in order with their results waits in line."""

from __future__ import annotations

from functools import partial
from typing import Any

from actorstream.actors import Context, Timer, receives
from actorstream.model.duration import duration_us
from actorstream.model.instant import Instant
from actorstream.streams.engine.asynchronous import AsyncStage
from actorstream.streams.engine.batch import Batch
from actorstream.streams.job import messages as m
from actorstream.streams.job.elements import Barrier, Element, End, Loaded, Mark
from actorstream.streams.job.inner_task import InnerTask
from actorstream.streams.job.pending import Pending
from actorstream.streams.job.spec import TaskSpec
from actorstream.streams.job.task_messages import TaskMessage

OVERDUE_US = duration_us("10s")
"""How long a checkpoint waits for coroutines before a log line says so."""


class AsyncTask(InnerTask, accepts=TaskMessage | m.Flow | m.Called | m.CutOverdue):
    """See `task`.

    What comes through the channels is taken as far as calls can be made; a barrier is dealt with when all before it is
    out, so it carries how far the channels were when it was taken.
    """

    def furnish(self, spec: TaskSpec) -> None:
        super().furnish(spec)
        self._watermarks: dict[str, Instant] = {}  # For the checkpoint whose barrier is out.
        self._warning: Timer | None = None

    @property
    def _line(self) -> AsyncStage:
        head = self.stages.head
        assert isinstance(head, AsyncStage)
        return head

    def begin(self, context: Context, prepare: m.Prepare) -> None:
        super().begin(context, prepare)
        self._line.begin(self.gate.watermark)
        self.crew.cancel()
        self._assemble(context)

    def started(self, context: Context) -> None:
        super().started(context)
        self._assemble(context)

    def _assemble(self, context: Context) -> None:
        node, epoch = self._line.node, self.epoch
        waits_us = tuple(node.on_error.waits_us()) if node.on_error is not None else ()
        self.crew = context.crew(
            node.function, node.concurrency, lambda outcomes: m.Called(epoch, outcomes), waits_us=waits_us
        )

    def watermark(self) -> Instant:
        return self._line.watermark

    @receives(m.Called)
    def on_called(self, called: m.Called, context: Context) -> None:
        """Some calls have ended."""
        if called.epoch == self.epoch:
            self._line.tell(called.outcomes)
            self.work(context)

    def step(self, context: Context) -> bool:
        done = (self._line.may_take() and super().step(context)) or self._let_out(context)
        if calls := self._line.calls():
            self.crew.start(calls)
        return done

    def _let_out(self, context: Context) -> bool:
        out = self._line.next()
        if isinstance(out, Batch):
            self.push(context, out, self._line.push)
        elif out is not None:
            out()
        return out is not None

    def process(self, context: Context, channel: str, element: Element) -> None:
        line, gate = self._line, self.gate
        match element:
            case Batch():
                self.give_credit(context, channel)
                self.records_in += len(element)
                line.take(element.below(gate.floor()))
            case Barrier(checkpoint):
                watermarks = {**gate.watermarks(), self.spec.id: gate.watermark}
                line.then(partial(self._cut, context, checkpoint, watermarks))
                self._warning = context.schedule(OVERDUE_US, m.CutOverdue(self.epoch, checkpoint))
            case Loaded():
                line.then(partial(super().process, context, channel, element))
            case Mark() | End():
                watermark = gate.watermark
                line.pass_mark(watermark, partial(self.advance, context, watermark, ended=gate.all_ended()))

    def _cut(self, context: Context, checkpoint: int, watermarks: dict[str, Instant]) -> None:
        self._watermarks = watermarks
        if self._warning is not None:
            self._warning.cancel()
        self.barrier(context, checkpoint)

    @receives(m.CutOverdue)
    def on_cut_overdue(self, overdue: m.CutOverdue, context: Context) -> None:
        """A barrier is in the line still."""
        if overdue.epoch == self.epoch:
            calls = self._line.called
            context.log.warning("checkpoint waits for coroutines", checkpoint=overdue.checkpoint, calls=calls)

    def describe(self, context: Context, pending: Pending) -> None:
        pending.watermarks.update(self._watermarks)

    def observe(self) -> dict[str, Any]:
        """How far this task is; how many calls have no result that is out, how many are to be made."""
        return {**super().observe(), "called": self._line.called, "uncalled": self._line.uncalled}
