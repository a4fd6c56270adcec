"""From a program to tasks: what is fused, what runs where, what waits for what, and when two plans are the same."""

from __future__ import annotations

from typing import Any

from actorstream import App, agg, tumbling
from actorstream.streams.plan import nodes
from actorstream.streams.plan.nodes import timed_by, walk
from actorstream.streams.plan.physical import PhysicalPlan, optimise, physical
from actorstream.streams.plan.rewrite import rewrite
from actorstream.streams.plan.rules import fuse
from tests.streams.makers import Event, event, events_of


def planned(app: App, partitions: int = 1) -> PhysicalPlan:
    """The tasks of an app."""
    return physical(optimise(app._program.complete()), lambda source: partitions)


def chains(ends: tuple[nodes.Node, ...]) -> list[list[str]]:
    """The names of the operators of each chain."""
    return [[step.name for step in one.steps] for one in walk(ends) if isinstance(one, nodes.RowChain)]


def test_row_operators_in_a_row_become_one_chain() -> None:
    """Named after the last; nothing but row operators is in it."""
    app = App("job")
    numbers = app.stream([1], name="numbers")
    chain = numbers.map(lambda n: n, name="a").filter(lambda n: n, name="b").flat_map(lambda n: [n], name="c")
    chain.key_by(lambda n: n, name="key").aggregate(n=agg.count()).map(lambda n: n, name="d").to(app.topic("out"))

    fused = fuse(app._program.complete())

    assert chains(fused) == [["a", "b", "c"], ["d"]]
    assert [one.name for one in walk(fused)] == ["numbers", "c", "key", "key.aggregate", "d", "d.to[out]"]


def test_a_chain_ends_where_its_stream_is_read_twice() -> None:
    """What lies between is needed as it is, and computed once."""
    app = App("job")
    shared = app.stream([1], name="numbers").map(lambda n: n, name="a").map(lambda n: n, name="b")
    shared.map(lambda n: n, name="c").to(app.topic("one"))
    shared.map(lambda n: n, name="d").to(app.topic("two"))

    assert chains(fuse(app._program.complete())) == [["a", "b"], ["c"], ["d"]]


def test_a_rewrite_keeps_what_is_shared_and_what_did_not_change() -> None:
    """Each node is changed once."""
    source = nodes.Source(name="source")
    left, right = (nodes.KeyBy(name=name, inputs=(source,)) for name in ("left", "right"))
    ends = (left, nodes.Union(name="union", inputs=(left, right)))
    changed: list[str] = []

    def change(node: nodes.Node, inputs: tuple[nodes.Node, ...]) -> nodes.Node:
        changed.append(node.name)
        return node if inputs == node.inputs else node.with_inputs(inputs)

    assert rewrite(ends, change) == ends
    assert changed == ["source", "left", "right", "union"]


def test_a_task_begins_where_records_must_meet() -> None:
    """At a source, at what keeps state, at a union; all else runs with what it reads."""
    app = App("job")
    events = app.stream(app.topic("events", Event), event_time="at", name="events")
    counts = events.filter(lambda one: True, name="some").key_by("key").window(tumbling("1s")).aggregate(n=agg.count())
    counts.union(events.map(lambda one: one, name="plain"), name="both").to(app.topic("out"))

    plan = planned(app, partitions=3)

    assert [(task.name, [node.name for node in task.body], task.instances) for task in plan.tasks] == [
        ("events", ["some", "some.key_by[key]", "plain"], 3),
        ("some.key_by[key].aggregate", [], 1),
        ("both", ["both.to[out]"], 1),
    ]
    assert [(edge.source, edge.node.name, edge.target) for task in plan.tasks for edge in task.inputs] == [
        ("events", "some.key_by[key]", "some.key_by[key].aggregate"),
        ("some.key_by[key].aggregate", "some.key_by[key].aggregate", "both"),
        ("events", "plain", "both"),
    ]


def test_channels_and_lanes_have_names_that_stay() -> None:
    """They are found again after a crash."""
    app = App("job")
    numbers = app.stream(app.topic("numbers", int), name="numbers")
    numbers.union(app.stream([1], name="more"), name="all").to(app.topic("out"))
    numbers.to(app.topic("copy"))

    plan = planned(app, partitions=2)
    (edge, _) = plan.task("all").inputs

    assert [edge.channel(instance) for instance in range(2)] == [
        "numbers[0]/numbers>all:stream",
        "numbers[1]/numbers>all:stream",
    ]
    assert plan.lanes() == ["numbers.to[copy]/0", "numbers.to[copy]/1", "all.to[out]/0"]
    assert plan.sink_topics() == ["copy", "out"]


def test_a_joined_stream_waits_for_its_table() -> None:
    """The sources of the stream, through whatever lies between; not what feeds the table, too."""
    app = App("job")
    rows = app.stream([1], name="rows")
    table = app.table(rows.map(lambda n: n, name="mapped"), key=lambda n: n)
    one, two = app.stream([1], name="one"), app.stream([2], name="two")
    keyed = one.union(two, rows, name="all").key_by(lambda n: n, name="n")
    keyed.join(table, lambda n, row: row, name="joined").to(app.topic("out"))

    plan = planned(app)

    assert {task.name: (task.waits_for, task.feeds_table) for task in plan.tasks if task.is_source} == {
        "rows": ([], True),
        "one": (["joined"], False),
        "two": (["joined"], False),
    }


def test_the_hash_tells_plans_apart() -> None:
    """By names, kinds, details and how they hang together; not by where they were written."""

    def program(size: str = "1s", name: str = "counts", field: str = "key") -> App:
        app = App("job")
        windows = events_of(app, [event(0)]).key_by(field).window(tumbling(size))
        windows.aggregate(name=name, n=agg.count()).to(app.topic("out"))
        return app

    same, again = planned(program()), planned(program())

    assert same.plan_hash == again.plan_hash
    others = [program(size="2s"), program(name="other"), program(field="value")]
    assert len({same.plan_hash, *(planned(one).plan_hash for one in others)}) == 4


def test_event_time_comes_from_the_stream_and_not_from_tables() -> None:
    """Whatever lies between, each source once."""
    app = App("job")
    timed, timeless = events_of(app, [event(0)]), app.stream([1], name="timeless")
    table = app.table(timeless, key=lambda n: n)
    joined = timed.map(lambda one: one).key_by("key").join(table, lambda one, n: one, name="joined")

    assert [source.name for source in timed_by(joined._node)] == ["events"]
    assert sorted(source.name for source in timed_by(joined.union(timeless, timed)._node)) == ["events", "timeless"]


def test_a_node_is_walked_once_and_after_its_inputs() -> None:
    """Though several read it."""
    source = nodes.Source(name="source")
    left, right = (nodes.KeyBy(name=name, inputs=(source,)) for name in ("left", "right"))
    union: Any = nodes.Union(name="union", inputs=(right, left, right))

    assert [node.name for node in walk((union, source))] == ["source", "right", "left", "union"]
