"""Failure policies under every fault: what is left out, and what is written about it, is as in an undisturbed run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from actorstream import App, ListState, Record, ValueState, agg, dead_letter, pattern, retry, skip, tumbling
from actorstream.testing import SimulationFailed, run, simulate
from actorstream.testing.seeds import CHOSEN
from tests.simulation.job_plants import a_checkpoint_falls_between_two_pieces
from tests.simulation.workloads import Workload, assert_everything_happened

SEEDS = 25


def policies() -> Workload:
    """Numbers of which some fail for good, some now and then, some in the middle of changing the state."""
    app = App("policies")
    numbers = app.topic("numbers", int, partitions=2, key=lambda n: n % 5)
    sums = app.topic("sums", int, partitions=2)
    bad = app.topic("bad", key=lambda letter: letter["record"])
    calls: Counter[int] = Counter()

    def flaky(n: int) -> int:
        calls[n] += 1
        if n % 10 == 0 and calls[n] % 3:
            raise OSError("not now")
        return n

    steady = app.stream(numbers).map(flaky, on_error=retry(times=3, backoff="5ms..20ms"))
    known = steady.map(lambda n: n + 0 // (n % 7), name="known", on_error=dead_letter(bad))

    @known.key_by(lambda n: n % 5, name="key").process(on_error=skip)
    def add(n: int, total: ValueState[int], seen: ListState[int]) -> Iterator[int]:
        total.set((total.get() or 0) + n)
        seen.append(n)
        yield (total.get() or 0) * 1000 + len(seen)
        if n % 11 == 0:
            raise ValueError(n)

    add.to(sums)
    return Workload(app, {numbers: range(160)})


def test_policies_are_exactly_once() -> None:
    """Dead letters, results, and the state that they come from."""
    workload = policies()

    happened = simulate(workload.app, workload.inputs, seeds=range(SEEDS))

    assert_everything_happened(happened, SEEDS)
    assert happened["aborted"] > 0


@pytest.mark.skipif(CHOSEN.only is not None, reason="one seed need not find a planted bug")
def test_a_checkpoint_in_the_middle_of_a_retry_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The record that is being tried would be lost with a crash after it."""
    a_checkpoint_falls_between_two_pieces(monkeypatch)
    workload = policies()

    with pytest.raises(SimulationFailed):
        simulate(workload.app, workload.inputs, seeds=range(SEEDS))


def policies_everywhere() -> Workload:
    """Orders that fail in an expression, in their time, in an aggregate, in a join, in a pattern, at the end."""
    app = App("policies-everywhere")
    orders = app.topic("orders", Order, partitions=2, key="customer")
    bad = app.topic("bad", key=lambda letter: letter["operator"])
    policy = dead_letter(bad)
    stream = app.stream(orders, event_time=time_of, max_delay="5s", on_error=policy)
    priced = stream.with_columns(price=pl.col("text").cast(pl.Int64), into=Priced, name="priced")
    by_customer = priced.key_by("customer")
    totals = by_customer.window(tumbling("20s")).aggregate(n=agg.count(), total=agg.sum(inverse), name="totals")
    totals.to(app.topic("totals", key="customer"))
    by_customer.aggregate(last=agg.max(inverse), name="ever").to(app.topic("ever", key="customer"))
    pairs = by_customer.join(by_customer, ratio, within="2s", name="pairs")
    pairs.to(app.topic("pairs", int))
    rises = pattern(lambda one: inverse(one) > 1, name="small").then(lambda one: True, name="any").within("9s")
    by_customer.match(rises).apply(lambda match: match.start.second, name="rises").to(app.topic("rises", int))
    values = [Order("abc"[n % 3], "x" if n % 13 == 0 else str(n % 8), n) for n in range(90)]
    return Workload(app, {orders: values})


class Order(Record):
    """A price as text, that may be none; its time as a number of seconds, of which some are none."""

    customer: str
    text: str
    second: int


class Priced(Record):
    """What is made of it."""

    customer: str
    text: str
    second: int
    price: int


def time_of(order: Order) -> datetime:
    """Fails for some."""
    if order.second % 17 == 3:
        raise ValueError("no time")
    return datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=order.second)


def inverse(priced: Priced) -> float:
    """Fails for a price of 0."""
    return 8 / priced.price


def ratio(one: Priced, other: Priced) -> int:
    """Fails for some pairs only."""
    return one.price // (other.price - 4)


def test_policies_of_all_operators_are_exactly_once() -> None:
    """No failing record leaves a trace, and each is written about once, whatever crashes."""
    workload = policies_everywhere()

    happened = simulate(workload.app, workload.inputs, seeds=range(12))

    assert happened["aborted"] > 0


def test_every_operator_of_that_program_leaves_something_out() -> None:
    """Or the one above would show nothing."""
    workload = policies_everywhere()

    output = run(workload.app, workload.inputs)

    letters = next(values for topic, values in output.items() if topic.name == "bad")
    assert {one["operator"] for one in letters} == {"orders", "priced", "totals", "ever", "pairs", "rises"}
