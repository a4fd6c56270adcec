"""The types of what flows in a job, by number: both ends of a channel know the plan, so a type goes as its place."""

from __future__ import annotations

from typing import Any

from actorstream.streams.engine.partials import Partial
from actorstream.streams.plan.physical import PhysicalPlan


class Kinds:
    """All types of values of a plan, in the order of its operators."""

    def __init__(self, plan: PhysicalPlan) -> None:
        self._kinds: list[Any] = [Any, Partial, dict]
        self._kinds += [node.type for task in plan.tasks for node in task.nodes]

    def number(self, kind: Any) -> int:
        """The place of a type."""
        return next(place for place, one in enumerate(self._kinds) if one is kind or one == kind)

    def at(self, number: int) -> Any:
        """The type at this place."""
        return self._kinds[number]
