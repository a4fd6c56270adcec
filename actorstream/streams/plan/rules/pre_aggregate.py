"""Fold records into partial aggregates before they are divided among the instances of a task.

Before: source → key_by ⇒ window aggregate, 4 instances. After: source → key_by → partial aggregate ⇒ window aggregate.

Accumulators can be merged, whatever records they came from, so a batch can be folded where it is made: then a few
accumulators for each key and pane are divided by their key and cross to other tasks, not all records. It applies to
aggregates of panes

- that have several instances: to a single one in the same process a batch goes by reference, so that folding it earlier
  saves nothing;
- without a failure policy that leaves records out;
- that are emitted once, when the window closes: running aggregates, and `emit="change"`, give a result for each record;
- that nobody reads late records of, and without `allowed_lateness`: where an idle partition was passed over, only the
  task that merges partitions knows what is late, and then it needs the records themselves.

Records that are late by their own partition's watermark go on as they are.

Source: Larson, "Data reduction by partial preaggregation" (ICDE 2002).
"""

from __future__ import annotations

from actorstream.streams.plan.nodes import Late, Node, WindowAggregate
from actorstream.streams.plan.partial import PreAggregate
from actorstream.streams.plan.rewrite import kept, rewrite, walk
from actorstream.streams.windows import WindowSpec


def pre_aggregate(ends: tuple[Node, ...]) -> tuple[Node, ...]:
    """See the module."""
    read_late = {node.inputs[0]: None for node in walk(ends) if isinstance(node, Late)}

    def change(node: Node, inputs: tuple[Node, ...]) -> Node:
        over = kept(node, inputs)
        if isinstance(over, WindowAggregate) and _may_merge(over) and node not in read_late:
            return over.with_inputs((_partial(over),))
        return over

    return rewrite(ends, change)


def _may_merge(node: WindowAggregate) -> bool:
    is_final = node.emit == "close" and not node.allowed_lateness_us
    is_divided = node.parallelism > 1 and not node.in_place
    fails_alike = node.on_error is None or node.on_error.is_plain
    return fails_alike and is_final and is_divided and isinstance(node.window, WindowSpec)


def _partial(node: WindowAggregate) -> PreAggregate:
    assert isinstance(node.window, WindowSpec)
    return PreAggregate(
        name=f"{node.name}.partial",
        inputs=node.inputs,
        site=node.site,
        operator=node.name,
        window=node.window,
        aggregates=node.aggregates,
    )
