"""A stage that may make much out of little: it does so in pieces, and pauses between them.

Theory of operation. What such a stage does with a batch, or when time goes on, is a generator that yields wherever a
pause is possible. The stage runs it up to its first pause; then whoever runs the task lets it go on, piece by piece, as
soon as the last one had credit. Meanwhile the task takes no other input; whatever the stages before it still push waits
in order. A stage may also pause until some time, or until something outside has answered. Of several stages that have
paused those that are fed by others go on first, so no piece meets a stage that has not finished with the one before.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Iterator
from typing import Any

from actorstream.model.instant import Instant
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.stage import Stage

PIECE_RECORDS = 4_096
"""Records after which a stage pauses: the first window of a channel."""

Pause = Instant | None
"""Until when to wait before going on; None: until what was made has had credit."""

Work = Iterator[Any]
"""What a stage does, with a pause after each item, which is a `Pause`."""


class PausableStage(Stage):
    """See the module. Subclasses say what is done, by `work` and `pass_time`."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._works: deque[Work] = deque()  # The first is under way.
        self.waits_until: Pause = None

    @abstractmethod
    def work(self, batch: Batch) -> Work:
        """Process a batch."""

    def pass_time(self, watermark: Instant) -> Work:
        """The watermark has reached `watermark`."""
        self.pass_on(watermark)
        yield from ()

    def push(self, batch: Batch) -> None:
        self.begin(self.work(batch))

    def advance(self, watermark: Instant) -> None:
        self.begin(self.pass_time(watermark))

    def begin(self, work: Work) -> None:
        """Work up to the first pause; behind what has paused, if something has."""
        self._works.append(work)
        if len(self._works) == 1:
            self.resume()

    def resume(self) -> None:
        """Go on up to the next pause."""
        for pause in self._works[0]:
            self.waits_until = pause
            return
        self.waits_until = None
        self._works.popleft()

    @property
    def is_paused(self) -> bool:
        """Whether there is more to do."""
        return bool(self._works)

    def may_resume(self, now: Instant) -> bool:
        """Whether what it waits for has come."""
        return self.waits_until is None or self.waits_until <= now

    def restored(self) -> None:
        self._works.clear()
        self.waits_until = None
