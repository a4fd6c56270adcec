"""`actorstream topics list | create | describe | delete`."""

from __future__ import annotations

import argparse
import types
import typing
from typing import TYPE_CHECKING, Any

from actorstream.ops.commands.arguments import add_data, number_from
from actorstream.ops.show import say, table

if TYPE_CHECKING:
    from actorstream.log.client import TopicState
    from actorstream.model.topic import TopicSpec
    from actorstream.ops.commands.arguments import Commands


def add(commands: Commands) -> None:
    """Declare the commands."""
    group = commands.add_parser("topics", help="list, create, describe, delete topics", description="Topics of a log.")
    actions = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    listing = actions.add_parser("list", help="all topics", description="Lists topics, one a line.")
    listing.set_defaults(act=list_all)
    creating = actions.add_parser("create", help="make a topic", description="Makes a topic.")
    creating.add_argument("topic", metavar="TOPIC")
    creating.add_argument("--partitions", type=number_from(1), default=1, metavar="N", help="(1)")
    creating.add_argument("--retention", metavar="TIME", help="how long records are kept, such as 7d (for ever)")
    creating.add_argument("--compacted", action="store_true", help="only the latest record of each key need be kept")
    creating.set_defaults(act=create)
    describing = actions.add_parser("describe", help="its type and partitions", description="Describes one topic.")
    describing.add_argument("topic", metavar="TOPIC")
    describing.set_defaults(act=describe)
    deleting = actions.add_parser("delete", help="remove a topic and its records", description="Removes a topic.")
    deleting.add_argument("topic", metavar="TOPIC")
    deleting.set_defaults(act=delete)
    for parser in (listing, creating, describing, deleting):
        add_data(parser)


def list_all(options: argparse.Namespace) -> int:
    """One line a topic."""
    from actorstream.log.client import describe_topic, list_topics
    from actorstream.ops.reach import reached

    with reached(options.data) as transport:
        states = [describe_topic(transport, spec.name) for spec in list_topics(transport)]
    rows = [(one.spec.name, one.spec.partitions, _offsets(one), _type(one.spec), _kept(one.spec)) for one in states]
    print(table(("topic", "partitions", "offsets", "type", "kept"), rows))
    return 0


def create(options: argparse.Namespace) -> int:
    """Make the topic, unless it is there."""
    from actorstream.log.client import create_topic
    from actorstream.model.topic import Topic
    from actorstream.ops.reach import reached

    topic: Topic[Any] = Topic(
        options.topic, partitions=options.partitions, retention=options.retention, compacted=options.compacted
    )
    with reached(options.data, create=True) as transport:
        is_new = create_topic(transport, topic)
    say(f"topic {topic.name!r} {'created' if is_new else 'was there already'}")
    return 0


def describe(options: argparse.Namespace) -> int:
    """What is known of the topic, its fields, its partitions."""
    from actorstream.log.client import describe_topic
    from actorstream.ops.reach import reached

    with reached(options.data) as transport:
        state = describe_topic(transport, options.topic)
    spec = state.spec
    written = "by a job" if spec.reads_committed else "by producers"
    print(f"{spec.name}: {_type(spec)}, written {written}, kept {_kept(spec)}")
    fields = _fields(spec.schema)
    if fields:
        print(f"\n{table(('field', 'type'), fields)}")
    print(f"\n{table(('partition', 'start', 'end', 'committed'), state.partitions)}")
    return 0


def delete(options: argparse.Namespace) -> int:
    """Remove the topic."""
    from actorstream.log.client import delete_topic
    from actorstream.ops.reach import find, reached

    with reached(options.data) as transport:
        find(transport, options.topic)
        delete_topic(transport, options.topic)
    say(f"topic {options.topic!r} deleted")
    return 0


def _offsets(state: TopicState) -> int:
    """How many offsets the log holds: records, and a few markers of commits."""
    return sum(one.end_offset - one.start_offset for one in state.partitions)


def _type(spec: TopicSpec) -> str:
    if spec.schema is None:
        return "any JSON"
    from actorstream.model.schema import build

    kind = build(spec.schema)
    return str(getattr(kind, "__name__", kind))


def _kept(spec: TopicSpec) -> str:
    from actorstream.model.duration import show_us

    how_long = "for ever" if spec.retention_us is None else f"for {show_us(spec.retention_us)}"
    return f"{how_long}, compacted" if spec.compacted else how_long


def _fields(schema: dict[str, Any] | None) -> list[tuple[str, str]]:
    """The fields of a Record type, and their types in words."""
    if schema is None:
        return []
    import msgspec

    from actorstream.model.record import is_record_type
    from actorstream.model.schema import build

    kind = build(schema)
    if not is_record_type(kind):
        return []
    return [(field.name, _type_in_words(field.type)) for field in msgspec.structs.fields(kind)]


def _type_in_words(kind: Any) -> str:
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        return " | ".join(_type_in_words(one) for one in typing.get_args(kind))
    if kind is type(None):
        return "None"
    return kind.__name__ if isinstance(kind, type) and not typing.get_args(kind) else str(kind).replace("typing.", "")
