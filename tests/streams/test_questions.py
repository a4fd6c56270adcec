"""`Questions`: what a task asks of the log."""

from __future__ import annotations

from typing import Any

import pytest

from actorstream.actors import Actor, ActorSystem, Context, Message, Ref, receives
from actorstream.errors import MailboxFull
from actorstream.log.client import Flush
from actorstream.streams.job.questions import QUESTIONS_MAX, Questions


class Ask(Message):
    """Ask so many questions."""

    count: int


class Asker(Actor, accepts=Ask):
    """Asks somebody who never answers."""

    def __init__(self) -> None:
        self.questions = Questions()

    @receives(Ask)
    def on_ask(self, ask: Ask, context: Context) -> None:
        """All at once."""
        for _ in range(ask.count):
            self.questions.ask(context, Ref("nobody"), Flush(0), lambda answer: None)

    def observe(self) -> dict[str, Any]:
        return {"open": len(self.questions)}


@pytest.mark.parametrize(("count", "errors"), [(QUESTIONS_MAX, []), (QUESTIONS_MAX + 1, [MailboxFull])])
def test_what_waits_for_an_answer_is_bounded(count: int, errors: list[type[Exception]]) -> None:
    """One more is a bug of whoever asks, and is told."""
    with ActorSystem(runtime="simulation", seed=1) as system:
        system.tell(system.spawn(Asker, name="asker", restart="temporary"), Ask(count))
        system.run(steps_max=1_000)

        assert [type(failure.error) for failure in system.failures] == errors
