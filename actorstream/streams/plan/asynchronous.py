"""The node of `map` over an async function: it begins a task of its own, so that all its calls have one bound."""

from __future__ import annotations

from dataclasses import dataclass

from actorstream.streams.plan.nodes import RowOperator

CONCURRENCY = 16
"""Calls of an async function that may be under way, unless `map` says otherwise."""

CONCURRENCY_MAX = 10_000
"""The most that may be asked for."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class AsyncMap(RowOperator):
    """One value for each, awaited; `concurrency` calls at a time."""

    kind = "async map"
    concurrency: int
    ordered: bool

    def detail(self) -> str:
        order = "" if self.ordered else ", in any order"
        return f"{getattr(self.function, '__name__', '')}, {self.concurrency} at a time{order}"
