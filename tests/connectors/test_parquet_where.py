"""Parquet files of which a program wants some rows: the others are left out as they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actorstream import App, Record
from actorstream.connectors import files
from actorstream.connectors.files import columnar
from actorstream.errors import OperatorError


class Row(Record):
    """A row of the files."""

    id: int
    value: int | None = None
    text: str = ""


@pytest.fixture(autouse=True)
def _small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that few rows are many slices."""
    monkeypatch.setattr(columnar, "SLICE_ROWS", 4)
    monkeypatch.setattr(columnar, "EMPTY_SLICES_MAX", 2)


def read(source: Any, position: Any, limit: int) -> list[tuple[list[int], Any]]:
    """The ids and the position of each chunk that has values."""
    reader = source.open(position, columns=("id",))
    chunks = []
    while (chunk := reader.read(limit)) is not None:
        if len(chunk.values):
            chunks.append((chunk.values["id"].to_list(), chunk.position))
    return chunks


@given(st.lists(st.integers(0, 3) | st.none(), max_size=40), st.integers(1, 5), st.integers(0, 3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_matters_is_read_and_each_position_goes_on_after_it(
    tmp_path: Path, values: list[int | None], limit: int, wanted: int
) -> None:
    """Whatever lies between, and wherever slices and chunks end."""
    rows = pl.DataFrame({"id": range(len(values)), "value": values}, schema={"id": pl.Int64, "value": pl.Int64})
    rows.write_parquet(tmp_path / "rows.parquet")
    source = files.parquet(tmp_path, Row).where([pl.col("value") == wanted, pl.col("id") != 7])
    right = [number for number, value in enumerate(values) if value == wanted and number != 7]

    chunks = read(source, None, limit)

    assert [number for chunk, _ in chunks for number in chunk] == right
    for place, (_, position) in enumerate(chunks):
        rest = [number for chunk, _ in chunks[place + 1 :] for number in chunk]
        assert [number for chunk, _ in read(source, position, limit) for number in chunk] == rest


def test_a_program_reads_what_it_filters(tmp_path: Path) -> None:
    """Far between rows that do not matter, and with other operators after the filter."""
    pl.DataFrame({"id": range(200), "value": [n % 50 for n in range(200)]}).write_parquet(tmp_path / "rows.parquet")
    app = App("job")
    stream = app.stream(files.parquet(tmp_path, Row), name="rows").where(pl.col("value") == 3)

    assert app.collect(stream.map(lambda row: row.id)) == [3, 53, 103, 153]


def test_a_column_of_another_type_is_read_whole_and_filtered_later(tmp_path: Path) -> None:
    """What the condition means is decided by the field."""
    rows = pl.DataFrame({"id": [1, 2, 300]}, schema={"id": pl.Int16})
    rows.write_parquet(tmp_path / "rows.parquet")
    app = App("job")
    condition = pl.col("id") > 1

    ((ids, _),) = read(files.parquet(tmp_path, Row).where([condition]), None, 9)

    assert ids == [1, 2, 300]
    assert app.collect(app.stream(files.parquet(tmp_path, Row), name="rows").where(condition)) == [Row(2), Row(300)]


def test_a_condition_that_fails_is_told_by_its_operator(tmp_path: Path) -> None:
    """Not as a file that cannot be read."""
    pl.DataFrame({"id": [1], "text": ["x"]}).write_parquet(tmp_path / "rows.parquet")
    app = App("job")
    stream = app.stream(files.parquet(tmp_path, Row), name="rows")

    with pytest.raises(OperatorError, match="numbers"):
        app.collect(stream.where(pl.col("text").str.to_integer() > 1, name="numbers"))
