"""The as-of join: each record with the latest value of its key in a table that is not later than the record.

Theory of operation. The table's values are kept as versions, by their times. A record of the left waits until the
watermark, that of both sides, has passed its time: then every version that may matter has come. Of the versions at or
before the watermark the latest is kept, and none before it, because no record that is in time asks for one.

A record that is late by its own split's watermark meets the latest version as of that watermark, unless the version is
later than the record: then the one it asks for may be gone, and it meets none. A version that is late is seen by those
only that are joined as of its split's watermark or later. So no record meets a value of its future, and the result does
not depend on how splits interleave.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from operator import itemgetter
from typing import Any

from actorstream.model.instant import Instant
from actorstream.streams.engine.batch import Batch, as_list
from actorstream.streams.engine.pausable import PIECE_RECORDS, Work
from actorstream.streams.engine.two_sided import RIGHT, TwoSidedStage, in_order, waiting
from actorstream.streams.plan.joins import AsOfJoin
from actorstream.streams.store.table import StateTable

Version = tuple[int, int, int, int, Any]
"""A version's time, partition and offset, the later of its time and its own split's watermark, and its value."""

_time, _order = itemgetter(0), itemgetter(0, 1, 2)


class AsOfJoinStage(TwoSidedStage):
    """`keyed.join(table, as_of=True)`."""

    def __init__(self, node: AsOfJoin) -> None:
        super().__init__(node)
        left, right = node.left_type, node.right_type
        self._waiting = waiting("waiting", left)
        versions: Any = list[tuple[int, int, int, int, right]]  # type: ignore[valid-type]
        self._versions: StateTable[list[Version]] = StateTable("versions", versions)
        self.tables = [self._waiting.table, self._versions]

    def take(self, batch: Batch, side: int) -> Work:
        keys = self.encoded(batch, side)
        if side == RIGHT:
            self._add_versions(batch, keys)
        else:
            self.wait(self._waiting, batch, keys)
        if len(batch):
            yield from self._fire(as_list(batch.marks)[-1])

    def _add_versions(self, batch: Batch, keys: list[bytes]) -> None:
        partition = batch.origin.partition
        offsets = [0] * len(batch) if batch.offsets is None else as_list(batch.offsets)
        columns = (as_list(batch.times), as_list(batch.own), offsets, batch.rows())
        for key, time, own, offset, value in zip(keys, *columns, strict=True):
            versions = self._versions.get(0, key) or []
            insort(versions, (time, partition, offset, max(time, own), value), key=_order)
            last = _last(versions, self.watermark)
            self._versions.put(0, key, versions[last:] if last > 0 else versions)

    def pass_time(self, watermark: Instant) -> Work:
        yield from self._fire(watermark)
        self.pass_on(watermark)

    def _fire(self, watermark: Instant) -> Work:
        """Join all that waits for a time before this."""
        times: list[Instant] = []
        values: list[Any] = []
        for key, (as_of, time, _, _, value) in sorted(self._waiting.take_before(watermark), key=in_order):
            found = self._version(key, as_of, time)
            if found is not None or self.node.how == "left":
                times.append(time)
                values.append(self.joined(Batch([]), -1, value, found))
            if len(values) >= PIECE_RECORDS:
                self._emit(times, values)
                times, values = [], []
                yield
        self._emit(times, values)
        self.watermark = max(self.watermark, watermark)

    def _version(self, key: bytes, as_of: Instant, time: Instant) -> Any:
        versions = self._versions.get(0, key) or []
        last = _last(versions, as_of)
        return None if last < 0 or versions[last][0] > time else versions[last][4]

    def _emit(self, times: list[Instant], values: list[Any]) -> None:
        """What comes out lies before the watermark that let it."""
        marks = [time - 1 for time in times]
        self.emit(Batch(values, kind=self.node.type, times=times, own=marks, marks=marks))

    def restored(self) -> None:
        super().restored()
        self._waiting.rebuild()


def _last(versions: list[Version], as_of: Instant) -> int:
    """The place of the last version that is seen as of then; -1 if there is none."""
    place = bisect_right(versions, as_of, key=_time) - 1
    while place >= 0 and versions[place][3] > as_of:
        place -= 1
    return place
