"""What all windows have in common, whatever cuts them: late records, how far time was; contents and their results."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any

from actorstream.model.identity import decode
from actorstream.model.instant import START_OF_TIME, Instant
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.contents import Contents
from actorstream.streams.engine.keys import KeyEncoder
from actorstream.streams.engine.pausable import PIECE_RECORDS, PausableStage, Work
from actorstream.streams.engine.stage import PassStage
from actorstream.streams.plan.nodes import WindowNode
from actorstream.streams.plan.partial import key_of

Result = tuple[Instant, Any, Instant]  # (the window's end, value, how far time was)
Closed = tuple[bytes, Instant, Instant, Any, Instant]  # (key, start, end, content, how far time was)


class WindowStage(PausableStage):
    """See the module. `late` is where records go that came too late; `late_records` counts them since the start."""

    def __init__(self, node: WindowNode) -> None:
        super().__init__(node.name)
        self.node = node
        self.late = PassStage(f"{node.name}.late")
        self.late_records = 0
        self._watermark: Instant = START_OF_TIME

    @abstractmethod
    def open_windows(self) -> int:
        """How many windows wait for their end."""

    def restored(self) -> None:
        super().restored()
        self._watermark = START_OF_TIME

    def resume_at(self, watermark: Instant) -> None:
        """After `restored`: windows up to here have fired."""
        self._watermark = watermark

    def put_aside(self, batch: Batch, late: list[int]) -> None:
        """These records are late."""
        if late:
            self.late_records += len(late)
            self.late.emit(batch.choose(late))


class ContentsStage(WindowStage):
    """Windows that hold contents, one for each key."""

    def __init__(self, node: WindowNode, contents: Contents) -> None:
        super().__init__(node)
        self.contents = contents
        self._key = key_of(node)
        self._encoder = KeyEncoder(self._key)
        self._lateness_us = node.allowed_lateness_us
        self._emits_changes = node.emit == "change"

    def check_key(self, key: bytes) -> None:
        """A key that cannot be restored is told when it is first kept, not when its window closes."""
        decode(key, self.node.key_type)

    def results_of(self, key: bytes, start: Instant, end: Instant, content: Any) -> Iterable[Any]:
        """What a window gives."""
        return self.contents.results(decode(key, self.node.key_type), start, end, content)

    def tell(self, closed: list[Closed]) -> Work:
        """Emit what windows give; `closed`, at most a piece of them, is empty then."""
        if not closed:
            return
        if not self.contents.gives_one:
            yield from self._tell_one_by_one(closed)
        else:
            keys, starts, ends, contents, marks = zip(*closed, strict=True)
            decoded = [decode(key, self.node.key_type) for key in keys]
            values = self.contents.results_of_all(decoded, list(zip(starts, ends, strict=True)), contents)
            self.emit_results(list(zip(ends, values, marks, strict=True)))
        closed.clear()

    def _tell_one_by_one(self, closed: list[Closed]) -> Work:
        results: list[Result] = []
        for key, start, end, content, mark in closed:
            for value in self.results_of(key, start, end, content):
                results.append((end, value, mark))
                if len(results) >= PIECE_RECORDS:
                    self.emit_results(results)
                    results = []
                    yield
        self.emit_results(results)

    def emit_results(self, results: list[Result]) -> None:
        """Results go on; each has the last instant of its window as its time."""
        if not results:
            return
        marks = [mark for _, _, mark in results]
        self.emit(
            Batch(
                [value for _, value, _ in results],
                kind=self.node.type,
                times=[end - 1 for end, _, _ in results],
                own=marks,
                marks=marks,
            )
        )
