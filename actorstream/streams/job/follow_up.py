"""Everything that follows from a decided checkpoint, none of which can fail it any more.

Tasks hear of it and commit their files; partitions get their markers. When all have answered, it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from actorstream.actors import Context, Ref
from actorstream.log.client import History, partition_ref
from actorstream.streams.job.messages import Committed
from actorstream.streams.job.questions import Questions


class FollowUp:
    """See the module. `then` is called once, when everything is done."""

    def __init__(self, context: Context, history: History, tasks: Mapping[str, Ref], then: Callable[[], None]) -> None:
        assert history.done is not None
        self._context = context
        self._history = history
        self._done = history.done
        self._tasks = tasks
        self._then = then
        self._waits = dict.fromkeys((*tasks, *self._done.sinks))

    def start(self, questions: Questions) -> None:
        """Tell the tasks, and write the markers."""
        for ref in self._tasks.values():
            self._context.send(ref, Committed(self._done.epoch, self._done.checkpoint))
        for partition in self._done.sinks:
            topic, _, number = partition.rpartition("-")

            def written(_: Any, partition: str = partition) -> None:
                self.done(partition)

            markers = self._history.markers(partition)
            questions.ask(self._context, partition_ref(topic, int(number)), markers, written)

    def done(self, who: str) -> None:
        """A task has committed its files, or a partition has its markers."""
        if who in self._waits:
            del self._waits[who]
            if not self._waits:
                self._then()
