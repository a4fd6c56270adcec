"""A stage: what one operator does to batches, and to time.

Stages of a task form a tree: each pushes what it makes into the next. A batch pushed in is done with when `push`
returns, but for what the stage keeps in its state tables.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from actorstream.model.identity import KEY_GROUPS
from actorstream.model.instant import Instant
from actorstream.streams.engine.batch import Batch
from actorstream.streams.store.table import StateTable


class Stage(ABC):
    """Base of all stages.

    `tables` are the stage's state, saved and restored by the task that runs it. `right_side` is the way in for records
    of a second stream, if there is one; `hold_us`: how far the times of what comes out may lie behind the watermark;
    `groups`: the key groups whose records come here.
    """

    right_side: Stage | None = None
    hold_us = 0
    groups = range(KEY_GROUPS)

    def __init__(self, name: str) -> None:
        self.name = name
        self.outputs: list[Stage] = []
        self.tables: list[StateTable[Any]] = []
        self.skipped = 0  # records left out by a policy, since the task began
        self.dead_letters = 0  # the same, those that were written into a topic
        self.last_failure = ""  # why, of the last of these
        self.letters: dict[str, Stage] = {}  # where dead letters go, by topic

    @abstractmethod
    def push(self, batch: Batch) -> None:
        """Take a batch."""

    def expect(self, batch: Batch) -> None:  # noqa: B027 - most stages have nothing to prepare
        """This batch is about to be pushed, in one piece or several: what all of it needs may be read at once."""

    def advance(self, watermark: Instant) -> None:
        """The watermark has reached `watermark`: whatever is due by it goes out, then the next stages hear of it."""
        self.pass_on(watermark)

    def restored(self) -> None:  # noqa: B027 - most stages derive nothing
        """The tables were loaded or rolled back: rebuild what is derived from them."""

    def look(self, key: bytes, *, decided: bool) -> Any:
        """What the state holds for a key, now or as of the last decided checkpoint: copies, for people to look at.

        By default the value of each table under its name, where there is one.
        """
        found = {table.name: table.copy_of(0, key, decided=decided) for table in self.tables}
        return {name: value for name, value in found.items() if value is not None}

    def emit(self, batch: Batch) -> None:
        """Push a batch into the next stages."""
        if len(batch):
            for stage in self.outputs:
                stage.push(batch)

    def pass_on(self, watermark: Instant) -> None:
        """Tell the next stages of the watermark."""
        for stage in self.outputs:
            stage.advance(watermark)


class PassStage(Stage):
    """Passes everything on: the head of a task that only brings channels together."""

    def push(self, batch: Batch) -> None:
        self.emit(batch)
