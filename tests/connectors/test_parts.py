"""A directory of part files as a two-phase sink."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from actorstream.connectors import files
from actorstream.connectors.files.json_lines import JsonLines
from actorstream.connectors.files.parts import PartFiles
from actorstream.errors import BadInput
from actorstream.host import Entropy, MemoryDisk
from actorstream.model.record import Record
from actorstream.streams.connector import TwoPhaseSink

NOON = datetime(2013, 1, 1, 12, tzinfo=UTC)


class Result(Record):
    """Something of each kind."""

    n: int
    at: datetime = NOON
    text: str | None = None
    table: dict[str, int] = {}  # noqa: RUF012 - msgspec copies it
    pair: tuple[int, str] | None = None


class Loose(Record):
    """A field that no column can hold."""

    anything: Any = None


FORMATS = [files.jsonl, files.csv, files.parquet]
ROWS = [Result(1), Result(2, text="two, 2", table={"x": 2}, pair=(1, "one"))]


@pytest.mark.parametrize("make", FORMATS)
def test_what_is_written_can_be_read(tmp_path, read_all, make):
    """By the same object."""
    out = make(tmp_path / "out", Result)

    writer = out.open("job-1-1-0")
    writer.write(ROWS[:1])
    writer.write(ROWS[1:])
    writer.prepare()
    out.commit("job-1-1-0")

    assert isinstance(out, TwoPhaseSink)
    assert read_all(out).values == ROWS


@pytest.mark.parametrize("make", FORMATS)
def test_nothing_is_visible_before_the_commit(tmp_path, read_all, make):
    """And everything after it, under the handle's name; a second commit changes nothing."""
    out = make(tmp_path / "out", Result)
    writer = out.open("job-1-1-0")
    writer.write(ROWS)
    assert read_all(out).values == []
    writer.prepare()
    assert read_all(out).values == []

    for _ in range(2):
        out.commit("job-1-1-0")
        assert read_all(out).values == ROWS
        assert [path.stem for path in (tmp_path / "out").iterdir()] == ["part-job-1-1-0"]


def test_times_are_written_in_utc(tmp_path):
    """ISO-8601 with `Z`, from any zone, typed or not."""
    out = files.jsonl(tmp_path / "out")
    there = NOON.astimezone(timezone(timedelta(hours=2)))

    writer = out.open("h")
    writer.write([Result(1, at=there), {"at": there, "naive": NOON.replace(tzinfo=None)}])
    writer.prepare()
    out.commit("h")

    first, second = (tmp_path / "out" / "part-h.jsonl").read_text().splitlines()
    assert '"at":"2013-01-01T12:00:00Z"' in first
    assert second == '{"at":"2013-01-01T12:00:00Z","naive":"2013-01-01T12:00:00Z"}'


def test_a_part_without_values_leaves_no_file(tmp_path):
    """A checkpoint comes often, a result may be rare."""
    out = files.jsonl(tmp_path / "out", Result)

    out.open("h").prepare()
    out.commit("h")

    assert list((tmp_path / "out").iterdir()) == []


def test_abort_removes_what_no_checkpoint_keeps(tmp_path):
    """Parts under the prefix only: other jobs' parts, committed ones and foreign files stay."""
    out = files.jsonl(tmp_path / "out", Result)
    for handle in ("a-1", "a-2", "a-3", "b-1"):
        writer = out.open(handle)
        writer.write(ROWS)
        writer.prepare()
    out.commit("a-1")
    (tmp_path / "out" / ".a-note").write_text("")

    out.abort({"a-2"}, "a-")

    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        ".a-note",
        ".part-a-2.jsonl",
        ".part-b-1.jsonl",
        "part-a-1.jsonl",
    ]


def test_a_handle_may_be_written_again_after_a_crash(tmp_path, read_all):
    """What the first writer left does not count."""
    out = files.jsonl(tmp_path / "out", Result)
    first = out.open("h")
    first.write(ROWS * 100_000)

    second = out.open("h")
    second.write(ROWS)
    second.prepare()
    out.commit("h")

    assert read_all(out).values == ROWS


def test_abort_where_nothing_was_written_is_no_mistake(tmp_path):
    """The first start of a job."""
    files.jsonl(tmp_path / "out", Result).abort((), "job-")


@pytest.mark.parametrize("seed", range(20))
def test_a_prepared_part_survives_a_crash(seed: int):
    """Whatever of the unsynced is lost: committed after the crash, it is whole; a second crash takes nothing back."""
    disk = MemoryDisk()
    parts = PartFiles(disk, "deep/out", JsonLines(Result))
    writer = parts.open("h")
    writer.write(ROWS)
    writer.prepare()

    disk.crash_host(Entropy(seed))
    parts.commit("h")
    disk.crash_host(Entropy(seed + 1))

    assert disk.list("deep/out") == ["part-h.jsonl"]
    assert disk.open("deep/out/part-h.jsonl").read(0, 10_000).count(b"\n") == len(ROWS)


@pytest.mark.parametrize("seed", range(20))
def test_an_unprepared_part_leaves_nothing_visible(seed: int):
    """After a crash in the middle of writing, and the abort that follows."""
    disk = MemoryDisk()
    parts = PartFiles(disk, "out", JsonLines(Result))
    writer = parts.open("h")
    writer.write(ROWS * 10_000)

    disk.crash_host(Entropy(seed))
    parts.abort((), "")

    assert disk.list("out") == []


@pytest.mark.parametrize(
    ("path", "message"), [("file", "is a sink, which writes a directory .* is a file"), ("*.jsonl", "is a pattern")]
)
def test_a_sink_that_is_no_directory_is_one_clear_line(tmp_path, path: str, message: str):
    """When it is opened."""
    (tmp_path / "file").write_text("")

    with pytest.raises(BadInput, match=message):
        files.jsonl(tmp_path / path, Result).open("h")


@pytest.mark.parametrize("make", FORMATS)
def test_a_value_of_another_type_is_refused(tmp_path, make):
    """The file would not be what it says."""
    writer = make(tmp_path / "out", Result).open("h")

    with pytest.raises(BadInput, match="the file is for Result, but a value of the stream is of type Loose"):
        writer.write([Loose()])


def test_a_value_that_json_cannot_hold_is_refused(tmp_path):
    """With what msgspec says of it."""
    with pytest.raises(BadInput, match="a value cannot be written as JSON"):
        files.jsonl(tmp_path / "out").open("h").write([object()])


def test_a_type_that_parquet_cannot_hold_is_refused_at_once(tmp_path):
    """Not after hours, at the first value."""
    with pytest.raises(BadInput, match="the field anything .* has no column type"):
        files.parquet(tmp_path / "out", Loose).open("h")
