"""The ends of paths: what a stream is written into."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

from actorstream.errors import PlanError
from actorstream.model.topic import Topic
from actorstream.streams import checks
from actorstream.streams.connector import PlainSink, TwoPhaseSink
from actorstream.streams.plan import nodes
from actorstream.streams.policies import Policy, checked, fail
from actorstream.streams.program import Program
from actorstream.streams.site import user_site

V = TypeVar("V")


class Ends(Generic[V]):
    """Part of every `Stream`."""

    _program: Program
    _node: nodes.Node

    @property
    @abstractmethod
    def name(self) -> str:
        """The operator's identity."""

    def to(
        self,
        target: Topic[Any] | TwoPhaseSink | PlainSink,
        *,
        name: str | None = None,
        on_error: Policy | None = None,
    ) -> None:
        """End this path in a topic or a sink.

        Into a topic, and into a sink that follows `TwoPhaseSink`, exactly once: a reader never sees a record that a
        crash takes back. The record's key is the topic's `key=`, else the stream's; its timestamp is the event time.

        Args:
            on_error: what becomes of a value that does not fit the topic, or that a sink's `write` fails on; no policy
                is for sinks that follow `TwoPhaseSink`, which write behind the job's back, with its checkpoints.

        Raises:
            PlanError: `target` is neither a topic of this app nor a sink.
        """
        policy = checked(on_error, "to")
        if isinstance(target, Topic):
            self._program.declare(target)
            if isinstance(target.key, str):
                checks.check_field(self._node.type, target.key, f"the key of topic {target.name!r}")
            naming = self._program.naming("to", None, name, self.name, target.name)
            self._program.add(
                nodes.ToTopic(inputs=(self._node,), topic=target, type=self._node.type, on_error=policy, **naming)
            )
        elif isinstance(target, TwoPhaseSink | PlainSink):
            if isinstance(target, TwoPhaseSink):
                if policy is not None:
                    raise PlanError(
                        f"to() at {user_site()}: {target} writes with the checkpoints, when no record can be left out "
                        "any more; leave on_error out, and check the values in an operator before it"
                    )
                policy = fail
            naming = self._program.naming("to", None, name, self.name, _sink_label(target))
            self._program.add(
                nodes.ToSink(inputs=(self._node,), sink=target, type=self._node.type, on_error=policy, **naming)
            )
        else:
            raise PlanError(f"to() at {user_site()} was given {target!r}; give it a topic (app.topic) or a sink")

    @overload
    def sink(
        self,
        function: Callable[[V], object],
        /,
        *,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> Callable[[V], object]: ...
    @overload
    def sink(
        self, /, *, name: str | None = None, parallelism: int = 1, on_error: Policy | None = None
    ) -> Callable[[Callable[[V], object]], Callable[[V], object]]: ...
    def sink(
        self, function: Any = None, /, *, name: str | None = None, parallelism: int = 1, on_error: Policy | None = None
    ) -> Any:
        """End this path in a function that is called with each value, at least once (after a crash, some again).

        The function stays a function.
        """
        checks.checked_parallelism(parallelism, "sink")

        def build(user: Callable[..., Any]) -> Callable[..., Any]:
            checks.check_function(user, "sink")
            naming = self._program.naming("sink", user, name, self.name)
            policy = checked(on_error, "sink")
            self._program.add(
                nodes.CallSink(inputs=(self._node,), function=user, type=self._node.type, on_error=policy, **naming)
            )
            return user

        return build if function is None else build(function)


def _sink_label(sink: Any) -> str:
    """What tells a sink from its siblings, in a name that stays when a directory is moved: the end of its path."""
    path = getattr(sink, "path", None)
    return os.path.basename(os.path.normpath(path)) if isinstance(path, str) else type(sink).__name__
