"""Values on standard output."""

from __future__ import annotations

from datetime import datetime

import pytest

from actorstream.connectors.console import console
from actorstream.errors import BadInput
from actorstream.model.record import Record
from actorstream.streams.connector import PlainSink


class Tick(Record):
    """A time and a text."""

    at: datetime
    text: str = "é"


def test_each_value_is_a_line_of_json(capsys):
    """Times in UTC, texts as they are."""
    sink = console()

    sink.write([Tick(datetime(2013, 1, 1)), {"a": [1, None]}, "x"])

    assert isinstance(sink, PlainSink)
    assert capsys.readouterr().out == '{"at":"2013-01-01T00:00:00Z","text":"é"}\n{"a":[1,null]}\n"x"\n'


def test_what_json_cannot_hold_is_refused():
    """With what msgspec says of it."""
    with pytest.raises(BadInput, match="a value cannot be shown as JSON"):
        console().write([object()])
