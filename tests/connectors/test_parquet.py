"""Parquet as a source."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstream.connectors import files
from actorstream.connectors.files import columnar
from actorstream.connectors.files.format import BadLine
from actorstream.errors import BadInput, PlanError
from actorstream.model.record import Record

NOON = datetime(2013, 1, 1, 12, tzinfo=UTC)


class Flight(Record):
    """A time, a number, a default."""

    at: datetime
    delay: int | None
    carrier: str = "??"


class Even(Record):
    """A number that its class checks."""

    n: int

    def __post_init__(self) -> None:
        """Refuse odd ones."""
        if self.n % 2:
            raise ValueError("odd")


@given(rows=st.lists(st.none() | st.integers(-9, 9), max_size=40), limit=st.integers(1, 9), groups=st.integers(1, 20))
def test_any_cut_and_any_restart_gives_the_same_values(read_all_session, rows, limit: int, groups: int):
    """Whatever the row groups."""
    values = [Flight(NOON, delay) for delay in rows]
    frame = polars.DataFrame({"at": [NOON] * len(rows), "delay": polars.Series(rows, dtype=polars.Int32)})
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "flights.parquet")
        frame.write_parquet(path, row_group_size=groups)

        got = read_all_session(files.parquet(path, Flight), limit=limit)

        assert got.values == values
        for count, position in got.positions:
            assert read_all_session(files.parquet(path, Flight), position).values == values[count:]


def test_slices_join_without_a_seam(tmp_path, read_all, monkeypatch):
    """Also when a chunk ends where a slice does not."""
    monkeypatch.setattr(columnar, "SLICE_ROWS", 7)
    path = tmp_path / "numbers.parquet"
    polars.DataFrame({"n": range(0, 200, 2)}).write_parquet(path, row_group_size=9)

    assert [even.n for even in read_all(files.parquet(path, Even), limit=3).values] == list(range(0, 200, 2))


def test_frames_have_the_columns_asked_for(tmp_path):
    """In the dtypes of the Record type; defaults where the file has no such column."""
    path = tmp_path / "flights.parquet"
    polars.DataFrame({"at": [datetime(2013, 1, 1, 12)], "delay": [3], "more": ["x"]}).write_parquet(path)

    reader = files.parquet(path, Flight).open(None, columns=("carrier", "at"))
    frame = reader.read(10).values

    assert isinstance(frame, polars.DataFrame)
    assert frame.schema == {"carrier": polars.String(), "at": polars.Datetime("us", "UTC")}
    assert frame.rows() == [("??", NOON)]
    assert reader.read(10) is None


def test_frames_without_columns_still_have_rows(tmp_path):
    """A plan may only count."""
    path = tmp_path / "flights.parquet"
    polars.DataFrame({"at": [NOON] * 5, "delay": [3] * 5}).write_parquet(path)

    assert len(files.parquet(path, Flight).open(None, columns=()).read(10).values) == 5


@pytest.mark.parametrize("columns", [None, ("delay", "at")])
def test_a_value_that_does_not_fit_is_named_and_can_be_read_past(tmp_path, columns):
    """By file, row and column, in rows and in columns alike."""
    path = tmp_path / "flights.parquet"
    polars.DataFrame({"at": [NOON, None, NOON, NOON, None], "delay": [0, 1, 2, 3, 4]}).write_parquet(path)
    reader = files.parquet(path, Flight).open(None, columns=columns)

    delays: list[int | None] = []
    errors: list[BadLine] = []
    while True:
        try:
            chunk = reader.read(10)
        except BadLine as error:
            errors.append(error)
            continue
        if chunk is None:
            break
        values = chunk.values
        delays += values["delay"].to_list() if isinstance(values, polars.DataFrame) else [one.delay for one in values]

    assert delays == [0, 2, 3]
    assert str(errors[0]).startswith(f"{path}, row 1, column 'at': the field at does not admit None: None")
    assert [error.mark for error in errors] == [{"row": 2}, {"row": 5}]


def test_rows_that_a_class_refuses_are_named(tmp_path, read_all):
    """Many of them, each by its row."""
    path = tmp_path / "numbers.parquet"
    polars.DataFrame({"n": [0, 1, 3, 4, 5]}).write_parquet(path)

    got = read_all(files.parquet(path, Even))

    assert got.values == [Even(0), Even(4)]
    assert [str(error).split(": ")[0] for error in got.errors] == [f"{path}, row {row}" for row in (1, 2, 4)]


@pytest.mark.parametrize("data", [b"", b"no parquet at all", b"PAR1" + b"\xff" * 40 + b"PAR1"])
def test_a_file_that_is_not_parquet_is_one_line(tmp_path, data: bytes):
    """When it is opened."""
    path = tmp_path / "flights.parquet"
    path.write_bytes(data)

    with pytest.raises(BadInput, match=r"flights.parquet cannot be read as Parquet: .*") as caught:
        files.parquet(path, Flight).open(None).read(1)

    assert "\n" not in str(caught.value)


def test_a_missing_column_is_named(tmp_path):
    """With the file's name."""
    path = tmp_path / "flights.parquet"
    polars.DataFrame({"at": [NOON]}).write_parquet(path)

    with pytest.raises(BadInput, match=r"flights.parquet: there is no column 'delay' for the field delay of Flight"):
        files.parquet(path, Flight).open(None).read(1)


def test_a_file_that_became_shorter_is_refused(tmp_path, read_all):
    """On opening it again."""
    path = tmp_path / "numbers.parquet"
    polars.DataFrame({"n": [0, 2, 4]}).write_parquet(path)
    ((_, position),) = read_all(files.parquet(path, Even)).positions
    polars.DataFrame({"n": [0]}).write_parquet(path)

    with pytest.raises(BadInput, match="has 1 rows, but the job has read 3 rows of it"):
        files.parquet(path, Even).open(position)


def test_parquet_needs_a_record_type():
    """Columns are chosen by its fields."""
    with pytest.raises(PlanError, match="Parquet needs a Record type"):
        files.parquet("x.parquet", dict)  # type: ignore[arg-type]
