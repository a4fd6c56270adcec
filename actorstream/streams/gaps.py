"""Gaps in what producers number: `app.topic(..., sequence=)` says that they do, `stream.gaps` what is wrong."""

from __future__ import annotations

from typing import Any

from actorstream.errors import PlanError
from actorstream.model.record import Record
from actorstream.model.topic import Topic
from actorstream.streams import checks
from actorstream.streams.plan import nodes
from actorstream.streams.program import Program
from actorstream.streams.site import function_name, user_site
from actorstream.streams.stream import Stream


class Gap(Record):
    """A record whose number is not the one that its key had to have next.

    `kind` is one of

    - "gap": `found` is larger than `expected`; the numbers from `expected` up to it have not come;
    - "late": one of those that had not come has come after all;
    - "duplicate": the number has come before;
    - "old": it lies below all that is remembered of the key, so it may be either.

    `partition` and `offset` are those of the record (the offset None if it has none).

    Example:
        >>> from actorstream import App, Gap, Record
        >>> from actorstream.testing import run
        >>> class Reading(Record):
        ...     sensor: str
        ...     number: int
        >>> app = App("doc")
        >>> readings = app.topic("readings", Reading, key="sensor", sequence="number")
        >>> gaps = app.topic("gaps", Gap)
        >>> app.stream(readings).gaps.to(gaps)
        >>> run(app, {readings: [Reading("a", 1), Reading("a", 4)]})[gaps]
        [Gap(key='a', kind='gap', expected=2, found=4, partition=0, offset=1)]
    """

    key: Any
    kind: str
    expected: int
    found: int
    partition: int
    offset: int | None


def check_sequence(topic: Topic[Any]) -> None:
    """Refuse a sequence that cannot be followed.

    Raises:
        PlanError: the topic has no key, or its type no such field, or one that is no int.
    """
    field = topic.sequence
    if field is None:
        return
    use = f"the sequence of topic {topic.name!r}"
    if not isinstance(field, str):
        raise PlanError(f"{use} at {user_site()} is {field!r}; give the name of a field")
    if topic.key is None:
        raise PlanError(
            f"{use} at {user_site()}: each key has its own numbers, and the topic has no key; add key= to app.topic"
        )
    checks.check_field(topic.type, field, use)
    kind = checks.plain_type(checks.field_type(topic.type, field))
    if kind not in (int, Any):
        raise PlanError(f"{use} at {user_site()}: the field {field!r} is no int, and numbers that go up by one are")


def watch_gaps(program: Program, source: nodes.Source) -> None:
    """Follow the numbers of the topic that `source` reads, if it declares them; also if nobody asks for the gaps."""
    topic = source.topic
    if topic is None or topic.sequence is None:
        return
    by = topic.key
    assert by is not None
    name = by if isinstance(by, str) else function_name(by) or "key"
    key = nodes.KeyBy(
        inputs=(source,),
        type=source.type,
        function=None if isinstance(by, str) else by,
        fields=(by,) if isinstance(by, str) else (),
        key_type=checks.field_type(source.type, by) if isinstance(by, str) else checks.result_type(by),
        key_names=(name,),
        **program.naming("gaps.key_by", None, None, source.name),
    )
    naming = program.naming("gaps", None, None, source.name)
    program.add(key)
    program.add(nodes.Gaps(inputs=(key,), type=Gap, field=topic.sequence, key_type=key.key_type, **naming))


def gaps_of(program: Program, node: nodes.Node) -> Stream[Gap]:
    """See `Stream.gaps`."""
    found = program.reading(node, nodes.Gaps)
    if found is None:
        raise PlanError(
            f".gaps at {user_site()}: {node.name!r} is no stream of a topic with numbers; declare them, "
            'app.topic(..., key=, sequence="number"), and ask the stream that app.stream gave for .gaps'
        )
    return Stream(program, found)
