"""From an App's program to a job that can be run."""

from __future__ import annotations

from collections.abc import Callable

from actorstream.model.topic import Topic
from actorstream.streams.job.spec import JobSpec, Settings
from actorstream.streams.plan.nodes import Node, Source, ToTopic
from actorstream.streams.plan.physical import optimise, physical
from actorstream.streams.plan.rewrite import walk
from actorstream.streams.program import Program


def job_spec(
    program: Program,
    settings: Settings,
    *,
    ends: tuple[Node, ...] | None = None,
    report: Callable[[object], None] | None = None,
) -> JobSpec:
    """The job of a program, or of those of its nodes that `ends` need.

    Raises:
        PlanError: the program is not complete.
    """
    if ends is None:
        ends = program.complete()
    else:
        program.check(walk(ends))
    optimised = optimise(ends)
    plan = physical(optimised, splits)
    return JobSpec(program.name, plan, tuple(used_topics(optimised)), settings, report)


def splits(source: Node) -> int:
    """How many instances a source's task has: one for each partition of its topic."""
    assert isinstance(source, Source)
    return source.topic.partitions if source.topic is not None else 1


def used_topics(ends: tuple[Node, ...]) -> list[Topic[object]]:
    """The topics that a plan reads or writes, each once."""
    found = [node.topic for node in walk(ends) if isinstance(node, Source | ToTopic) and node.topic is not None]
    return list(dict.fromkeys(found))
