"""The operator that folds records before they are brought together by key; made by the rule `pre_aggregate`."""

from __future__ import annotations

from dataclasses import dataclass

from actorstream.streams.aggregates import Aggregate
from actorstream.streams.plan.nodes import KeyBy, Node
from actorstream.streams.windows import WindowSpec


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class PreAggregate(Node):
    """Partial aggregates of each key and pane in a batch; its input is a `KeyBy`, its one reader a `WindowAggregate`.

    `operator`: that reader's name.
    """

    kind = "partial aggregate"
    operator: str
    window: WindowSpec
    aggregates: tuple[tuple[str, Aggregate], ...]

    def detail(self) -> str:
        return f"of each batch, for {self.operator}"


def key_of(node: Node) -> KeyBy:
    """What gives the records their keys that `node`, an operator with state, reads."""
    key = node.inputs[0]
    if isinstance(key, PreAggregate):
        key = key.inputs[0]
    assert isinstance(key, KeyBy)
    return key
