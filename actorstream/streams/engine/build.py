"""Make the stages of a task out of its operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from actorstream.errors import PlanError
from actorstream.model.identity import KEY_GROUPS
from actorstream.model.instant import Instant
from actorstream.streams.connector import TwoPhaseSink
from actorstream.streams.engine.aggregate import Aggregated, AggregatePanesStage
from actorstream.streams.engine.apply import Applied, Reduced
from actorstream.streams.engine.as_of_join import AsOfJoinStage
from actorstream.streams.engine.asynchronous import AsyncStage
from actorstream.streams.engine.call import CallStage, call_matches, call_pairs, shown_window
from actorstream.streams.engine.column_join import ColumnJoinStage
from actorstream.streams.engine.columns import SelectStage, WhereStage
from actorstream.streams.engine.contents import Contents
from actorstream.streams.engine.counted import CountedStage
from actorstream.streams.engine.gaps import GapsStage
from actorstream.streams.engine.guarded_inputs import GuardedInputsStage
from actorstream.streams.engine.guarded_rows import GuardedRowsStage
from actorstream.streams.engine.interval_join import IntervalJoinStage
from actorstream.streams.engine.join import TableJoinStage
from actorstream.streams.engine.keys import KeyStage
from actorstream.streams.engine.map_batches import MapBatchesStage
from actorstream.streams.engine.match import MatchStage
from actorstream.streams.engine.panes import PanesStage
from actorstream.streams.engine.pausable import PausableStage
from actorstream.streams.engine.pre_aggregate import PreAggregateStage
from actorstream.streams.engine.process import ProcessStage
from actorstream.streams.engine.rows import RowsStage
from actorstream.streams.engine.running import ReduceStage, RunningAggregateStage
from actorstream.streams.engine.sessions import SessionsStage
from actorstream.streams.engine.sinks import CallSinkStage, CollectStage, PlainSinkStage, TopicSinkStage
from actorstream.streams.engine.split import SplitStage
from actorstream.streams.engine.stage import PassStage, Stage
from actorstream.streams.engine.tables_join import TablesJoinStage
from actorstream.streams.engine.two_phase_sink import TwoPhaseSinkStage
from actorstream.streams.engine.window_join import joined_by_rows
from actorstream.streams.engine.window_stage import ContentsStage, WindowStage
from actorstream.streams.plan import joins as join_nodes
from actorstream.streams.plan import nodes
from actorstream.streams.plan.asynchronous import AsyncMap
from actorstream.streams.plan.partial import PreAggregate
from actorstream.streams.plan.physical import TaskPlan
from actorstream.streams.windows import RowsSpec, SessionSpec

Now = Callable[[], Instant]


class Stages:
    """The stages of one instance of one task: a tree below `head`."""

    def __init__(
        self,
        task: TaskPlan,
        now: Now,
        reads_time: dict[nodes.Node, bool],
        groups: range = range(KEY_GROUPS),
    ) -> None:
        self._by_node: dict[nodes.Node, Stage] = {}  # where what an operator makes comes out
        self._callers: dict[nodes.Node, Stage] = {}  # those in front of a stage that calls their function
        self._inputs: dict[nodes.Node, Stage] = {}  # those in front of a stage, that call functions for it
        head = _stage(task.head, now, reads_time)
        self._add(task.head, head, now)
        self.head: Stage = self._inputs.get(task.head, head)
        for node in task.body:
            self._attach(node, now, reads_time)
        for stage in self.all:
            stage.groups = groups
        self._pausable = [stage for stage in reversed(self.all) if isinstance(stage, PausableStage)]

    def _attach(self, node: nodes.Node, now: Now, reads_time: dict[nodes.Node, bool]) -> None:
        before = self._by_node[node.inputs[0]]
        if isinstance(node, nodes.Late):
            before = self._callers.get(node.inputs[0], before)
            assert isinstance(before, WindowStage | MatchStage)
            stage: Stage = before.late
        elif isinstance(node, nodes.DeadLetters):
            stage = before.letters[node.topic.name] = PassStage(node.name)
        elif isinstance(node, nodes.Branch):
            assert isinstance(before, SplitStage)
            stage = before.branches[node.place]
        else:
            stage = _stage(node, now, reads_time)
            self._add(node, stage, now)
            before.outputs.append(self._inputs.get(node, stage))
            return
        self._add(node, stage, now)

    def _add(self, node: nodes.Node, stage: Stage, now: Now) -> None:
        """Remember the stage of an operator; if it has a policy, another calls its function, before it or behind."""
        front = _front(node, stage, now)
        if front is not None:
            self._inputs[node] = front
            front.outputs.append(stage)
            front.letters = stage.letters
        call = _caller(node, now)
        if call is not None:
            self._callers[node] = stage
            stage.outputs.append(call)
            call.letters = stage.letters
            stage = call
        self._by_node[node] = stage

    @property
    def all(self) -> list[Stage]:
        """All stages, those that feed others first."""
        every: list[Stage] = []
        for node, last in self._by_node.items():
            every += [more[node] for more in (self._inputs, self._callers) if node in more]
            every.append(last)
        return every

    def are_paused(self) -> bool:
        """Whether a stage has paused: it goes on before anything else is pushed in."""
        return any(stage.is_paused for stage in self._pausable)

    def resume(self, now: Instant) -> bool:
        """Let a stage that has paused go on up to its next pause, those that others feed first; False if none may."""
        for stage in self._pausable:
            if stage.is_paused:
                if not stage.may_resume(now):
                    return False  # And those that feed it wait, too.
                stage.resume()
                return True
        return False

    def waits_until(self) -> Instant | None:
        """When a stage that has paused until some time may go on; None if none has."""
        return next((stage.waits_until for stage in self._pausable if stage.is_paused), None)

    def of(self, node: nodes.Node) -> Stage:
        """The stage of an operator."""
        return self._by_node[node]

    def table_side(self) -> Stage:
        """Where the records of a table go in."""
        assert isinstance(self.head, TableJoinStage)
        return self.head.table_side

    def right_side(self) -> Stage:
        """Where the records of the second input go in."""
        assert self.head.right_side is not None
        return self.head.right_side

    @property
    def hold_us(self) -> int:
        """How far what comes out of the head may lie behind the watermark of what went in."""
        return self.head.hold_us


def reads_time(tasks: tuple[TaskPlan, ...]) -> dict[nodes.Node, bool]:
    """For each operator whether anything downstream of it reads times, marks, offsets or keys."""
    readers: dict[nodes.Node, list[nodes.Node]] = {}
    every = [node for task in tasks for node in task.nodes]
    for node in every:
        for before in node.inputs:
            readers.setdefault(before, []).append(node)
    found: dict[nodes.Node, bool] = {}

    def visit(node: nodes.Node) -> bool:
        if node not in found:
            after = [one for one in readers.get(node, []) if not isinstance(one, nodes.DeadLetters)]
            needs = [isinstance(one, _READ_TIME) or _tells_values_apart(one) or visit(one) for one in after]
            found[node] = any(needs)
        return found[node]

    for node in every:
        visit(node)
    return found


def _tells_values_apart(node: nodes.Node) -> bool:
    """Whether a policy says what becomes of each value that a plain sink refuses."""
    return isinstance(node, nodes.ToSink) and node.on_error is not None and node.on_error.end != "fail"


_READ_TIME = (
    nodes.Stateful,
    nodes.Late,
    nodes.ToTopic,
    nodes.KeyBy,
    PreAggregate,
    AsyncMap,
    nodes.RowChain,  # These, and what follows, read offsets, to say which record a function failed on.
    nodes.CallSink,
    nodes.Columns,
    nodes.MapBatches,
    nodes.Split,
)


def _front(node: nodes.Node, stage: Stage, now: Now) -> GuardedInputsStage | None:
    """What calls the functions of aggregates, if a policy says what becomes of a record that one fails on."""
    if node.on_error is None or node.on_error.is_plain:
        return None
    if isinstance(node, nodes.WindowAggregate):
        assert isinstance(stage, ContentsStage)
        assert isinstance(stage.contents, Aggregated)
        return GuardedInputsStage(node, stage.contents.folding, now)
    if isinstance(node, nodes.RunningAggregate):
        assert isinstance(stage, RunningAggregateStage)
        return GuardedInputsStage(node, stage.folding, now)
    return None


def _caller(node: nodes.Node, now: Now) -> CallStage | None:
    """What calls the function of an operator behind its stage, if a policy says what becomes of a call that fails."""
    if node.on_error is None or node.on_error.is_plain:
        return None
    match node:
        case nodes.WindowApply():
            return CallStage(node, Applied(node).call, shown_window, now)
        case nodes.WindowReduce():
            return CallStage(node, Reduced(node).call, shown_window, now)
        case nodes.MatchPattern():
            return call_matches(node, now)
        case join_nodes.Join(function=function) if function is not None:
            return call_pairs(node, now)
        case _:
            return None


def _source(node: nodes.Node, now: Now, reads: dict[nodes.Node, bool]) -> Stage:
    return PassStage(node.name)


def _rows(node: Any, now: Now, reads: dict[nodes.Node, bool]) -> Stage:
    if all(step.on_error.is_plain for step in node.steps):
        return RowsStage(node, keeps_columns=reads[node])
    return GuardedRowsStage(node, now, keeps_columns=reads[node])


def _columns(node: Any, now: Now, reads: dict[nodes.Node, bool]) -> Stage:
    return WhereStage(node, now) if node.operation == "where" else SelectStage(node, now)


def _sink(node: Any, now: Now, reads: dict[nodes.Node, bool]) -> Stage:
    return TwoPhaseSinkStage(node) if isinstance(node.sink, TwoPhaseSink) else PlainSinkStage(node, now)


def _topic(node: Any, now: Now, reads: dict[nodes.Node, bool]) -> Stage:
    return TopicSinkStage(node, now)


def _aggregate(node: nodes.WindowAggregate, now: Now, reads: dict[nodes.Node, bool]) -> Stage:
    contents = Aggregated(node)
    return _windows(node, contents) or AggregatePanesStage(node, contents)


def _apply(node: nodes.WindowApply, now: Now, reads: dict[nodes.Node, bool]) -> Stage:
    return _windows(node, Applied(node)) or PanesStage(node, Applied(node))


def _reduce(node: nodes.WindowReduce, now: Now, reads: dict[nodes.Node, bool]) -> Stage:
    return _windows(node, Reduced(node)) or PanesStage(node, Reduced(node))


def _window_join(node: join_nodes.WindowJoin, now: Now, reads: dict[nodes.Node, bool]) -> Stage:
    return ColumnJoinStage(node) if node.over_columns else joined_by_rows(node)


def _windows(node: nodes.WindowNode, contents: Contents) -> Stage | None:
    """The stage of windows whose bounds depend on the records; None for the others."""
    match node.window:
        case SessionSpec():
            return SessionsStage(node, contents)
        case RowsSpec():
            return CountedStage(node, contents)
        case _:
            return None


_STAGES: dict[type[nodes.Node], Callable[[Any, Now, dict[nodes.Node, bool]], Stage]] = {
    nodes.Source: _source,
    nodes.Union: _source,
    nodes.RowChain: _rows,
    AsyncMap: lambda node, now, reads: AsyncStage(node, now),
    nodes.Columns: _columns,
    nodes.MapBatches: lambda node, now, reads: MapBatchesStage(node, now),
    nodes.Split: lambda node, now, reads: SplitStage(node, now),
    nodes.KeyBy: lambda node, now, reads: KeyStage(node, now),
    PreAggregate: lambda node, now, reads: PreAggregateStage(node),
    nodes.WindowAggregate: _aggregate,
    nodes.WindowApply: _apply,
    nodes.WindowReduce: _reduce,
    nodes.MatchPattern: lambda node, now, reads: MatchStage(node, now),
    nodes.Gaps: lambda node, now, reads: GapsStage(node, now),
    nodes.RunningAggregate: lambda node, now, reads: RunningAggregateStage(node, now),
    nodes.Reduce: lambda node, now, reads: ReduceStage(node, now),
    nodes.Process: lambda node, now, reads: ProcessStage(node, now),
    nodes.TableJoin: lambda node, now, reads: TableJoinStage(node, now),
    join_nodes.WindowJoin: _window_join,
    join_nodes.IntervalJoin: lambda node, now, reads: IntervalJoinStage(node),
    join_nodes.AsOfJoin: lambda node, now, reads: AsOfJoinStage(node),
    join_nodes.TablesJoin: lambda node, now, reads: TablesJoinStage(node),
    nodes.ToTopic: _topic,
    nodes.ToSink: _sink,
    nodes.CallSink: lambda node, now, reads: CallSinkStage(node, now),
    nodes.Collect: lambda node, now, reads: CollectStage(node),
}


def _stage(node: nodes.Node, now: Now, reads: dict[nodes.Node, bool]) -> Stage:
    make = _STAGES.get(type(node))
    if make is None:
        raise PlanError(f"operator {node.name!r} ({node.kind}) cannot be run; a rewrite rule left it behind")
    return make(node, now, reads)
