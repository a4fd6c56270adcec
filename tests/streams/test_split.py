"""`split`: one stream becomes several."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstream import App, agg
from actorstream.errors import OperatorError, PlanError
from actorstream.testing import run
from tests.streams.makers import Pieces, cut


def test_a_value_goes_to_the_first_branch_that_takes_it() -> None:
    """And to no other; what no branch takes is dropped."""
    app = App("job")

    high, even = app.stream([1, 2, 8, 9]).split(high=lambda n: n > 5, even=lambda n: n % 2 == 0)

    assert app.collect(high) == [8, 9]
    assert app.collect(even) == [2]


def test_a_predicate_is_not_asked_about_what_was_taken() -> None:
    """So it may rely on those before it."""
    app = App("job")

    _, rest = app.stream([0, 4]).split(zero=lambda n: n == 0, large=lambda n: 1 / n > 0)

    assert app.collect(rest) == [4]


def test_branches_are_named_after_their_keywords() -> None:
    """Below the name of the split."""
    app = App("job")
    numbers = app.stream([1], name="numbers")

    assert [one.name for one in numbers.split(a=bool, b=bool)] == ["numbers.split[a]", "numbers.split[b]"]
    assert [one.name for one in numbers.split(name="parts", a=bool)] == ["parts[a]"]


def test_branches_of_a_keyed_stream_keep_its_key() -> None:
    """As a filter does."""
    app = App("job")
    large, _ = app.stream([1, 5, 7, 8]).key_by(lambda n: n % 2, name="odd").split(large=lambda n: n > 4, rest=bool)

    assert [(row.odd, row.n) for row in app.collect(large.aggregate(n=agg.count()))] == [(1, 1), (1, 2), (0, 1)]


def test_an_error_names_the_split_and_the_record() -> None:
    """Not the first record of the batch."""
    app = App("job")
    _, rest = app.stream([1, 2, 0]).split(one=lambda n: n == 1, rest=lambda n: 1 / n, name="parts")

    with pytest.raises(OperatorError, match=r"(?s)parts.*0.*division by zero"):
        app.collect(rest)


def test_a_split_without_branches_is_refused() -> None:
    """Also one whose branch is no function."""
    numbers = App("job").stream([1])

    with pytest.raises(PlanError, match="split at .* was given no branch"):
        numbers.split()
    with pytest.raises(PlanError, match="give it a function"):
        numbers.split(high=3)  # type: ignore[arg-type]


@given(st.lists(st.integers(0, 9), max_size=30), st.lists(st.integers(1, 5), min_size=1, max_size=3))
def test_every_value_comes_out_once(values: list[int], sizes: list[int]) -> None:
    """In order within its branch, wherever batches begin and end."""
    app = App("job")
    outs = [app.topic(name, Any) for name in ("small", "even", "rest")]
    source = app.stream(Pieces(cut(values, sizes), kind=int))
    branches = source.split(small=lambda n: n < 3, even=lambda n: n % 2 == 0, rest=lambda n: True)
    for branch, out in zip(branches, outs, strict=True):
        branch.to(out)

    output = run(app, {})

    assert [output[out] for out in outs] == [
        [n for n in values if n < 3],
        [n for n in values if n >= 3 and n % 2 == 0],
        [n for n in values if n >= 3 and n % 2 == 1],
    ]
