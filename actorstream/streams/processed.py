"""What a `process` function yields, and the functions of its timers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from actorstream.errors import PlanError
from actorstream.streams import checks
from actorstream.streams.inject import Injection, injections
from actorstream.streams.plan import nodes
from actorstream.streams.site import user_site
from actorstream.streams.stream import Stream

V = TypeVar("V")
R = TypeVar("R")


class ProcessedStream(Stream[V]):
    """What a `process` function yields; its timers are given functions with `on_timer`."""

    @overload
    def on_timer(self, function: Callable[..., R], /) -> Callable[..., R]: ...
    @overload
    def on_timer(self, timer: str, /) -> Callable[[Callable[..., R]], Callable[..., R]]: ...
    def on_timer(self, what: Any, /) -> Any:
        """Decorate the function that is called when a timer fires: `(time, *injected)`.

        What it yields joins the stream. With several timer parameters, say which: `@detect.on_timer("reminder")`.
        The function stays a function.

        Raises:
            PlanError: there is no such timer parameter, or it has a function already.
        """
        node = self._node
        assert isinstance(node, nodes.Process)

        def build(user: Callable[..., Any], timer: str | None = None) -> Callable[..., Any]:
            checks.check_function(user, "on_timer")
            declared = [one.parameter for one in node.injected if one.kind == "timer"]
            chosen = timer or (declared[0] if len(declared) == 1 else None)
            if chosen is None or chosen not in declared:
                there = ", ".join(declared) or "none"
                raise PlanError(
                    f"on_timer at {user_site()}: say which timer of {node.name!r} it is for; "
                    f"its timer parameters: {there}"
                )
            if chosen in node.timers:
                raise PlanError(f"on_timer at {user_site()}: timer {chosen!r} of {node.name!r} has a function already")
            injected = injections(user, skip=1)
            _check_alike(node, injected)
            node.timers[chosen] = (user, injected)
            return user

        if isinstance(what, str):
            return lambda user: build(user, what)
        return build(what)


def _check_alike(node: nodes.Process, injected: tuple[Injection, ...]) -> None:
    """A name means the same state in all functions of an operator, so it must mean the same kind."""
    known = {one.parameter: one for one in node.every_injected()}
    for one in injected:
        other = known.get(one.parameter, one)
        if one.kind != other.kind:
            raise PlanError(
                f"on_timer at {user_site()}: {one.parameter!r} is a {one.kind} here and a {other.kind} in another "
                f"function of {node.name!r}; annotate them alike, or give one of them another name"
            )
        if one.ttl_us and other.ttl_us and one.ttl_us != other.ttl_us:
            raise PlanError(
                f"on_timer at {user_site()}: {one.parameter!r} has another ttl here than in another function of "
                f"{node.name!r}; it is the same state, so give it one"
            )
