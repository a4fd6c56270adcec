"""`actorstream consume TOPIC`: committed records as JSON lines."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any, BinaryIO

from actorstream.ops.commands.arguments import add_data, number_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from actorstream.log.client import ConsumerRecord
    from actorstream.ops.commands.arguments import Commands


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "consume",
        help="print the records of a topic",
        description="Prints the committed values of a topic as JSON lines, to its end.",
    )
    parser.add_argument("topic", metavar="TOPIC")
    parser.add_argument("--from", dest="start", default="earliest", choices=("earliest", "latest"), help="(earliest)")
    parser.add_argument("--max", type=number_from(0), metavar="N", help="end after so many records")
    parser.add_argument("--group", metavar="G", help="go on where this group was, and remember where it is then")
    parser.add_argument("--follow", action="store_true", help="at the end wait for more")
    parser.add_argument("--format", default="value", choices=("value", "full"), help="full: with key, offset and so on")
    add_data(parser)
    parser.set_defaults(act=act)


def act(options: argparse.Namespace) -> int:
    """Print record by record."""
    from actorstream.log.client import Consumer
    from actorstream.ops.reach import check_directory

    check_directory(options.data, create=False)
    consumer = Consumer(
        options.topic, data=options.data, group=options.group, start=options.start, follow=options.follow
    )
    encode = _full if options.format == "full" else _value
    with consumer:
        records = iter(consumer)
        at_once = options.follow or options.group is not None
        _print(records, options.max, encode, sys.stdout.buffer, at_once=at_once)
    return 0


def _print(
    records: Iterable[ConsumerRecord],
    limit: int | None,
    encode: Callable[[ConsumerRecord], bytes],
    out: BinaryIO,
    *,
    at_once: bool,
) -> None:
    """Print so many records; `at_once`: a record is out before the next one is asked for."""
    left = limit
    if left == 0:
        return
    for record in records:
        out.write(encode(record) + b"\n")
        if at_once:
            out.flush()
        if left is not None:
            left -= 1
            if left == 0:
                break
    out.flush()


def _value(record: ConsumerRecord) -> bytes:
    return _json(record.value)


def _full(record: ConsumerRecord) -> bytes:
    return _json(
        {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "key": _text(record.key),
            "timestamp": record.timestamp,
            "headers": [[name, _text(content)] for name, content in record.headers],
            "value": record.value,
        }
    )


def _json(value: Any) -> bytes:
    import msgspec

    return msgspec.json.encode(value)


def _text(value: Any) -> Any:
    """Bytes as text where they are text; others stay bytes, which JSON shows in base 64."""
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value
