"""Checkpoints that people asked to be named: the next one that is decided gets the name that has waited longest."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from actorstream.actors import Context, Ref
from actorstream.log.client import History, Savepoint
from actorstream.streams.job.messages import SavepointTaken
from actorstream.streams.job.opening import decision_append
from actorstream.streams.job.questions import Questions


class Savepoints:
    """See the module."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        self._wanted: deque[tuple[str, Ref]] = deque()

    def ask(self, name: str, asker: Ref) -> None:
        """Somebody wants the next checkpoint named."""
        self._wanted.append((name, asker))

    def are_wanted(self) -> bool:
        """Whether somebody waits for a checkpoint."""
        return bool(self._wanted)

    def name_one(self, context: Context, log: Ref, history: History, then: Callable[[], None]) -> None:
        """A checkpoint was decided: give it its name, if it gets one; `then` go on.

        Nothing else may be appended to the job's log meanwhile, for every append names the end that it expects.
        """
        if not self._wanted:
            then()
            return
        name, asker = self._wanted.popleft()
        savepoint = Savepoint(name=name, checkpoint=history.last_checkpoint, at_us=context.now())

        def appended(answer: Any) -> None:
            history.apply(savepoint, answer.first_offset)
            context.send(asker, SavepointTaken(name, savepoint.checkpoint))
            then()

        question = decision_append(savepoint, history.end, savepoint.at_us)
        self._questions.ask(context, log, question, appended)
