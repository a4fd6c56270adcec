"""Where dead letters go: each operator whose policy names a topic gets a side output that ends in it.

It is no rewrite rule: a plan without it would be another one. It comes after them all, because a chain of operators
that became one has one such output for each topic.
"""

from __future__ import annotations

from collections.abc import Iterator

from actorstream.model.topic import Topic
from actorstream.streams.plan import nodes
from actorstream.streams.plan.asynchronous import AsyncMap
from actorstream.streams.plan.joins import Join
from actorstream.streams.plan.rewrite import walk
from actorstream.streams.policies import Policy, fail

_FOLLOW = (
    AsyncMap,
    nodes.Source,
    nodes.Columns,
    nodes.Gaps,
    nodes.RunningAggregate,
    nodes.WindowAggregate,
    nodes.KeyBy,
    nodes.MapBatches,
    nodes.Split,
    nodes.WindowApply,
    nodes.WindowReduce,
    nodes.Reduce,
    nodes.Process,
    nodes.MatchPattern,
    nodes.TableJoin,
    Join,
    nodes.CallSink,
    nodes.ToTopic,
    nodes.ToSink,
)
"""The operators that follow a policy, besides those in a chain."""


def with_dead_letters(ends: tuple[nodes.Node, ...]) -> tuple[nodes.Node, ...]:
    """The plan with a sink for each topic that an operator's policy names; in `collect` they go nowhere."""
    if any(isinstance(end, nodes.Collect) for end in ends):
        return ends
    return (*ends, *(sink for node in walk(ends) for sink in _sinks(node)))


def _sinks(node: nodes.Node) -> Iterator[nodes.Node]:
    topics = [policy.topic for policy in _policies(node) if policy.topic is not None]
    by_name: dict[str, Topic[object]] = {topic.name: topic for topic in topics}
    for topic in by_name.values():
        name = f"{node.name}.dead_letters[{topic.name}]"
        letters = nodes.DeadLetters(name=name, inputs=(node,), topic=topic, type=dict, site=node.site)
        yield nodes.ToTopic(name=f"{name}.to", inputs=(letters,), topic=topic, type=dict, site=node.site, on_error=fail)


def _policies(node: nodes.Node) -> Iterator[Policy]:
    followed: tuple[nodes.Node, ...] = ()
    if isinstance(node, nodes.RowChain):
        followed = node.steps
    elif isinstance(node, _FOLLOW):
        followed = (node,)
    return (one.on_error for one in followed if one.on_error is not None)
