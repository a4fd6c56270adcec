"""JSON lines and CSV, opened for columns."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstream import App
from actorstream.connectors import files
from actorstream.connectors.files.files import Files
from actorstream.errors import BadInput
from actorstream.model.record import Record
from actorstream.streams.frames import rows_to_frame


class Reading(Record):
    """Something of each kind."""

    n: int
    x: float
    text: str
    at: datetime
    flag: bool = True
    note: str | None = None


class Checked(Record):
    """One that looks at itself as a whole."""

    low: int
    high: int

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low is above high")


FIELDS = Reading.__struct_fields__
WRITERS = [files.jsonl, files.csv]
readings = st.builds(
    Reading,
    n=st.integers(-(2**63), 2**63 - 1),
    x=st.floats(allow_nan=False, allow_infinity=False),
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    at=st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),
    flag=st.booleans(),
    note=st.none() | st.text("ab1{[", min_size=1),
)


def write(source: Files, rows: list[Any]) -> None:
    """The rows, as committed files."""
    writer = source.open("h")
    writer.write(rows)
    writer.prepare()
    source.commit("h")


def frames(source: Files, columns: tuple[str, ...], limit: int = 100, position: Any = None) -> list[Any]:
    """What reading gives: (frame, position) and errors, in order."""
    reader = source.open(position, columns=columns)
    found: list[Any] = []
    while True:
        try:
            chunk = reader.read(limit)
        except BadInput as error:
            found.append(error)
            continue
        if chunk is None:
            return found
        found.append((chunk.values, chunk.position))


@pytest.mark.parametrize("make", WRITERS)
@given(
    rows=st.lists(readings, min_size=1, max_size=20),
    columns=st.lists(st.sampled_from(FIELDS), min_size=1, unique=True).map(tuple),
    limit=st.integers(1, 9),
)
def test_they_hold_what_the_rows_hold(make: Any, rows: list[Reading], columns: tuple[str, ...], limit: int):
    """Whichever columns are wanted, however the file is cut, and from any position on."""
    with tempfile.TemporaryDirectory() as directory:
        source = make(directory, Reading)
        write(source, rows)
        whole = rows_to_frame(rows, Reading, columns)

        found = frames(source, columns, limit)

        assert polars.concat([frame for frame, _ in found]).equals(whole)
        _, position = found[0]
        count = len(found[0][0])
        rest = [frame for frame, _ in frames(source, columns, position=position)]
        assert polars.concat([whole.head(count), *rest]).equals(whole)


def test_a_position_of_rows_is_one_of_columns(tmp_path: Path):
    """So that a changed program goes on where the old one was."""
    source = files.jsonl(tmp_path, Checked)
    write(source, [Checked(1, 2), Checked(3, 4)])
    (tmp_path / "z.jsonl").write_text('{"low": 5, "high": 6}\n')
    chunk = source.open(None).read(1)
    assert chunk is not None

    rest = [frame["low"].to_list() for frame, _ in frames(source, ("low",), position=chunk.position)]

    assert [row.low for row in chunk.values] + [low for lows in rest for low in lows] == [1, 3, 5]


def test_only_what_is_wanted_is_looked_at(tmp_path: Path):
    """A field that nobody reads may be missing or hold anything."""
    path = tmp_path / "values.jsonl"
    path.write_text('{"n": 1, "x": "no number"}\n{"n": 2}\n')

    ((frame, _),) = frames(files.jsonl(path, Reading), ("n",))

    assert frame["n"].to_list() == [1, 2]


def test_a_type_that_checks_itself_is_decoded_whole(tmp_path: Path):
    """What it refuses as rows, it refuses as columns."""
    path = tmp_path / "values.jsonl"
    path.write_text('{"low": 1, "high": 2}\n{"low": 3, "high": 2}\n')

    (frame, _), error = frames(files.jsonl(path, Checked), ("low",))

    assert frame["low"].to_list() == [1]
    assert "line 2 (byte 22): low is above high" in str(error)


@pytest.mark.parametrize(
    ("bad", "reason"), [('"two"', "Expected `int`, got `str`"), (str(2**64), "does not fit 64 bits")]
)
def test_a_bad_line_is_named_and_read_past(tmp_path: Path, bad: str, reason: str):
    """The lines around it are given."""
    path = tmp_path / "values.jsonl"
    path.write_text(f'{{"n": 1}}\n{{"n": {bad}}}\n{{"n": 3}}\n')

    (first, _), error, (last, _) = frames(files.jsonl(path, Reading), ("n",))

    assert [first["n"].to_list(), last["n"].to_list()] == [[1], [3]]
    assert f"{path}, line 2 (byte 9): " in str(error)
    assert reason in str(error)


def test_times_of_any_zone_become_utc(tmp_path: Path):
    """As in rows."""
    noon = datetime(2013, 1, 1, 12, tzinfo=UTC)
    source = files.jsonl(tmp_path, Any)
    zone = timezone(timedelta(hours=2))
    (tmp_path / "values.jsonl").write_text(
        f'{{"at": "{noon.astimezone(zone).isoformat()}"}}\n{{"at": "2013-01-01T12:00:00"}}\n'
    )
    source = files.jsonl(tmp_path / "values.jsonl", Reading)

    ((frame, _),) = frames(source, ("at",))

    assert frame["at"].to_list() == [noon, noon]


@pytest.mark.parametrize("make", WRITERS)
def test_a_plan_over_columns_reads_only_these(tmp_path: Path, make: Any):
    """As `explain` says, and as the result shows."""
    (tmp_path / "in.csv").write_text("n,x,text\n1,0.5,nothing\n2,1.5,nothing\n")
    (tmp_path / "in.jsonl").write_text('{"n": 1, "x": 0.5, "text": 5}\n{"n": 2, "x": 1.5, "text": 6}\n')

    class Short(Record):
        n: int
        x: float
        text: str

    app = App("columns")
    path = tmp_path / ("in.csv" if make is files.csv else "in.jsonl")
    big = app.stream(make(path, Short)).where(polars.col("x") > 1).select("n")

    assert [one.n for one in app.collect(big)] == [2]
    big.to(files.jsonl(tmp_path / "out"))
    assert "n, x" in app.explain()


class Plain(Record):
    """What Polars writes as we do."""

    n: int
    x: float
    text: str
    flag: bool | None


plain = st.builds(
    Plain,
    n=st.integers(-(2**63), 2**63 - 1),
    x=st.floats(allow_nan=False),
    text=st.text(),
    flag=st.none() | st.booleans(),
)


@pytest.mark.parametrize("make", [files.jsonl, files.parquet])
@given(rows=st.lists(plain, min_size=1))
def test_a_frame_is_written_as_its_rows_would_be(read_all_session: Any, make: Any, rows: list[Plain]):
    """Both can be read as the same values; what JSON has no words for, an infinite number, is null either way."""
    finite = [row for row in rows if abs(row.x) != float("inf") and row.text.isprintable()] or [Plain(1, 2.0, "", None)]
    with tempfile.TemporaryDirectory() as directory:
        source = make(directory, Plain)
        assert source.takes_frames(Plain)

        write(source, rows_to_frame(finite, Plain))

        assert read_all_session(source).values == finite


def test_a_frame_is_taken_only_where_rows_would_be_written_alike():
    """Times have another form in Polars, and a renamed field another name."""

    class Renamed(Record, rename="camel"):
        one_name: int

    out = files.jsonl("out")

    assert not out.takes_frames(Reading)
    assert not out.takes_frames(Renamed)
    assert not files.jsonl("out", Checked).takes_frames(Plain)
    assert not files.csv("out", Plain).takes_frames(Plain)


def test_a_job_over_columns_writes_them(tmp_path: Path):
    """From file to file without a Record in between; a typed sink refuses another type as ever."""
    rows = [Plain(n, n / 2, "x", None) for n in range(1_000)]
    write(files.jsonl(tmp_path / "in", Plain), rows)

    class Half(Record):
        n: int
        half: float

    app = App("through")
    read = app.stream(files.jsonl(tmp_path / "in", Plain))
    read.select("n", half=polars.col("x") / 2, into=Half).to(files.jsonl(tmp_path / "out", Half))
    app.run(data=tmp_path / "data")

    assert app.collect(app.stream(files.jsonl(tmp_path / "out", Half))) == [Half(row.n, row.x / 2) for row in rows]
