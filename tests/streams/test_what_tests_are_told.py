"""`run` and `simulate`, given what they cannot be given; and what a simulation says that fails."""

from __future__ import annotations

from typing import Any

import pytest

from actorstream import App
from actorstream.errors import BadInput
from actorstream.testing import Faults, run, simulate
from actorstream.testing.compare import difference


def doubling() -> tuple[App, Any, Any]:
    """An app that reads one topic and writes another."""
    app = App("doubling")
    numbers, doubles = app.topic("numbers", int), app.topic("doubles", int)
    app.stream(numbers).map(lambda number: number * 2).to(doubles)
    return app, numbers, doubles


@pytest.mark.parametrize("test", [run, lambda app, inputs: simulate(app, inputs, seeds=[0])])
@pytest.mark.parametrize(
    ("topic", "words"),
    [
        ("numbers", r"given for 'numbers', which is no topic; give them for what app.topic\(...\) gave"),
        (
            App("other").topic("others", int),
            r"Topic\('others'\), which is no topic of App\('doubling'\).*: doubles, num",
        ),
    ],
)
def test_values_that_nothing_would_read_are_refused(test: Any, topic: Any, words: str) -> None:
    """A name in place of a topic, or a topic of another app."""
    app, _, _ = doubling()

    with pytest.raises(BadInput, match=words):
        test(app, {topic: [1]})


def test_a_topic_of_the_same_name_is_the_same() -> None:
    """Declared in another module, for instance, by a job that writes it."""
    app, _, doubles = doubling()

    assert run(app, {App("other").topic("numbers", int): [1]})[doubles] == [2]


def test_values_may_come_from_an_iterator() -> None:
    """They are read once."""
    app, numbers, doubles = doubling()

    assert run(app, {numbers: (number for number in range(3))})[doubles] == [0, 2, 4]
    simulate(app, {numbers: iter(range(3))}, seeds=[1], faults=Faults.none())


def test_the_output_is_asked_by_topic() -> None:
    """A name would be an empty list for ever."""
    app, numbers, doubles = doubling()
    output = run(app, {numbers: []})

    assert output[doubles] == []
    with pytest.raises(BadInput, match=r"the output was asked for 'doubles'; ask for the topic itself"):
        output["doubles"]


def test_another_order_is_told_from_other_records() -> None:
    """The first says what to do."""
    one, two = (b"k", 1), (b"k", 2)

    reordered, other = difference([[one, two]], [[two, one]]), difference([[one]], [[two]])

    assert reordered is not None
    assert other is not None
    assert "record 0 is 2, expected 1; all the same records are there, in another order" in reordered
    assert reordered.endswith("pass check=fn(inputs, output) to judge the output without it")
    assert other == "key b'k': record 0 is 2, expected 1"
