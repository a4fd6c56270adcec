"""What a function's annotations mean, and which line of the user's program is at work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial, wraps
from typing import Any

import pytest

from actorstream.streams import checks
from actorstream.streams.site import function_name, hints, user_site


class Scale:
    """An object that is called."""

    factor: int

    def __call__(self, n: int) -> float:
        """The number, scaled."""
        return n * 2.0

    def method(self, n: int) -> str:
        """Something else."""
        return str(n)


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator as people write them."""

    @wraps(function)
    def inner(*arguments: Any) -> Any:
        return function(*arguments)

    return inner


@logged
def wrapped(n: int) -> bytes:
    """A function below a decorator."""
    return bytes(n)


def of_two(factor: int, n: int) -> complex:
    """A function of two."""
    return complex(factor, n)


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (wrapped, bytes),
        (Scale(), float),
        (Scale().method, str),
        (partial(of_two, 2), complex),
        (partial(partial(of_two), 2), complex),
        (int, int),
        (Scale, Scale),
        (str.upper, Any),
        (lambda n: n, Any),
    ],
)
def test_what_a_function_returns_is_read_off_its_annotations(function: Any, kind: Any) -> None:
    """Whatever it is that can be called; a class returns itself; what says nothing returns anything."""
    assert checks.result_type(function) == kind


def test_local_types_are_found_where_the_function_is_given() -> None:
    """Annotations are texts here, and name what is visible to the caller."""

    class Local:
        pass

    def of_local(n: int) -> Iterator[Local]:
        yield Local()

    assert checks.element_type(hints(of_local)["return"]) is Local


def test_an_annotation_that_names_nothing_is_left_out() -> None:
    """The others are there."""

    def odd(one: Nowhere, other: int) -> None:  # type: ignore[name-defined]  # noqa: F821
        """Annotated with what is not there."""

    assert hints(odd) == {"other": int, "return": type(None)}


def test_the_site_is_the_users_line() -> None:
    """By the file's own name."""
    assert str(user_site()).startswith("test_site.py:")


@pytest.mark.parametrize(
    ("function", "name"), [(wrapped, "wrapped"), (lambda n: n, None), (Scale(), None), (int, "int")]
)
def test_the_name_of_a_function_is_the_one_a_person_gave_it(function: Any, name: str | None) -> None:
    """A lambda has none."""
    assert function_name(function) == name


@pytest.mark.parametrize(
    ("kind", "emitted"),
    [
        (int, int),
        (int | None, int),
        (Iterator[str], str),
        (Iterator[str] | None, str),
        (list[int], list[int]),
        (None, Any),
        (Any, Any),
        (int | str, int | str),
    ],
)
def test_what_a_function_emits_is_known_from_what_it_returns(kind: Any, emitted: Any) -> None:
    """None is nothing, a generator gives its values, everything else is itself."""
    assert checks.emitted_type(kind) == emitted
