"""Checks made where a line is written, so that the error points at that line."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from actorstream.errors import PlanError
from actorstream.model.identity import KEY_GROUPS
from actorstream.model.key_types import alternatives
from actorstream.model.record import Record, field_names, is_record_type
from actorstream.streams.site import hints, user_site


def check_field(kind: Any, field: str, use: str) -> None:
    """Refuse a field that the Record type does not have; other types cannot be checked before they flow.

    Raises:
        PlanError: names the field, the type and what there is.
    """
    if is_record_type(kind) and field not in field_names(kind):
        there = ", ".join(field_names(kind))
        raise PlanError(f"{use}: {kind.__name__} has no field {field!r} (at {user_site()}); it has {there}")


def check_filled(into: Any, available: Iterable[str], use: str) -> None:
    """Refuse a result type that is no Record, or that has a field which nothing fills.

    Raises:
        PlanError: names the field and what there is.
    """
    there = list(available)
    if not is_record_type(into):
        raise PlanError(f"{use} at {user_site()} was given {into!r}; the type of its result is a Record type")
    for field in msgspec.structs.fields(into):
        if field.required and field.name not in there:
            raise PlanError(
                f"{use} at {user_site()}: nothing fills the field {field.name!r} of {into.__name__}; there is "
                f"{', '.join(there)}"
            )


def field_type(kind: Any, field: str | Callable[..., Any] | None) -> Any:
    """The annotated type of a Record's field, else Any."""
    if not is_record_type(kind):
        return Any
    for one in msgspec.structs.fields(kind):
        if one.name == field:
            return one.type
    return Any


_PLAIN = (bool, int, float, str, bytes, datetime, date, UUID)
"""Types of which it is known what fits where."""


def fits(given: Any, wanted: Any) -> bool:
    """Whether a value of one type, but for None, may be one of the other; True where the types don't tell.

    Example:
        >>> fits(int | None, float), fits(float, int), fits(float, Any)
        (True, False, True)
    """
    ones = [one for one in alternatives(given) if one is not types.NoneType]
    return not ones or any(_fits(one, other) for one in ones for other in alternatives(wanted))


def _fits(one: Any, other: Any) -> bool:
    if one not in _PLAIN or other not in (*_PLAIN, types.NoneType):
        return True
    return issubclass(one, other) or (other is float and issubclass(one, int))


def plain_type(kind: Any) -> Any:
    """A type without its constraints, and without None where that leaves one type."""
    if typing.get_origin(kind) is typing.Annotated:
        return plain_type(typing.get_args(kind)[0])
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        left = [one for one in typing.get_args(kind) if one is not types.NoneType]
        return plain_type(left[0]) if len(left) == 1 else kind
    return kind


def getter(of: str | Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function of the value, from itself or a field's name (an attribute, or a key of a dict)."""
    if callable(of):
        return of
    name = of

    def get(value: Any) -> Any:
        return value[name] if isinstance(value, dict) else getattr(value, name)

    return get


def check_function(function: Any, use: str) -> None:
    """Refuse what cannot be called with a value, and what would have to be awaited.

    Raises:
        PlanError: says what was given and where.
    """
    if not callable(function):
        raise PlanError(f"{use} at {user_site()} was given {function!r}; give it a function")
    if is_async(function) or inspect.isasyncgenfunction(function):
        raise PlanError(
            f"{use} at {user_site()}: {shown_name(function)} is async; only map awaits, so put a map in front of this"
        )


def is_async(function: Any) -> bool:
    """Whether a call gives something to be awaited: an async function, or an object with an async `__call__`."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def shown_name(function: Any) -> str:
    """A function's name, or that of its class."""
    return str(getattr(function, "__name__", None) or type(function).__name__)


def check_one_app(use: str, first: object, *others: object) -> None:
    """Refuse streams of two apps, given the program of each.

    Raises:
        PlanError: says where.
    """
    if any(one is not first for one in others):
        raise PlanError(f"{use} at {user_site()} mixes streams of two apps; keep a plan within one App")


def type_name(kind: Any, otherwise: str = "any") -> str:
    """The name of a type as a person would write it; `otherwise` where it is not known."""
    if kind is Any:
        return otherwise
    return kind.__name__ if isinstance(kind, type) and not typing.get_args(kind) else str(kind).replace("typing.", "")


def checked_parallelism(parallelism: Any, use: str) -> int:
    """How many instances an operator is to have.

    Raises:
        PlanError: not a number from 1 to the number of key groups.
    """
    if isinstance(parallelism, int) and not isinstance(parallelism, bool) and 1 <= parallelism <= KEY_GROUPS:
        return parallelism
    raise PlanError(
        f"{use} at {user_site()}: parallelism is {parallelism!r}; it is the number of instances that share the work, "
        f"from 1 to {KEY_GROUPS}"
    )


def result_type(function: Callable[..., Any]) -> Any:
    """What a function is annotated to return, else Any."""
    return hints(function).get("return", Any)


def gives_one(function: Callable[..., Any]) -> bool:
    """Whether a function says that it returns a value or None, and no iterator over several."""
    kind = result_type(function)
    options = typing.get_args(kind) if typing.get_origin(kind) in (typing.Union, types.UnionType) else (kind,)
    return not any(one is Any or _may_iterate(one) for one in options)


def _may_iterate(kind: Any) -> bool:
    base = typing.get_origin(kind) or kind
    return not isinstance(base, type) or issubclass(base, Iterator) or issubclass(Iterator, base)


def element_type(kind: Any) -> Any:
    """The T of an Iterator[T], Iterable[T], list[T] or Generator[T, ...]; else Any."""
    arguments = typing.get_args(kind)
    origin = typing.get_origin(kind)
    if arguments and isinstance(origin, type) and issubclass(origin, Iterable):
        return arguments[0]
    return Any


def emitted_type(kind: Any) -> Any:
    """What a function emits that returns None, a value or a generator: T of T, of T | None, of Iterator[T]."""
    kind = plain_type(kind)
    origin = typing.get_origin(kind)
    if isinstance(origin, type) and issubclass(origin, Iterator):
        return typing.get_args(kind)[0]
    return Any if kind is None or kind is types.NoneType else kind


def is_record_stream(kind: Any) -> bool:
    """Whether the values are Records of a known type, which have columns."""
    return is_record_type(kind) and kind is not Record
