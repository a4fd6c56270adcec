"""CSV as a source."""

from __future__ import annotations

import csv
import io
import tempfile
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstream.connectors import files
from actorstream.connectors.files.format import BadLine
from actorstream.errors import BadInput, PlanError
from actorstream.model.record import Record


class Kind(Enum):
    """An Enum by texts."""

    JET = "jet"
    PROPELLER = "propeller"


class Flight(Record):
    """A field of each kind that a cell may hold."""

    number: int
    at: datetime
    carrier: str = ""
    delay: float | None = None
    diverted: bool = False
    day: date | None = None
    kind: Kind = Kind.JET
    stops: list[str] = []  # noqa: RUF012 - msgspec copies it
    note: str | None = None


class Pair(Record):
    """Two texts."""

    a: str
    b: str


AT = "2013-01-01T12:00:00Z"
NOON = datetime(2013, 1, 1, 12, tzinfo=UTC)

cells = st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"]), max_size=8)


@given(
    rows=st.lists(st.tuples(cells, cells), max_size=20), limit=st.integers(1, 7), end=st.sampled_from(["\n", "\r\n"])
)
def test_any_cut_and_any_restart_gives_the_same_values(read_all_session, rows, limit: int, end: str):
    """Also where a row is many lines, inside quotes."""
    text = io.StringIO()
    csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([("b", "a"), *rows])
    values = [Pair(a, b) for b, a in rows]
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "pairs.csv")
        path.write_bytes(text.getvalue().encode())

        got = read_all_session(files.csv(path, Pair), limit=limit)

        assert got.values == values
        for count, position in got.positions:
            assert read_all_session(files.csv(path, Pair), position).values == values[count:]


def test_cells_are_read_as_their_fields_ask(tmp_path, read_all):
    """Numbers, truths, times, JSON; an empty cell is None where the field admits it."""
    path = tmp_path / "flights.csv"
    path.write_text(
        "day,number,extra,at,delay,diverted,kind,stops,note,carrier\n"
        '2013-01-02,7,?,2013-01-01 12:00:00,1.5,true,propeller,"[""x""]",,UA\n'
        f"\n,8,?,{AT},,0,jet,[],text,\n"
    )

    assert read_all(files.csv(path, Flight)).values == [
        Flight(7, NOON, "UA", 1.5, True, date(2013, 1, 2), Kind.PROPELLER, ["x"], None),
        Flight(8, NOON, "", None, False, None, Kind.JET, [], "text"),
    ]


def test_columns_without_a_field_are_ignored_and_fields_without_a_column_take_defaults(tmp_path, read_all):
    """Columns match by name."""
    path = tmp_path / "flights.csv"
    path.write_text(f"x,at,number\n1,{AT},7\n")

    assert read_all(files.csv(path, Flight)).values == [Flight(7, NOON)]


def test_a_missing_column_is_named(tmp_path):
    """With those there are."""
    path = tmp_path / "flights.csv"
    path.write_text("x,number\n1,7\n")

    with pytest.raises(BadInput, match=r"flights.csv has no column 'at' .* its columns are x, number"):
        files.csv(path, Flight).open(None).read(1)


def test_a_column_twice_is_refused(tmp_path):
    """Which one would be meant?"""
    path = tmp_path / "pairs.csv"
    path.write_text("a,b,a\n")

    with pytest.raises(BadInput, match="has the column 'a' 2 times"):
        files.csv(path, Pair).open(None).read(1)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f"x,{AT},1.5", "Expected `int`, got `str` - at `$.number`"),
        ("7,noon,1.5", "Invalid RFC3339 encoded datetime - at `$.at`"),
        (f"7,{AT}", "the row has 2 cells, the header 3"),
        (f"7,{AT},1.5,8", "the row has 4 cells, the header 3"),
        (f'7,"{AT}"x,1.5', "',' expected after '\"'"),
    ],
)
def test_a_bad_row_is_named_and_can_be_read_past(tmp_path, read_all, row: str, reason: str):
    """By file, line and byte; the rows around it come out in order."""
    path = tmp_path / "flights.csv"
    path.write_text(f"number,at,delay\n1,{AT},\n{row}\n3,{AT},\n")

    got = read_all(files.csv(path, Flight))

    (error,) = got.errors
    assert got.values == [Flight(1, NOON), Flight(3, NOON)]
    assert str(error).startswith(f"{path}, line 3 (byte 40): {reason}")
    assert isinstance(error, BadLine)
    assert read_all(files.csv(path, Flight), error.position).values == [Flight(3, NOON)]


def test_a_quote_that_never_closes_is_named_by_the_line_where_it_opens(tmp_path, read_all):
    """Not by the end of the file."""
    path = tmp_path / "pairs.csv"
    path.write_text('a,b\n1,2\n3,"4\n5,6\n')

    got = read_all(files.csv(path, Pair))

    assert got.values == [Pair("1", "2")]
    assert "line 3 (byte 8): unexpected end of data" in str(got.errors[0])


def test_bytes_that_are_no_text_are_named(tmp_path, read_all):
    """CSV is UTF-8 here."""
    path = tmp_path / "pairs.csv"
    path.write_bytes(b"a,b\n1,2\n3,\xff\n5,6\n")

    got = read_all(files.csv(path, Pair))

    assert got.values == [Pair("1", "2"), Pair("5", "6")]
    assert "line 3 (byte 8): 'utf-8' codec can't decode" in str(got.errors[0])


def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path, read_all):
    """Spreadsheets write one."""
    path = tmp_path / "pairs.csv"
    path.write_bytes(b"\xef\xbb\xbfa,b\n1,2\n")

    assert read_all(files.csv(path, Pair)).values == [Pair("1", "2")]


def test_a_row_that_is_still_being_written_is_waited_for(tmp_path):
    """With `follow`, also inside quotes."""
    path = tmp_path / "pairs.csv"
    path.write_text('a,b\n1,2\n3,"4\n')
    reader = files.csv(path, Pair, follow=True).open(None)

    assert reader.read(10).values == [Pair("1", "2")]
    assert reader.read(10).values == []
    path.write_text('a,b\n1,2\n3,"4\n4"\n5,6')
    assert reader.read(10).values == [Pair("3", "4\n4")]
    assert reader.read(10).values == []


def test_csv_needs_a_record_type():
    """Cells alone do not say what they are."""
    with pytest.raises(PlanError, match="CSV needs a Record type"):
        files.csv("x.csv", dict)  # type: ignore[arg-type]
