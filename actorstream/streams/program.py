"""What an App has declared so far: its nodes by name, its topics, the ends of its paths."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from actorstream.errors import PlanError, TopicMismatch
from actorstream.model.topic import Topic
from actorstream.streams.plan.nodes import SINKS, Gaps, KeyBy, Node, Process, Tap, timed_by, walk
from actorstream.streams.site import function_name, user_module, user_site


class Program:
    """Grows as the user's file runs; read once, when the job is planned.

    Guarantees: a name that nobody chose is unique and depends on the path alone, so that adding a sibling renames
    nothing. Names that people chose are checked when the program is `complete`, because only then both places are
    known.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.module = user_module()
        self.topics: dict[str, Topic[Any]] = {}
        self._nodes: list[Node] = []
        self._taken: dict[str, int] = {}

    def add(self, node: Node) -> Node:
        """Remember a node."""
        self._nodes.append(node)
        return node

    def declare(self, topic: Topic[Any]) -> Topic[Any]:
        """Remember a topic; the same declaration again gives the first object.

        Raises:
            TopicMismatch: it was declared otherwise.
        """
        known = self.topics.setdefault(topic.name, topic)
        for attribute in ("type", "partitions", "replication", "key", "retention_us", "compacted", "sequence"):
            one, other = getattr(known, attribute), getattr(topic, attribute)
            if one != other:
                raise TopicMismatch(
                    f"topic {topic.name!r} is declared twice, with {attribute} {_show(one)} and {_show(other)}; "
                    "declare it once, or alike"
                )
        return known

    def naming(
        self,
        operation: str,
        function: Callable[..., Any] | None,
        name: str | None,
        parent: str | None,
        detail: str = "",
    ) -> dict[str, Any]:
        """The `name`, `given_name` and `site` of a new node: the name given, else the function's, else the path's.

        Args:
            parent: the name of the stream that the operator was called on.
            detail: what tells it from others of its kind below the same parent.
        """
        given = name if name is not None or function is None else function_name(function)
        site = user_site()
        if given is not None:
            if not isinstance(given, str) or not given:
                raise PlanError(f"{given!r} at {site} is no operator name; use a string")
            return {"name": given, "given_name": True, "site": site}
        path = f"{parent}.{operation}" if parent is not None else operation
        if detail:
            path = f"{path}[{detail}]"
        return {"name": self._free(path), "given_name": False, "site": site}

    def _free(self, path: str) -> str:
        count = self._taken[path] = self._taken.get(path, 0) + 1
        return path if count == 1 else f"{path}~{count}"

    def complete(self) -> tuple[Node, ...]:
        """The ends of all paths: sinks, and taps that nothing reads; numbers are followed, too.

        Raises:
            PlanError: as `check`, or there is nothing to run.
        """
        self.check(self._nodes)
        read = {one for node in self._nodes for one in node.inputs}
        ends = tuple(n for n in self._nodes if isinstance(n, SINKS) or (isinstance(n, Tap) and n not in read))
        if not ends:
            raise PlanError(
                f"app {self.name!r} has nothing to run: no stream ends anywhere; end one with .to(topic), .to(sink) or "
                "@stream.sink"
            )
        return (*ends, *(n for n in self._nodes if isinstance(n, Gaps) and n not in read))

    def reading(self, node: Node, kind: type[Node]) -> Node | None:
        """The first operator of that kind that reads `node`, or a `key_by` of it; None if there is none."""
        keys = {one for one in self._nodes if isinstance(one, KeyBy) and node in one.inputs}
        readers = (one for one in self._nodes if isinstance(one, kind))
        return next((one for one in readers if node in one.inputs or not keys.isdisjoint(one.inputs)), None)

    def check(self, nodes: Iterable[Node]) -> None:
        """Refuse what can be told only now that all is written.

        Raises:
            PlanError: a name was chosen twice, or a timer has no function.
        """
        declared = set(self._nodes)
        chosen: dict[str, Node] = {}
        for node in nodes:
            if isinstance(node, Process):
                _check_timers(node)
                _check_ttl(node)
            other = chosen.setdefault(node.name, node) if node in declared else node
            if other is not node:
                raise PlanError(
                    f"two operators are named {node.name!r}, at {other.site} and at {node.site}; "
                    "a name is an operator's identity, so give one of them another with name="
                )


def needed(ends: tuple[Node, ...]) -> list[Node]:
    """All nodes that the ends need, inputs first."""
    return walk(ends)


def _check_timers(node: Process) -> None:
    for one in node.every_injected():
        if one.kind == "timer" and one.parameter not in node.timers:
            raise PlanError(
                f"operator {node.name!r} at {node.site} has a timer {one.parameter!r} and no function for it; decorate "
                f"one with @{node.name}.on_timer"
            )


def _check_ttl(node: Process) -> None:
    timeless = next((one for one in timed_by(node) if one.topic is None and one.event_time is None), None)
    lasting = next((one for one in node.every_injected() if one.ttl_us is not None), None)
    if timeless is not None and lasting is not None:
        raise PlanError(
            f"{lasting.parameter!r} of {node.name!r} at {node.site} has a ttl, which counts event time, "
            f"and the records of {timeless.name!r} have none; "
            "give the stream a field or a function: app.stream(..., event_time=)"
        )


def _show(value: Any) -> str:
    return getattr(value, "__name__", None) or repr(value)
