"""The rule that chooses how windows are joined: a plan before and after it, and what keeps it from applying."""

from __future__ import annotations

from typing import Any

import pytest

from actorstream import App, Record, rows, session, tumbling
from actorstream.streams.plan.rules import choose_joins, prune_columns
from tests.streams.makers import Pieces
from tests.streams.plans import after, unchanged, written


class Pair(Record):
    """What both sides of the joins below say."""

    key: str
    value: int
    value_right: int


def windows_of(app: App, window: Any = None, **options: Any) -> tuple[Any, Any]:
    """Both sides of a join of windows."""
    streams = [app.stream(Pieces([[]], columnar=True), event_time="at", name=name) for name in ("one", "other")]
    one, other = (stream.key_by("key").window(window or tumbling("4s"), **options) for stream in streams)
    return one, other


def test_choose_joins() -> None:
    """A join that fills a Record type from fields is made over columns; then only what it takes is read."""
    app = App("job")
    one, other = windows_of(app)
    one.join(other, into=Pair, name="pairs").to(app.topic("out"))

    assert written(app).splitlines()[2:4] == [
        "   └─ window join pairs: inner, other in tumbling(4s)",
        "      └─ to topic pairs.to[out]: out",
    ]
    assert after(app, choose_joins).splitlines()[2] == (
        "   └─ window join pairs: inner, other in tumbling(4s), over columns"
    )
    assert "only the columns key, value, at" in after(app, choose_joins, prune_columns).splitlines()[0]


@pytest.mark.parametrize(
    ("window", "options", "join"),
    [
        (session("4s"), {}, {"into": Pair}),
        (rows(4), {}, {"into": Pair}),
        (tumbling("4s"), {"allowed_lateness": "1s"}, {"into": Pair}),
        (tumbling("4s"), {"emit": "change"}, {"into": Pair}),
        (tumbling("4s"), {}, {}),
    ],
)
def test_joins_that_need_rows_are_left_by_rows(window: Any, options: dict[str, Any], join: dict[str, Any]) -> None:
    """Windows whose bounds depend on the records, results that change, and pairs for a function."""
    app = App("job")
    one, other = windows_of(app, window, **options)
    one.join(other, name="pairs", **join).to(app.topic("out"))

    assert unchanged(app, choose_joins)


def test_a_join_by_a_function_of_the_key_is_left_by_rows() -> None:
    """Nobody can see what a function makes of a record."""
    app = App("job")
    stream = app.stream(Pieces([[]], columnar=True), event_time="at", name="one")
    one = stream.key_by(lambda event: event.key, name="which").window(tumbling("4s"))
    one.join(one, into=Pair, name="pairs").to(app.topic("out"))

    assert unchanged(app, choose_joins)
