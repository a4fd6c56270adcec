"""The logical plan: frozen nodes, each an operator that the user wrote, each knowing its inputs.

A node is data. What it does at run time is in `engine`; what it looks like to a user is in `stream`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from actorstream.model.topic import Topic
from actorstream.streams.aggregates import Aggregate
from actorstream.streams.pattern import Pattern
from actorstream.streams.plan.show import show_expression
from actorstream.streams.policies import Policy, fail
from actorstream.streams.site import NOWHERE, Site
from actorstream.streams.windows import Windowing

Function = Callable[..., Any]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Node:
    """What every operator has: a name that is its identity, the type of what it yields, its inputs, its line."""

    name: str
    inputs: tuple[Node, ...] = ()
    type: Any = Any
    site: Site = NOWHERE
    given_name: bool = False  # a person chose it, by `name=` or by naming a function
    on_error: Policy | None = None  # None: the default of its stream; never None once it is made
    default_policy: Policy | None = None  # of the operators behind it: that of the sources; the same

    kind = "node"

    def __post_init__(self) -> None:
        if self.default_policy is None:
            default = _default_policy(self.streams()) if self.inputs else self.on_error or fail
            object.__setattr__(self, "default_policy", default)
        if self.on_error is None:
            object.__setattr__(self, "on_error", self.default_policy)

    def streams(self) -> tuple[Node, ...]:
        """Its inputs but for tables."""
        return self.inputs

    def with_inputs(self, inputs: tuple[Node, ...]) -> Node:
        """The same operator over other inputs."""
        return replace(self, inputs=inputs)

    def detail(self) -> str:
        """What `explain` shows beside the kind."""
        return ""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Source(Node):
    """Where records come from: a topic, or anything that follows the `Source` protocol."""

    kind = "source"
    topic: Topic[Any] | None = None
    connector: Any = None
    event_time: str | Function | None = None
    max_delay_us: int = 0
    idle_us: int | None = None
    start: str = "earliest"
    mostly: tuple[str, ...] = ()  # Conditions that its records mostly meet; set by the rule `narrow_sources`.
    columns: tuple[str, ...] | None = None  # It is read as frames of these; set by the rule `prune_columns`.

    def detail(self) -> str:
        what = f"topic {self.topic.name}" if self.topic else str(self.connector)
        time = self.event_time if isinstance(self.event_time, str) else "function" if self.event_time else None
        return f"{what}, event time {time}" if time else what


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class RowOperator(Node):
    """A function called for each record."""

    function: Function

    def detail(self) -> str:
        return getattr(self.function, "__name__", "")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Map(RowOperator):
    """One value for each."""

    kind = "map"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Filter(RowOperator):
    """The same values, those for which the function is true."""

    kind = "filter"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class FlatMap(RowOperator):
    """Any number of values for each."""

    kind = "flat_map"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Tap(RowOperator):
    """The same values; the function looks at them."""

    kind = "tap"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class RowChain(Node):
    """Row operators fused into one generated function; made by the `fuse` rule, named after the last."""

    kind = "rows"
    steps: tuple[RowOperator, ...]

    def detail(self) -> str:
        return " → ".join(step.name for step in self.steps)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Columns(Node):
    """Polars expressions over the columns of a Record stream: `select`, `where`, `with_columns`."""

    operation: str
    expressions: tuple[Any, ...]

    kind = "columns"

    def detail(self) -> str:
        return f"{self.operation} {', '.join(map(show_expression, self.expressions))}"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class MapBatches(Node):
    """A function over whole frames."""

    kind = "map_batches"
    function: Function

    def detail(self) -> str:
        return getattr(self.function, "__name__", "")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class KeyBy(Node):
    """Gives each record a key: a function of it, or the values of some fields."""

    kind = "key_by"
    function: Function | None = None
    fields: tuple[str, ...] = ()
    key_type: Any = Any
    key_names: tuple[str, ...] = ("key",)

    def detail(self) -> str:
        return ", ".join(self.key_names)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Stateful(Node):
    """An operator that keeps something by key; its input is a `KeyBy`.

    `parallelism`: how many instances its task has. `in_place`: it runs in the task of what it reads, because the
    records are where their key is at home; set by the rule `drop_exchanges`.
    """

    parallelism: int = 1
    in_place: bool = False


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class WindowNode(Stateful):
    """Something of each key and window."""

    window: Windowing
    allowed_lateness_us: int
    emit: str
    key_type: Any = Any

    def detail(self) -> str:
        return str(self.window)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class WindowAggregate(WindowNode):
    """Aggregates of each key and window."""

    kind = "window aggregate"
    aggregates: tuple[tuple[str, Aggregate], ...]
    key_names: tuple[str, ...]

    def detail(self) -> str:
        return f"{self.window}: {_show_aggregates(self.aggregates)}"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class WindowApply(WindowNode):
    """A function over all records of each key and window."""

    kind = "window function"
    function: Function
    value_type: Any = Any


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class WindowReduce(WindowNode):
    """The records of each key and window, combined one after the other."""

    kind = "window reduce"
    function: Function
    value_type: Any = Any


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class MatchPattern(Stateful):
    """A function over each match of a pattern in the records of a key."""

    kind = "match"
    pattern: Pattern[Any]
    function: Function
    overlap: bool
    partial_max: int
    value_type: Any = Any
    key_type: Any = Any

    def detail(self) -> str:
        return f"{self.pattern}{', overlapping' if self.overlap else ''}"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Gaps(Stateful):
    """What is wrong with the numbers of each key in each partition; `field` has them."""

    kind = "gaps"
    field: str
    key_type: Any = Any

    def detail(self) -> str:
        return f"in {self.field}"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Late(Node):
    """The records that came too late for a window, or a match; its input is that one's node."""

    kind = "late"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class RunningAggregate(Stateful):
    """Aggregates of each key over all its records, emitted on every change."""

    kind = "aggregate"
    aggregates: tuple[tuple[str, Aggregate], ...]
    key_names: tuple[str, ...]
    key_type: Any = Any

    def detail(self) -> str:
        return _show_aggregates(self.aggregates)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Reduce(Stateful):
    """The last result of each key, combined with each value."""

    kind = "reduce"
    function: Function
    key_type: Any = Any


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Process(Stateful):
    """A function with state and timers. `timers` fills up as `on_timer` is used, before the plan is built."""

    kind = "process"
    function: Function
    injected: tuple[Any, ...]
    timers: dict[str, tuple[Function, tuple[Any, ...]]] = field(default_factory=dict)
    gives_one: bool = False  # A value or None for each record, as its function says; else also an iterator.
    key_type: Any = Any

    def every_injected(self) -> tuple[Any, ...]:
        """What the function and those of its timers ask for."""
        return (*self.injected, *(one for _, injected in self.timers.values() for one in injected))

    def states(self) -> tuple[Any, ...]:
        """The states among them, each once: as the first that names it declares it, with the options of any."""
        found: dict[str, Any] = {}
        for one in self.every_injected():
            if one.kind not in ("key", "timer"):
                first = found.get(one.parameter, one)
                ttl_us, upgrade = first.ttl_us or one.ttl_us, first.upgrade or one.upgrade
                found[one.parameter] = replace(first, ttl_us=ttl_us, upgrade=upgrade)
        return tuple(found.values())

    def detail(self) -> str:
        return ", ".join(str(one) for one in self.injected)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class TableJoin(Stateful):
    """Each record with the latest value of its key in a table; inputs: the keyed stream, then the keyed table."""

    kind = "table join"
    second_port = "table"
    how: str
    function: Function | None
    table_type: Any = Any
    key_type: Any = Any

    def streams(self) -> tuple[Node, ...]:
        return self.inputs[:1]

    def detail(self) -> str:
        return f"{self.how}, table {self.inputs[1].inputs[0].name}"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Union(Node):
    """Several streams as one."""

    kind = "union"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Split(Node):
    """Each value to the first branch whose predicate is true of it; what reads it are `Branch`es."""

    kind = "split"
    predicates: tuple[tuple[str, Function], ...]

    def detail(self) -> str:
        return ", ".join(branch for branch, _ in self.predicates)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Branch(Node):
    """One of the streams that a `Split`, its input, makes: that of the predicate at `place`."""

    kind = "branch"
    place: int


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ToTopic(Node):
    """The end of a path: a topic, exactly once."""

    kind = "to topic"
    topic: Topic[Any]

    def detail(self) -> str:
        return self.topic.name


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class DeadLetters(Node):
    """What its input, an operator, could not process, for one topic; made when all rules were applied."""

    kind = "dead letters"
    topic: Topic[Any]

    def detail(self) -> str:
        return self.topic.name


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ToSink(Node):
    """The end of a path: a two-phase sink, or a plain one."""

    kind = "to sink"
    sink: Any

    def detail(self) -> str:
        return str(self.sink)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CallSink(RowOperator):
    """The end of a path: a function, at least once."""

    kind = "sink"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Collect(Node):
    """The end of a path: a function that is given each batch, for `collect`."""

    kind = "collect"
    into: Function
    limit: int | None = None


