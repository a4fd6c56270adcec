"""Properties of whole programs: what they give depends on their input, and on nothing else."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.nexmark import reference
from benchmarks.nexmark.catalogue import QUERIES
from benchmarks.nexmark.generator import Events
from benchmarks.nexmark.reference import Row
from tests.nexmark import events
from tests.properties.programs import run_with

COUNT = 400
IN_ORDER = events.records(events.in_order(COUNT))

names = st.sampled_from(sorted(QUERIES))
seeds = st.integers(0, 1 << 16)


def over_lists(name: str, arrived: Events) -> list[Row]:
    """The answers of the program over lists."""
    return reference.found(QUERIES[name], events.answered(QUERIES[name], arrived))


def over_topics(name: str, arrived: Events, partitions: int, seed: int) -> list[Row]:
    """The answers of the program over topics; the seed chooses what happens when, and how large the batches are."""
    program = events.over_topics(QUERIES[name], arrived, partitions=partitions)
    output = run_with(
        program.app, program.given, seed=seed, fetch_bytes_max=300 + seed % 20_000, slice_records=1 + seed % 500
    )
    return reference.found(QUERIES[name], output[program.answers.name])


@settings(max_examples=25)
@given(name=names, seed=seeds)
def test_any_order_within_the_delay_gives_the_same(name: str, seed: int) -> None:
    """A program over permuted input gives what it gives in order of time."""
    permuted = events.records(events.shuffled(COUNT, seed))

    assert over_lists(name, permuted) == over_lists(name, IN_ORDER)


@settings(max_examples=25)
@given(name=names, partitions=st.integers(1, 3), seed=seeds)
def test_topics_give_what_lists_give(name: str, partitions: int, seed: int) -> None:
    """Unbounded input that is taken as the whole, over any number of partitions, gives what bounded input gives."""
    assert over_topics(name, IN_ORDER, partitions, seed) == over_lists(name, IN_ORDER)
