"""Errors that come from another process."""

from __future__ import annotations

import pytest

from actorstream.actors.wire import Values
from actorstream.actors.wire.remote_errors import error_of
from actorstream.errors import (
    ActorstreamError,
    BadInput,
    Corrupt,
    OperatorError,
    PlanError,
    Poisoned,
    RemoteError,
    UnknownTopic,
)


def through(error: BaseException) -> BaseException:
    """As another process gets it."""
    came = Values().decode(*Values().encode(error))
    assert isinstance(came, BaseException)
    return came


@pytest.mark.parametrize(
    "error",
    [
        OperatorError("op", "record", "topic", 3, 4, "ValueError: no"),
        OperatorError("op", "record"),
        PlanError("two of one name"),
        UnknownTopic("one", ("two",)),
        Corrupt("file", 7, "a check"),
        BadInput(""),
    ],
)
def test_one_of_ours_is_what_it_was(error: ActorstreamError) -> None:
    """Its class, its text, its attributes."""
    came = through(error)

    assert type(came) is type(error)
    assert str(came) == str(error)
    assert vars(came) == vars(error)


def test_its_cause_comes_along() -> None:
    """As an error of another process, with where it was raised."""
    try:
        try:
            int("x")
        except ValueError as cause:
            raise Poisoned("again and again") from cause
    except Poisoned as error:
        came = through(error)

    assert isinstance(came, Poisoned)
    assert isinstance(came.__cause__, RemoteError)
    assert came.__cause__.is_a(ValueError)
    assert 'int("x")' in came.__cause__.trace


def test_one_that_only_extends_ours_is_a_remote_one() -> None:
    """Another process may not have its class."""

    class Own(PlanError):
        """A user's."""

    assert isinstance(through(Own("mine")), RemoteError)


@pytest.mark.parametrize(
    "facts",
    [
        None,
        ["actorstream.errors.PlanError"],
        ["actorstream.errors.PlanError", "x", "trace", [], None],
        ["actorstream.errors.PlanError", "x", "trace", {}],
        [1, 2, 3],
    ],
)
def test_facts_that_make_no_error_are_refused(facts: object) -> None:
    """Whatever they look like."""
    with pytest.raises(BadInput):
        error_of(facts)


@pytest.mark.parametrize("kind", ["actorstream.errors.annotations", "os.system", "actorstream.errors.RemoteErrors"])
def test_what_is_no_error_of_ours_is_not_made(kind: str) -> None:
    """But a remote error, which only holds its name."""
    assert isinstance(error_of([kind, "x", "trace", {}, None]), RemoteError)
