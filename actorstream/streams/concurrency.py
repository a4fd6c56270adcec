"""What `map` is told about awaiting, checked where it is written."""

from __future__ import annotations

import inspect
from typing import Any

from actorstream.errors import PlanError
from actorstream.streams.checks import is_async, shown_name
from actorstream.streams.plan.asynchronous import CONCURRENCY_MAX
from actorstream.streams.site import user_site


def check_concurrency(function: Any, concurrency: Any, ordered: Any) -> None:
    """Refuse what says how to await, where nothing is awaited; and what makes no sense.

    Raises:
        PlanError: says what was given and where.
    """
    if inspect.isasyncgenfunction(function):
        raise PlanError(
            f"map at {user_site()}: {shown_name(function)} is an async generator; map calls async functions that return"
        )
    if not isinstance(ordered, bool):
        raise PlanError(f"map at {user_site()}: ordered is {ordered!r}; it is True or False")
    if not is_async(function):
        given = f"concurrency={concurrency!r}" if concurrency is not None else "ordered=False"
        if concurrency is not None or not ordered:
            raise PlanError(
                f"map at {user_site()}: {given} is for async functions, and {shown_name(function)} is a plain one; "
                "declare it with async def, or leave that out"
            )
    elif concurrency is not None and (
        isinstance(concurrency, bool) or not isinstance(concurrency, int) or not 1 <= concurrency <= CONCURRENCY_MAX
    ):
        raise PlanError(
            f"map at {user_site()}: concurrency is {concurrency!r}; it is how many calls may be under way, from 1 to "
            f"{CONCURRENCY_MAX}"
        )
