"""Batches between nodes: what arrives is what was sent, in the same form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstream.actors import Ref
from actorstream.actors.wire import Codec
from actorstream.errors import Unsendable
from actorstream.streams.engine.batch import Batch, Origin
from actorstream.streams.engine.packed import Packed, Parcel
from actorstream.streams.engine.partials import Partial
from actorstream.streams.job.messages import Flow
from tests.streams.makers import Event, event


def through(batch: Batch) -> Batch:
    """As another node gets it."""
    parts = Codec().encode(Ref("to"), Ref("from"), Flow(1, "channel", 0, Parcel(batch)))
    parcel = Codec().decode(memoryview(b"".join(bytes(part) for part in parts)))
    flow = parcel.messages[0]
    assert isinstance(flow, Flow)
    assert isinstance(flow.element, Packed)
    return flow.element.unpack(batch.kind)


def facts(batch: Batch) -> list[Any]:
    """All that a batch holds, apart from its values."""
    numbers = [batch.times, batch.own, batch.marks, batch.offsets]
    shown = [one.to_list() if isinstance(one, pl.Series) else one for one in numbers]
    return [*shown, [type(one) for one in numbers], batch.keys, batch.origin, batch.first, batch.kind, batch.is_columns]


SOME = [event(1), event(2, "b", -5), event(3.5, "ß", 2**70)]


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        (SOME[:2], Event),
        (SOME, Event),  # A number that MessagePack cannot hold.
        ([], Event),
        ([1, 2, 3], int),
        ([1, "two", None, {"three": [3.5]}], Any),
        ([1, "two"], int),  # Not what was declared.
        ([(1, "a"), (2, "b")], tuple[int, str]),
        ([Partial(1, b"key", 2, (3, [4.5]))], Partial),
        ([{"a": 1}], dict),
        ([datetime(2024, 1, 1, tzinfo=UTC)], datetime),
    ],
)
def test_rows_arrive_as_they_were_sent(rows: list[Any], kind: Any) -> None:
    """Whether or not their type says all, and whether or not they keep to it."""
    came = through(Batch(rows, kind=kind))

    assert came.rows() == rows
    assert [type(one) for one in came.rows()] == [type(one) for one in rows]
    assert not came.is_columns


def test_columns_arrive_as_columns() -> None:
    """With their types."""
    frame = pl.DataFrame({"key": ["a", None], "value": [1, 2], "at": [datetime(2024, 1, 1), None]})

    came = through(Batch(frame=frame, kind=Event))

    assert came.is_columns
    assert came.frame().equals(frame, null_equal=True)
    assert came.frame().schema == frame.schema


@given(
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5), st.sampled_from(["list", "series", "range"]), st.booleans()
)
def test_what_is_known_of_each_record_comes_along(numbers: list[int], form: str, same: bool) -> None:
    """Times, watermarks, offsets, keys, where it was read: in the same form, and marks that are `own` still are."""
    count = len(numbers)
    made: Any = {"list": list(numbers), "series": pl.Series("x", numbers, dtype=pl.Int64), "range": range(5, 5 + count)}
    own = made[form]
    batch = Batch(
        [event(1)] * count,
        kind=Event,
        times=made["list"],
        own=own,
        marks=own if same else made["list"][:],
        offsets=range(3, 3 + count),
        keys=[("k", one) for one in numbers],
        origin=Origin("source", "topic", 2),
    )

    came = through(batch)

    assert facts(came) == facts(batch)
    assert (came.marks is came.own) == (batch.marks is batch.own)


def test_the_offset_of_the_first_record_comes_along() -> None:
    """Where it is all that is known."""
    assert facts(through(Batch([1, 2], first=7))) == facts(Batch([1, 2], first=7))


def test_a_long_batch_goes_beside_the_message() -> None:
    """And arrives whole."""
    rows = [event(second, "k" * 50, second) for second in range(20_000)]

    assert through(Batch(rows, kind=Event, times=list(range(20_000)))).rows() == rows


def test_what_cannot_leave_a_process_is_refused() -> None:
    """When it is sent."""
    with pytest.raises(Unsendable, match="object"):
        through(Batch([object()]))


def test_a_time_in_another_zone_is_the_same_instant() -> None:
    """As it is when it is kept in state."""
    there = datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=2)))

    assert through(Batch([there], kind=datetime)).rows() == [there]
