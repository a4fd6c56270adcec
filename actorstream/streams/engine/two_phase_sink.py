"""`to(sink)` of a two-phase sink: gathers the values of the open checkpoint, in the forms in which they come."""

from __future__ import annotations

from typing import Any

from actorstream.model.record import field_names, is_record_type
from actorstream.streams.connector import TwoPhaseSink
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.stage import Stage
from actorstream.streams.plan.nodes import ToSink


class TwoPhaseSinkStage(Stage):
    """See the module."""

    def __init__(self, node: ToSink) -> None:
        super().__init__(node.name)
        self.sink: TwoPhaseSink = node.sink
        self._frames_of: dict[Any, bool] = {}
        self.restored()

    def push(self, batch: Batch) -> None:
        self._count += len(batch)
        if batch.is_columns and self._takes_frame(batch):
            self._parts.append(batch.frame())
        elif self._parts and isinstance(self._parts[-1], list):
            self._parts[-1].extend(batch.rows())
        else:
            self._parts.append(list(batch.rows()))

    def _takes_frame(self, batch: Batch) -> bool:
        kind = batch.kind
        if kind not in self._frames_of:
            takes = getattr(self.sink, "takes_frames", None)
            self._frames_of[kind] = takes is not None and is_record_type(kind) and takes(kind)
        return self._frames_of[kind] and tuple(batch.frame().columns) == field_names(kind)

    def gathered(self) -> int:
        """How many values have gathered."""
        return self._count

    def take(self) -> list[Any]:
        """What has gathered, in order: lists of values and frames; from now on it is the caller's."""
        taken = self._parts
        self.restored()
        return taken

    def restored(self) -> None:
        self._parts: list[Any] = []
        self._count = 0
