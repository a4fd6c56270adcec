"""`split`: each record goes to the first branch whose predicate is true of it."""

from __future__ import annotations

from actorstream.model.instant import Instant
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.guard import GuardedStage, Now, kept
from actorstream.streams.engine.pausable import Work
from actorstream.streams.engine.stage import PassStage
from actorstream.streams.plan.nodes import Split


class SplitStage(GuardedStage):
    """See the module. `branches` are where the records come out, in order of the predicates; it has no other outputs.

    A predicate is asked only about what those before it have left.
    """

    def __init__(self, node: Split, now: Now) -> None:
        super().__init__(node.name, node.on_error, now)
        self._predicates = node.predicates
        self.branches = [PassStage(f"{node.name}[{branch}]") for branch, _ in node.predicates]

    def work(self, batch: Batch) -> Work:
        for (_, predicate), branch in zip(self._predicates, self.branches, strict=True):
            if not len(batch):
                return
            failed, answers = yield from self.guard.each(predicate, batch, batch.rows())
            if failed:
                batch = batch.choose(kept(failed, len(batch)))
            chosen = [place for place, answer in enumerate(answers) if answer]
            if len(chosen) == len(batch):
                branch.push(batch)
                return
            if chosen:
                branch.push(batch.choose(chosen))
                batch = batch.choose([place for place, answer in enumerate(answers) if not answer])

    def pass_on(self, watermark: Instant) -> None:
        for branch in self.branches:
            branch.advance(watermark)
