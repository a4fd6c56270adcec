"""Joins of windows by rows: windows of any kind hold the records of both sides, and give the pairs of each key.

The state is that of a window function over both: a record is kept with its side, and sorted into them when the window
is due. The pairs are made one by one as they go out, so a key with many never makes one long list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from actorstream.model.instant import Instant
from actorstream.streams.engine.apply import Records
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.contents import Content, Contents
from actorstream.streams.engine.counted import CountedStage
from actorstream.streams.engine.keys import keys_of
from actorstream.streams.engine.panes import PanesStage
from actorstream.streams.engine.sessions import SessionsStage
from actorstream.streams.engine.stage import Stage
from actorstream.streams.engine.window_stage import WindowStage
from actorstream.streams.plan.joins import KEY, LEFT, RIGHT, Filled, WindowJoin
from actorstream.streams.plan.nodes import KeyBy
from actorstream.streams.windows import RowsSpec, SessionSpec, Window

Sided = tuple[int, Any, Any]
"""The side of a record, then its value if it is of the left, its value if it is of the right."""


class Pairs(Records):
    """Every pair of a window, or the Record that is made of it; content is the records of both sides."""

    def __init__(self, node: WindowJoin) -> None:
        super().__init__(node, tuple[int, node.left_type | None, node.right_type | None])  # type: ignore[name-defined]
        self._how = node.how
        self._make = _maker(node)

    def results(self, key: Any, start: Instant, end: Instant, content: Content) -> Iterator[Any]:
        return self._pairs(self.values(content))

    def call(self, window: Window[Any, Sided]) -> Iterable[Any]:
        return self._pairs(window)

    def _pairs(self, records: Iterable[Sided]) -> Iterator[Any]:
        lefts, rights = sides_of(records)
        if not rights and self._how != "inner":
            rights = [None]
        if not lefts and self._how == "outer":
            lefts = [None]
        make = self._make
        for left in lefts:
            for right in rights:
                yield (left, right) if make is None else make(left, right)


def sides_of(records: Iterable[Sided]) -> tuple[list[Any], list[Any]]:
    """The values of both sides."""
    lefts: list[Any] = []
    rights: list[Any] = []
    for side, left, right in records:
        if side == LEFT:
            lefts.append(left)
        else:
            rights.append(right)
    return lefts, rights


def _maker(node: WindowJoin) -> Callable[[Any, Any], Any] | None:
    """What makes a Record of a pair; None where pairs are wanted."""
    if node.fields is None:
        return None
    takers = {one.name: _taker(one) for one in node.fields}

    def made(left: Any, right: Any) -> Any:
        return node.type(**{name: take(left, right) for name, take in takers.items()})

    return made


def _taker(one: Filled) -> Callable[[Any, Any], Any]:
    field = one.field
    if one.side == LEFT:
        return lambda left, right: None if left is None else getattr(left, field)
    if one.side == RIGHT:
        return lambda left, right: None if right is None else getattr(right, field)
    assert one.side == KEY
    return lambda left, right: getattr(right if left is None else left, field)


class _SidedStage(WindowStage):
    """Mixed into a window's stage: two ways in. The head takes the records of the left, `right_side` the right's."""

    def __init__(self, node: WindowJoin, contents: Contents) -> None:
        super().__init__(node, contents)  # type: ignore[call-arg]
        left, right = node.inputs
        assert isinstance(left, KeyBy)
        assert isinstance(right, KeyBy)
        self._side_keys = (left, right)
        self.right_side: Stage = RightSide(self.name, self.push_right)

    def push(self, batch: Batch) -> None:
        super().push(self._sided(batch, [(LEFT, value, None) for value in batch.rows()], LEFT))

    def push_right(self, batch: Batch) -> None:
        """Take a batch of the right."""
        super().push(self._sided(batch, [(RIGHT, None, value) for value in batch.rows()], RIGHT))

    def _sided(self, batch: Batch, rows: list[Any], side: int) -> Batch:
        return batch.with_rows(rows).with_keys(keys_of(batch, self._side_keys[side]))

    def put_aside(self, batch: Batch, late: list[int]) -> None:
        if late:
            chosen = batch.choose(late)
            values = [right if side else left for side, left, right in chosen.rows()]
            super().put_aside(chosen.with_rows(values), list(range(len(late))))


class _JoinedPanes(_SidedStage, PanesStage):
    pass


class _JoinedSessions(_SidedStage, SessionsStage):
    pass


class _JoinedRows(_SidedStage, CountedStage):
    pass


class RightSide(Stage):
    """The way in for the records of the right."""

    def __init__(self, name: str, push: Callable[[Batch], None]) -> None:
        super().__init__(f"{name}.right")
        self._push = push

    def push(self, batch: Batch) -> None:
        self._push(batch)


def joined_by_rows(node: WindowJoin) -> Stage:
    """The stage of a join, by the kind of its windows."""
    match node.window:
        case SessionSpec():
            return _JoinedSessions(node, Pairs(node))
        case RowsSpec():
            return _JoinedRows(node, Pairs(node))
        case _:
            return _JoinedPanes(node, Pairs(node))
