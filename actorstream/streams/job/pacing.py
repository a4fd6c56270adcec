"""How far apart in event time the splits may be whose records meet. Pure.

Theory of operation. What is ahead waits in windows and joins for what is behind, and takes room there. So a split whose
watermark is more than `drift_us` beyond the slowest stops reading until that one has come along. The slowest of those
that hold something back counts: neither a split that is idle or at its end, nor one that has brought nothing yet.
Splits report only when they have moved by a good part of the drift, and are told as seldom.

A split that feeds a table is never stopped: the stream that is joined with the table may wait for it. What waits for
nobody's time cannot wait for each other in a circle, because the slowest itself is never stopped.

Guarantees: the slowest split of a group is never told to wait. Leaves to others: which splits are idle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from actorstream.model.instant import END_OF_TIME, Instant
from actorstream.streams.plan.physical import PhysicalPlan, TaskPlan

REPORTS_PER_DRIFT = 4
"""How often a split reports while it moves by the whole drift."""


def meeting(plan: PhysicalPlan) -> list[tuple[str, ...]]:
    """The names of sources whose event times are merged somewhere, together; tables have no part in time."""
    group_of = {task.name: task.name for task in plan.tasks}

    def root(name: str) -> str:
        while group_of[name] != name:
            name = group_of[name]
        return name

    for task in plan.tasks:
        for edge in task.inputs:
            if edge.port != "table":
                group_of[root(edge.source)] = root(task.name)
    groups: dict[str, list[TaskPlan]] = {}
    for task in plan.tasks:
        if task.is_source:
            groups.setdefault(root(task.name), []).append(task)
    return [
        tuple(task.name for task in group) for group in groups.values() if sum(task.instances for task in group) > 1
    ]


class Pacing:
    """See the module.

    Args:
        groups: splits whose event times meet.
        drift_us: how far one may be ahead; 0: as far as it gets.
    """

    def __init__(self, groups: Iterable[Iterable[str]], drift_us: int) -> None:
        self._drift_us = drift_us
        self._group: dict[str, _Group] = {}
        for splits in groups:
            group = _Group()
            self._group.update(dict.fromkeys(splits, group))

    def on_moved(self, split: str, watermark: Instant | None) -> Mapping[str, Instant]:
        """A split is so far; None: it holds nobody back. Gives who should be told up to where to go."""
        group = self._group.get(split)
        if group is None or not self._drift_us:
            return {}
        group.places[split] = watermark
        slowest = min((one for one in group.places.values() if one is not None), default=None)
        limit = END_OF_TIME if slowest is None else slowest + self._drift_us
        if not self._is_news(group.told, limit):
            return {}
        group.told = limit
        return {one: limit for one, its in self._group.items() if its is group}

    def _is_news(self, told: Instant, limit: Instant) -> bool:
        if END_OF_TIME in (told, limit):
            return told != limit
        return abs(limit - told) >= self._drift_us // REPORTS_PER_DRIFT


class _Group:
    """Splits that meet: where each is, and what all were told."""

    def __init__(self) -> None:
        self.places: dict[str, Instant | None] = {}
        self.told: Instant = END_OF_TIME


class Place:
    """One split's side: what it has reported, and how far it may go."""

    def __init__(self, drift_us: int) -> None:
        self._step_us = drift_us // REPORTS_PER_DRIFT
        self._reported: Instant | None = None
        self.limit: Instant = END_OF_TIME

    def is_held(self, watermark: Instant) -> bool:
        """Whether it must wait for slower ones."""
        return watermark > self.limit

    def report(self, watermark: Instant | None) -> bool:
        """Whether it should report that it is so far; None: it holds nobody back."""
        before = self._reported
        if watermark is not None and before is not None and before <= watermark < before + self._step_us:
            return False
        if watermark == before:
            return False
        self._reported = watermark
        return True
