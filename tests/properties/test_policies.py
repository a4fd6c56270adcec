"""Where batches begin changes nothing about which records fail, nor about what the others give."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from actorstream import App, ListState, skip
from tests.properties.programs import run_with


def spread(n: int) -> Iterator[int]:
    """Gives some values, and may fail behind them."""
    yield n
    yield n + 1
    if n % 3 == 0:
        raise ValueError(n)
    yield n + 2


def kept(n: int) -> bool:
    """Fails for some."""
    return bool(12 % (n % 5) or True)


def expected(numbers: list[int]) -> list[list[int]]:
    """The same by hand: what a key has seen after each record."""
    seen: dict[int, list[int]] = {}
    results = []
    for n in (n for n in numbers if n % 5):
        if n % 3 == 0:
            continue
        for value in (n, n + 1, n + 2):
            if value % 4:
                seen.setdefault(value % 2, []).append(value)
                results.append([value % 2, *seen[value % 2]])
    return results


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 30), max_size=40), st.integers(1, 12))
def test_batches_do_not_show_in_what_is_left_out(numbers: list[int], slice_records: int) -> None:
    """Of a chain with policies, and of the state behind it."""
    app = App("job")
    source, results = app.topic("source", int), app.topic("results")
    chain = app.stream(source, on_error=skip).filter(kept).flat_map(spread)

    @chain.key_by(lambda n: n % 2, name="parity").process
    def gather(n: int, seen: ListState[int]) -> Iterator[list[int]]:
        seen.append(n)
        yield [n % 2, *seen]
        if n % 4 == 0:
            raise ValueError(n)

    gather.to(results)

    found = run_with(app, {source: numbers}, slice_records=slice_records)

    assert found["results"] == expected(numbers)
