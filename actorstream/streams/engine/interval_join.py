"""The interval join: pairs of records with the same key whose times differ by at most `within`.

Theory of operation. Records of both sides are taken in order of time (`two_sided`), so that the pairs come in one order
whatever the order in which the records came. Each is then kept until time rules a partner out, and meets those of the
other side that are kept. They lie in buckets as long as `within`, so that a record looks into few of them, and whole
buckets are dropped.

A record that is late by its own split's watermark meets only partners that are not ruled out by that watermark. A side
without a partner comes out with None when one is ruled out. Where that is asked for, time goes on behind the join with
a delay of `within`: what comes out then is as old as that.
"""

from __future__ import annotations

import heapq
from itertools import accumulate
from typing import Any

from actorstream.model.instant import Instant
from actorstream.streams.engine.batch import Batch, as_list
from actorstream.streams.engine.pausable import PIECE_RECORDS, Work
from actorstream.streams.engine.two_sided import LEFT, TwoSidedStage, held, in_order, waiting
from actorstream.streams.plan.joins import IntervalJoin
from actorstream.streams.store.table import StateTable

Kept = tuple[int, int, bool, Any]
"""A record's time, the later of that and its own split's watermark, whether it has met a partner, and its value."""


class _Side:
    """What waits, and what is kept, of one side."""

    def __init__(self, name: str, kind: Any, *, comes_alone: bool) -> None:
        self.waiting = waiting(f"{name}-waiting", kind)
        self.table: StateTable[list[Kept]] = StateTable(name, list[tuple[int, int, bool, kind]])
        self.comes_alone = comes_alone
        self.buckets: set[int] = set()


class IntervalJoinStage(TwoSidedStage):
    """`keyed.join(other, within=)`."""

    def __init__(self, node: IntervalJoin) -> None:
        super().__init__(node)
        self._within = node.within_us
        self._sides = (
            _Side("left", node.left_type, comes_alone=node.how != "inner"),
            _Side("right", node.right_type, comes_alone=node.how == "outer"),
        )
        self.tables = [table for side in self._sides for table in (side.waiting.table, side.table)]
        self.hold_us = 0 if node.how == "inner" else node.within_us + 1
        self._alone: list[tuple[Instant, bytes, int]] = []  # heap: (time, key, side) of records that may come alone
        self._times: list[Instant] = []  # Of what comes out next.
        self._values: list[Any] = []

    def take(self, batch: Batch, side: int) -> Work:
        self.wait(self._sides[side].waiting, batch, self.encoded(batch, side))
        if len(batch):
            yield from self._go_on(as_list(batch.marks)[-1])

    def pass_time(self, watermark: Instant) -> Work:
        yield from self._go_on(watermark)
        self.pass_on(held(watermark, self.hold_us))

    def _go_on(self, watermark: Instant) -> Work:
        """Take, in order of time, all that waits for a time before this; let those come alone that are ruled out."""
        turns = [(turn, side) for side, one in enumerate(self._sides) for turn in one.waiting.take_before(watermark)]
        turns.sort(key=lambda turn: in_order(turn[0]))  # Of equals the left comes first.
        for (key, (as_of, time, _, _, value)), side in turns:
            self._let_come_alone(as_of)
            self._meet(side, key, time, as_of, value)
            if len(self._values) >= PIECE_RECORDS:
                self._emit()
                yield
        self._let_come_alone(watermark)
        self._emit()
        if watermark > self.watermark:
            self.watermark = watermark
            self._drop()

    # --- records -----------------------------------------------------------------------------------------------------

    def _meet(self, side: int, key: bytes, time: Instant, late: Instant, value: Any) -> None:
        partners = self._partners(1 - side, key, time, late)
        for other_time, other in partners:
            pair = (value, other) if side == LEFT else (other, value)
            self._add(max(time, other_time), *pair)
        self._keep(side, key, (time, late, bool(partners), value))

    def _add(self, time: Instant, left: Any, right: Any) -> None:
        self._times.append(time)
        self._values.append(self.joined(Batch([]), -1, left, right))

    def _partners(self, side: int, key: bytes, time: Instant, late: Instant) -> list[tuple[Instant, Any]]:
        """Those of one side that a record of the other meets; it is noted that they have met one."""
        one, within = self._sides[side], self._within
        met: list[tuple[Instant, Any]] = []
        for bucket in range((late - within) // within, (time + within) // within + 1):
            kept = one.table.get(bucket, key) if bucket in one.buckets else None
            if not kept:
                continue
            here = [
                place
                for place, (other, other_late, _, _) in enumerate(kept)
                if late - within <= other <= time + within and other_late - within <= time
            ]
            if here:
                met += [(kept[place][0], kept[place][3]) for place in here]
                self._note_met(one, bucket, key, kept, here)
        return met

    def _note_met(self, one: _Side, bucket: int, key: bytes, kept: list[Kept], places: list[int]) -> None:
        if one.comes_alone and not all(kept[place][2] for place in places):
            noted = list(kept)
            for place in places:
                time, late, _, value = kept[place]
                noted[place] = (time, late, True, value)
            one.table.put(bucket, key, noted)

    def _keep(self, side: int, key: bytes, record: Kept) -> None:
        one, time = self._sides[side], record[0]
        bucket = time // self._within
        one.buckets.add(bucket)
        kept = one.table.get(bucket, key) or []
        kept.append(record)
        one.table.put(bucket, key, kept)
        if one.comes_alone and not record[2]:
            heapq.heappush(self._alone, (time, key, side))

    # --- time --------------------------------------------------------------------------------------------------------

    def _let_come_alone(self, now: Instant) -> None:
        """Those whose partners are ruled out by now."""
        while self._alone and self._alone[0][0] + self._within < now:
            time, key, side = heapq.heappop(self._alone)
            for value in self._take_alone(time, side, key):
                pair = (value, None) if side == LEFT else (None, value)
                self._add(time, *pair)

    def _take_alone(self, time: Instant, side: int, key: bytes) -> list[Any]:
        """The records of this time that have met nobody, and will not."""
        one, bucket = self._sides[side], time // self._within
        kept = one.table.get(bucket, key) or []
        alone = [record[3] for record in kept if record[0] == time and not record[2]]
        if alone:
            one.table.put(bucket, key, [record for record in kept if record[0] != time or record[2]])
        return alone

    def _emit(self) -> None:
        """What comes out lies before the watermark that let it."""
        times, self._times = self._times, []
        values, self._values = self._values, []
        marks = list(accumulate((time - 1 - self.hold_us for time in times), max))
        self.emit(Batch(values, kind=self.node.type, times=times, own=marks, marks=marks))

    def _drop(self) -> None:
        for one in self._sides:
            past = [bucket for bucket in one.buckets if (bucket + 2) * self._within <= self.watermark]
            for bucket in sorted(past):
                one.buckets.discard(bucket)
                one.table.delete_namespace(bucket)

    def restored(self) -> None:
        super().restored()
        self._alone, self._times, self._values = [], [], []
        for side, one in enumerate(self._sides):
            one.waiting.rebuild()
            one.buckets = set(one.table.namespaces())
            if one.comes_alone:
                for bucket in sorted(one.buckets):
                    for key, kept in one.table.items(bucket):
                        self._alone += [(record[0], key, side) for record in kept if not record[2]]
        heapq.heapify(self._alone)
