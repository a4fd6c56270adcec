"""`actorstream produce TOPIC`: JSON lines from standard input become records."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from actorstream.errors import BadInput
from actorstream.ops.commands.arguments import add_data
from actorstream.ops.interrupts import Interrupted
from actorstream.ops.show import counted, say

if TYPE_CHECKING:
    from actorstream.log.client import Producer
    from actorstream.ops.commands.arguments import Commands

READ_BYTES_MAX = 1 << 20
LINE_BYTES_MAX = 64 << 20
"""A longer line is refused, so that input without line breaks cannot fill the memory."""

_SHOWN_MAX = 100


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "produce",
        help="write JSON lines into a topic",
        description="Writes JSON lines from standard input into a topic. A line that does not fit the topic is named; "
        "those before it are written.",
    )
    parser.add_argument("topic", metavar="TOPIC")
    add_data(parser)
    parser.set_defaults(act=act)


def act(options: argparse.Namespace) -> int:
    """Write line by line, in batches of what is there."""
    from actorstream.log.client import Producer
    from actorstream.ops.reach import find, reached

    with reached(options.data) as transport:
        find(transport, options.topic)  # Before anybody types a line.
        with Producer(data=options.data, transport=transport) as producer:
            _send_all(producer, _Lines(options.topic), sys.stdin.buffer)
    return 0


def _send_all(producer: Producer, lines: _Lines, stream: BinaryIO) -> None:
    """Send all lines, and say how many are in the log, also after a bad one."""
    try:
        for batch in _batches(stream):
            lines.send(producer, batch)
    except (BadInput, Interrupted):
        producer.flush()
        lines.say_written()
        raise
    producer.flush()
    lines.say_written()


class _Lines:
    """Sends lines to a topic, and counts."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._read = 0
        self.written = 0

    def send(self, producer: Producer, batch: list[bytes]) -> None:
        """Send the lines of a batch, up to the first bad one.

        Raises:
            BadInput: a line does not parse, or does not fit the topic; names it.
        """
        values: list[Any] = []
        try:
            for line in batch:
                self._read += 1
                if line.strip():
                    values.append((self._read, self._parsed(line)))
        finally:
            self._send_values(producer, values)

    def say_written(self) -> None:
        """Tell the person how many records there are."""
        say(f"{counted(self.written, 'record')} written into {self._topic}")

    def _parsed(self, line: bytes) -> Any:
        import msgspec

        try:
            return msgspec.json.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            shown = line.strip()[:_SHOWN_MAX].decode(errors="replace")
            raise BadInput(f"line {self._read}: {shown} is not JSON: {error}") from None

    def _send_values(self, producer: Producer, numbered: list[tuple[int, Any]]) -> None:
        try:
            producer.send_many(self._topic, [value for _, value in numbered])
            self.written += len(numbered)
        except BadInput:  # Nothing of it was written; find the one that does not fit.
            for number, value in numbered:
                self._send_one(producer, number, value)

    def _send_one(self, producer: Producer, number: int, value: Any) -> None:
        try:
            producer.send(self._topic, value)
        except BadInput as error:
            raise BadInput(f"line {number}: {error}") from None
        self.written += 1


def _batches(stream: BinaryIO) -> Iterator[list[bytes]]:
    """The lines of a stream, as many at a time as are there."""
    rest = b""
    while data := stream.read1(READ_BYTES_MAX):  # type: ignore[attr-defined]
        *lines, rest = (rest + data).split(b"\n")
        if len(rest) > LINE_BYTES_MAX:
            raise BadInput(f"a line is longer than {LINE_BYTES_MAX:,} bytes; write each value on a line of its own")
        if lines:
            yield lines
    if rest:
        yield [rest]