SINKS = (ToTopic, ToSink, CallSink, Collect)
ROW_OPERATORS = (Map, Filter, FlatMap, Tap)


def _show_aggregates(aggregates: tuple[tuple[str, Aggregate], ...]) -> str:
    return ", ".join(f"{name}={aggregate}" for name, aggregate in aggregates)


def walk(roots: tuple[Node, ...]) -> list[Node]:
    """All nodes that the roots need, inputs before those that read them, each once."""
    seen: dict[Node, None] = {}

    def visit(node: Node) -> None:
        if node in seen:
            return
        for one in node.inputs:
            visit(one)
        seen[node] = None

    for root in roots:
        visit(root)
    return list(seen)


def _default_policy(streams: tuple[Node, ...]) -> Policy:
    """The default of what is read; where streams of different ones meet, the first failure ends the job."""
    policies = [one.default_policy for one in streams]
    alike = bool(policies) and all(one == policies[0] for one in policies)
    return (policies[0] or fail) if alike else fail


def timed_by(node: Node) -> list[Source]:
    """The sources whose event times the records of `node` carry; the records of a table give theirs to nobody."""
    seen: dict[Node, None] = {}
    to_visit = [node]
    while to_visit:
        one = to_visit.pop()
        if one not in seen:
            seen[one] = None
            to_visit.extend(one.inputs[:1] if isinstance(one, TableJoin) else one.inputs)
    return [one for one in seen if isinstance(one, Source)]
