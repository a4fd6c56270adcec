"""Questions to the log's actors, and what to do with their answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from actorstream.actors import Context, Message, Ref
from actorstream.errors import MailboxFull
from actorstream.log.client import Refused, error_of

Then = Callable[[Any], None]


QUESTIONS_MAX = 1_024
"""Questions of one task that may wait for an answer: appends, fetches and flushes of all its partitions."""

END_MOVED = "end_moved"
"""The code of the refusal of a conditional append."""


_COUNT_BITS, _LIFE_BITS = 20, 42


def _first(incarnation: int) -> int:
    """Where an incarnation begins to count, so that it takes no answer to a question of an earlier one for its own."""
    return (incarnation & ((1 << _LIFE_BITS) - 1)) << _COUNT_BITS


class Questions:
    """Open questions by number. An answer to a question that was dropped is ignored."""

    def __init__(self) -> None:
        self._open: dict[int, tuple[Then, Callable[[Refused], None] | None]] = {}
        self._last = 0

    def ask(
        self,
        context: Context,
        ref: Ref,
        message: Message,
        then: Then,
        moved: Callable[[Refused], None] | None = None,
    ) -> None:
        """Send `message` with a number; `then(answer)` runs when its answer comes.

        `moved` runs if it is a conditional append, and the end is not where it was expected.

        Raises:
            MailboxFull: too many wait for an answer already; whoever asks should have waited.
        """
        if len(self._open) >= QUESTIONS_MAX:
            raise MailboxFull(f"{QUESTIONS_MAX} questions of {context.path} wait for an answer already")
        self._last = (self._last or _first(context.incarnation)) + 1
        self._open[self._last] = (then, moved)
        context.send(ref, msgspec.structs.replace(message, request=self._last))

    def answer(self, message: Any) -> None:
        """Give an answer to whoever asked.

        Raises:
            ActorstreamError: it was refused, and nobody said what to do then.
        """
        handlers = self._open.pop(message.request, None)
        if handlers is None:
            return
        then, moved = handlers
        if not isinstance(message, Refused):
            then(message)
        elif moved is not None and message.code == END_MOVED:
            moved(message)
        else:
            raise error_of(message)

    def drop_all(self) -> None:
        """Forget all open questions."""
        self._open.clear()

    def __len__(self) -> int:
        return len(self._open)
