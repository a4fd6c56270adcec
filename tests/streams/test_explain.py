"""`explain` shows a plan at each stage, in each format, and always alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

import msgspec
import pytest

from actorstream import App, Key, ListState, Record, State, Timer, ValueState, agg, sliding, tumbling
from actorstream.errors import PlanError


class Payment(Record):
    card: str
    amount: float
    at: datetime


class Card(Record):
    card: str
    owner: str


def shop() -> App:
    """A program with windows, late records, a table join, a process function and a union."""
    app = App("shop")
    cards = app.table(app.topic("cards", Card), key="card")
    payments = app.stream(app.topic("payments", Payment, partitions=4), event_time="at", max_delay="5s")

    @payments.filter
    def real(payment: Payment) -> bool:
        return payment.amount > 0

    by_card = real.map(lambda payment: payment.replace(amount=0.0)).key_by("card")
    hourly = by_card.window(sliding("1h", every="10m"), allowed_lateness="1m").aggregate(
        name="hourly", n=agg.count(), top=agg.max("amount")
    )
    hourly.to(app.topic("totals"))
    hourly.late.to(app.topic("late"))

    @real.key_by("card").join(cards)
    def owned(payment: Payment, card: Card | None) -> str:
        return card.owner if card else "?"

    @real.key_by("card", name="card").process
    def detect(
        payment: Payment, card: Key[str], recent: ListState[Payment], total: ValueState[float], timer: Timer
    ) -> Iterator[str]:
        yield card

    @detect.on_timer
    def forget(time: datetime, recent: ListState[Payment]) -> None:
        recent.clear()

    detect.union(owned).to(app.topic("alerts"))
    return app


def without_lines(drawn: str) -> str:
    """The drawing without the places in this file that it names."""
    return re.sub(r"  \(test_explain.py:\d+\)", "", drawn)


LOGICAL = """\
shop: logical plan, as written

source payments: topic payments, event time at, at most 5s out of order
└─ filter real
   ├─ map real.map
   │  └─ key_by real.map.key_by[card]: card
   │     └─ window aggregate hourly: sliding(1h, every=10m): n=count(), top=max(amount), takes records up to 1m late
   │        ├─ to topic hourly.to[totals]: totals
   │        └─ late hourly.late
   │           └─ to topic hourly.late.to[late]: late
   ├─ key_by card
   │  └─ process detect: card: key, recent: list, total: value, timer: timer
   │     └─ union detect.union
   │        └─ to topic detect.union.to[alerts]: alerts
   └─ key_by real.key_by[card]: card
      └─ table join owned: left, table cards
         └─ union detect.union, drawn at its first input

source cards: topic cards
└─ key_by cards.key_by[card]: card
   └─ table join owned, drawn at its first input"""

PHYSICAL = """\
shop: physical plan, as tasks; each instance of a task is an actor

task payments, 4 instances
  after  the table of owned is read
  runs   source payments: topic payments, event time at, at most 5s out of order
         rows real: filter real
         rows real.map: map real.map
         key_by real.map.key_by[card]: card
         key_by card
         key_by real.key_by[card]: card
  keeps  payments: offset and watermark
  sends  real.map.key_by[card] to task hourly
         card to task detect
         real.key_by[card] to task owned

task hourly, 1 instance
  reads  real.map.key_by[card] from task payments
  runs   window aggregate hourly: sliding(1h, every=10m): n=count(), top=max(amount), takes records up to 1m late
         to topic hourly.to[totals]: totals
         late hourly.late
         to topic hourly.late.to[late]: late
  keeps  hourly: accumulators of n, top, per key and 10m pane, dropped 1m after the last of its windows closes

task detect, 1 instance
  reads  card from task payments
  runs   process detect: card: key, recent: list, total: value, timer: timer
  keeps  detect: recent: a list of Payment, per key, until it is cleared
         detect: total: one float, per key, until it is cleared
         detect: timer: times, per key, each until it fires
  grows  detect: recent, with the number of keys, unless the function, a timer or a State(ttl=) clears it
         detect: total, with the number of keys, unless the function, a timer or a State(ttl=) clears it
  sends  detect to task detect.union

task cards, 1 instance
  runs   source cards: topic cards
         key_by cards.key_by[card]: card
  keeps  cards: offset and watermark
  sends  cards.key_by[card] to task owned, as its table

task owned, 1 instance
  reads  real.key_by[card] from task payments
         cards.key_by[card] from task cards, as its table
  runs   table join owned: left, table cards
  keeps  owned: the latest Card of the table, per key, until it is deleted
  sends  owned to task detect.union

