"""`produce` and `consume`: JSON lines in, JSON lines out."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from actorstream import Record
from actorstream.log.client import open_producer
from actorstream.model.topic import Topic
from actorstream.ops.cli import main
from tests.ops.commands import actorstream


class Bid(Record):
    item: str
    price: float


@pytest.fixture
def data(tmp_path: Path) -> str:
    """A data directory with a typed topic `bids` and an untyped one, `things`."""
    directory = str(tmp_path / "data")
    with open_producer(directory) as producer:
        producer.send(Topic("bids", Bid, partitions=1), Bid("a", 1.0), key="k", headers={"h": b"x"})
    assert main(["topics", "create", "things", "--data", directory]) == 0
    return directory


def produce(monkeypatch: pytest.MonkeyPatch, data: str, topic: str, lines: str | bytes) -> int:
    encoded = lines.encode() if isinstance(lines, str) else lines
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(encoded)))
    return main(["produce", topic, "--data", data])


def consume(capsys: pytest.CaptureFixture[str], data: str, topic: str, *more: str) -> list[object]:
    capsys.readouterr()
    assert main(["consume", topic, "--data", data, *more]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_lines_become_records(data: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Any JSON goes into an untyped topic; blank lines and a missing last line break do not matter."""
    lines = '{"a": [1, null]}\n\n"text"\r\n12.5'

    assert produce(monkeypatch, data, "things", lines) == 0

    assert "3 records written into things" in capsys.readouterr().err
    assert consume(capsys, data, "things") == [{"a": [1, None]}, "text", 12.5]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        pytest.param(b"{broken", "line 4: {broken is not JSON", id="not JSON"),
        pytest.param(b'{"item": "c"}', "line 4: topic 'bids'", id="a field is missing"),
        pytest.param(b'{"item": "c", "price": "cheap"}', "line 4: topic 'bids'", id="a type does not fit"),
        pytest.param(b'{"item": "\xff", "price": 1}', "line 4:", id="not UTF-8"),
        pytest.param(b"1 2", "line 4: 1 2 is not JSON", id="two values"),
    ],
)
def test_a_bad_line_is_named_and_those_before_it_are_written(
    bad: bytes, said: str, data: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lines count from 1, blank ones too; nothing after the bad one is written."""
    good = b'{"item": "a", "price": 1}\n\n{"item": "b", "price": 2}\n'

    status = produce(monkeypatch, data, "bids", good + bad + b'\n{"item": "d", "price": 4}\n')

    err = capsys.readouterr().err
    assert status == 2
    assert said in err
    assert "2 records written into bids" in err
    assert len(err.splitlines()) <= 6
    assert [one["item"] for one in consume(capsys, data, "bids")] == ["a", "a", "b"]  # type: ignore[index]


def test_the_full_format_shows_where_a_record_is_from(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Topic, partition, offset, key, timestamp, headers, value."""
    (record,) = consume(capsys, data, "bids", "--format", "full")

    assert isinstance(record, dict)
    assert record.pop("timestamp").endswith("Z")
    assert record == {
        "topic": "bids",
        "partition": 0,
        "offset": 0,
        "key": "k",
        "headers": [["h", "x"]],
        "value": {"item": "a", "price": 1.0},
    }


def test_a_group_goes_on_where_it_was(
    data: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--max` ends after so many records, and the group remembers exactly those."""
    produce(monkeypatch, data, "things", "1\n2\n3\n4\n")
    group = ("--group", "readers")

    assert consume(capsys, data, "things", *group, "--max", "1") == [1]
    assert consume(capsys, data, "things", *group, "--max", "0") == []
    assert consume(capsys, data, "things", *group, "--max", "2") == [2, 3]
    assert consume(capsys, data, "things", *group) == [4]
    assert consume(capsys, data, "things") == [1, 2, 3, 4]


def test_from_latest_shows_nothing_that_is_there(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It begins at the end."""
    assert consume(capsys, data, "bids", "--from", "latest") == []


@pytest.mark.parametrize("command", ["consume", "produce"])
def test_an_unknown_topic_is_told_with_those_that_there_are(
    command: str, data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is read from standard input."""
    assert main([command, "nope", "--data", data]) == 2

    assert "there is no topic 'nope'. There are: bids, things." in capsys.readouterr().err


def test_a_reader_that_goes_away_ends_consume_quietly(data: str, tmp_path: Path) -> None:
    """`consume | head -1` succeeds, however much was left to print."""
    lines = "".join(f'"{"x" * 100} {n}"\n' for n in range(5000))
    actorstream("produce", "things", "--data", data, cwd=tmp_path, stdin=lines)
    piped = f"set -o pipefail; {sys.executable} -m actorstream consume things --data {data} | head -1"
    done = subprocess.run(["bash", "-c", piped], capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(' 0"\n')


def test_a_full_disk_behind_standard_output_is_told(data: str, tmp_path: Path) -> None:
    """It is a person's to mend."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "actorstream", "consume", "bids", "--data", data],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )

    assert (done.returncode, done.stderr) == (2, "actorstream: standard output: No space left on device\n")