task detect.union, 1 instance
  reads  detect from task detect
         owned from task owned
  runs   union detect.union
         to topic detect.union.to[alerts]: alerts"""

MERMAID = """\
flowchart TD
  subgraph t0["stream, 1 instance"]
    n0["source stream<br>2 values"]
    n1["rows loud<br>filter short → map loud"]
    n2["to topic loud.to[out]<br>out"]
  end
  n0 --> n1
  n1 --> n2"""


def short() -> App:
    """A source, two row operators, a sink."""
    app = App("short")

    @app.stream(["a", "bb"]).filter
    def short(word: str) -> bool:
        return len(word) < 2

    short.map(str.upper, name="loud").to(app.topic("out"))
    return app


def test_the_logical_plan_is_a_tree_of_operators_as_they_were_written() -> None:
    """Each source is a root; an operator with several inputs is drawn once, and mentioned at the others."""
    assert without_lines(shop().explain("logical")) == LOGICAL


def test_the_physical_plan_shows_tasks_what_they_keep_and_their_channels() -> None:
    """It is the default: instances, operators inside, state, who sends what to whom."""
    assert without_lines(shop().explain()) == PHYSICAL


def test_the_optimised_plan_shows_fused_operators_as_one() -> None:
    """A chain of row operators is one operator that names its steps."""
    drawn = short().explain("optimised")

    assert "rows loud: filter short → map loud" in drawn


def test_every_operator_shows_the_line_that_wrote_it() -> None:
    """File and line stand behind each operator of a tree."""
    lines = shop().explain("logical").splitlines()

    assert re.search(r"filter real  \(test_explain\.py:\d+\)$", lines[3])


def test_mermaid_draws_a_box_around_each_task() -> None:
    """Operators are nodes, tasks are subgraphs, inputs are arrows."""
    assert short().explain(format="mermaid") == MERMAID


def test_mermaid_writes_its_own_characters_as_entities() -> None:
    """A name with quotes or angle brackets does not end a label."""
    app = App("quoted")
    app.stream([1], name='a"<b>#').to(app.topic("out"))

    drawn = app.explain("logical", "mermaid")

    assert "source a#quot;#lt;b#gt;#35;<br>" in drawn


def test_json_names_operators_by_ids_that_tasks_refer_to() -> None:
    """A program can follow inputs and tasks through the ids."""
    plan = msgspec.json.decode(shop().explain("physical", "json"))

    ids = [one["id"] for one in plan["operators"]]
    assert plan["app"] == "shop"
    assert sorted(i for task in plan["tasks"] for i in task["operators"]) == sorted(ids)
    assert {before for one in plan["operators"] for before in one["inputs"]} <= set(ids)
    assert [one["target"] for one in plan["channels"] if one["port"] == "table"] == ["owned"]
    assert len(plan["plan_hash"]) == 16


def test_window_options_are_shown() -> None:
    """What a window emits, and when, is part of the picture."""
    app = App("options")
    keyed = app.stream([1], event_time=lambda n: datetime(2024, 1, 1), idle="1m").key_by(lambda n: n, name="n")
    keyed.window(tumbling("10s"), emit="change").aggregate(n_=agg.count()).to(app.topic("out"))

    drawn = app.explain("logical")

    assert "event time function, idle after 1m" in drawn
    assert "tumbling(10s): n_=count(), corrections as they happen" in drawn


@pytest.mark.parametrize(
    ("stage", "format", "message"),
    [
        ("final", "text", "the stage 'final'; it is one of 'logical', 'optimised', 'physical'"),
        ("logical", "svg", "the format 'svg'; it is one of 'text', 'mermaid', 'json'"),
    ],
)
def test_another_stage_or_format_is_refused(stage: str, format: str, message: str) -> None:  # noqa: A002
    """The error names the choices."""
    with pytest.raises(PlanError, match=re.escape(message)):
        shop().explain(stage, format)


def _kept(app: App) -> list[str]:
    """What `counted` keeps, and what of it grows."""
    return [
        line.split("counted: ")[1] for line in app.explain().splitlines() if re.match(" +(keeps|grows) +counted", line)
    ]


def test_state_that_grows_for_ever_is_pointed_out() -> None:
    """A running result over a topic keeps an entry for each key that there ever was."""
    app = App("growing")
    words = app.stream(app.topic("words", str)).key_by(lambda word: word, name="word")
    words.aggregate(n=agg.count(), name="counted").to(app.topic("out"))

    assert _kept(app) == [
        "accumulators of n, per key, for ever",
        "with the number of keys: a window would let go of those that are past",
    ]


def test_state_over_an_input_that_ends_is_no_worry() -> None:
    """It ends with it."""
    app = App("ending")
    words = app.stream(["a", "b"]).key_by(lambda word: word, name="word")
    words.aggregate(n=agg.count(), name="counted").to(app.topic("out"))

    assert _kept(app) == ["accumulators of n, per key, for ever"]


def test_state_with_a_time_to_live_does_not_grow_for_ever() -> None:
    """It says when a key's content is gone; only what has no such time is pointed out."""
    app = App("forgetting")
    words = app.stream(app.topic("words", str)).key_by(lambda word: word, name="word")

    @words.process
    def counted(word: str, seen: Annotated[ValueState[bool], State(ttl="10m")], all_: ListState[str]) -> str:
        return word

    counted.to(app.topic("out"))

    assert _kept(app)[0] == "seen: one bool, per key, until it is cleared, or 10m after it was last written"
    assert "grows  counted: all_, with" in app.explain()
    assert "grows  counted: seen" not in app.explain()


def test_a_window_says_when_its_state_is_dropped() -> None:
    """One that shares no panes is an entry itself."""
    app = App("windows")
    keyed = app.stream(app.topic("numbers", int)).key_by(lambda n: n, name="n")
    keyed.window(tumbling("10s")).aggregate(counts=agg.count(), name="counted").to(app.topic("out"))

    assert _kept(app) == ["accumulators of counts, per key and 10s window, dropped when it closes"]


def test_an_exchange_by_key_is_shown() -> None:
    """Where a task has several instances, each gets the records of its keys."""
    app = App("divided")
    keyed = app.stream(["a"], name="letters").key_by(lambda letter: letter, name="letter")
    keyed.aggregate(n=agg.count(), name="counted", parallelism=4).to(app.topic("out"))

    drawn = app.explain()

    assert "sends  letter to task counted, divided by key" in drawn
    assert "task counted, 4 instances" in drawn


def test_a_program_without_an_end_is_refused() -> None:
    """A stream that goes nowhere is no plan."""
    app = App("endless")
    app.stream([1])

    with pytest.raises(PlanError, match="nothing to run"):
        app.explain()
