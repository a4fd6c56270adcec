"""The Record that an aggregate gives: the key's fields, `start` and `end` of a window, the aggregates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from keyword import iskeyword
from typing import Any, cast

import msgspec

from actorstream.errors import PlanError
from actorstream.model.record import Record
from actorstream.streams import checks
from actorstream.streams.aggregates import Aggregate
from actorstream.streams.plan import nodes
from actorstream.streams.site import user_site


def aggregate_type(
    key: nodes.KeyBy, aggregates: dict[str, Aggregate], into: Any, name: str, *, window: bool
) -> type[Record]:
    """The type of the result, checked: `into`, or one made of what there is.

    Raises:
        PlanError: no aggregates, a value that is none, an unknown field, a clash of names, a field that nothing fills.
    """
    if not aggregates:
        raise PlanError(f"aggregate at {user_site()} computes nothing; give it aggregates: n=agg.count()")
    for label, one in aggregates.items():
        if not isinstance(one, Aggregate):
            raise PlanError(
                f"aggregate at {user_site()}: {label}={one!r} is no aggregate; use agg.count(), agg.sum(...), ..."
            )
        if isinstance(one.of, str):
            checks.check_field(key.type, one.of, f"agg.{one.kind}")
            problem = one.problem(checks.field_type(key.type, one.of))
            if problem:
                raise PlanError(f"aggregate at {user_site()}: {label}={one}: {problem}")
    available = _available(key, aggregates, window)
    if into is None:
        _check_identifiers(available)
        fields = [(label, kind) for label, kind in available.items()]
        return cast("type[Record]", msgspec.defstruct(_type_name(name), fields, bases=(Record,)))
    checks.check_filled(into, available, "aggregate")
    _check_taken(into, available, aggregates)
    filled: type[Record] = into
    return filled


def _check_taken(into: type[Record], available: dict[str, Any], aggregates: dict[str, Aggregate]) -> None:
    """Refuse an aggregate that no field takes, and a field of a type that nothing put there has."""
    fields = {one.name: one.type for one in msgspec.structs.fields(into)}
    for label in aggregates:
        if label not in fields:
            raise PlanError(
                f"aggregate at {user_site()}: {into.__name__} has no field {label!r} for {label}={aggregates[label]}; "
                f"it has {', '.join(fields)}"
            )
    for label, kind in fields.items():
        given = available.get(label, Any)
        if not checks.fits(given, kind):
            raise PlanError(
                f"aggregate at {user_site()}: the field {label!r} of {into.__name__} is {checks.type_name(kind)}, and "
                f"what fills it is {checks.type_name(given)}; give it that type"
            )


def _check_identifiers(labels: Iterable[str]) -> None:
    for label in labels:
        if not label.isidentifier() or iskeyword(label):
            raise PlanError(
                f"aggregate at {user_site()}: {label!r} cannot name a field of its result; name the key otherwise with "
                "key_by(..., name=), or give aggregate a Record type"
            )


def _available(key: nodes.KeyBy, aggregates: dict[str, Aggregate], window: bool) -> dict[str, Any]:
    kinds = {one: checks.field_type(key.type, one) for one in key.fields} or {key.key_names[0]: key.key_type}
    groups = [("the key", kinds)]
    if window:
        groups.append(("a bound of the window", {"start": datetime, "end": datetime}))
    groups.append(("an aggregate", {label: _result_type(key.type, one) for label, one in aggregates.items()}))
    available: dict[str, Any] = {}
    names: dict[str, str] = {}
    for what, group in groups:
        for label in group:
            if label in available:
                raise PlanError(
                    f"aggregate at {user_site()}: {label!r} names two things, {names[label]} and {what}; rename one "
                    "of them (a key: key_by(function, name=...))"
                )
            names[label] = what
        available.update(group)
    return available


def _result_type(kind: Any, aggregate: Aggregate) -> Any:
    if aggregate.takes in ("ranked", "records"):
        return aggregate.result_type(kind)
    return aggregate.result_type(checks.field_type(kind, aggregate.of) if isinstance(aggregate.of, str) else Any)


def _type_name(name: str) -> str:
    clean = "".join(letter if letter.isalnum() else "_" for letter in name)
    return clean if clean[:1].isalpha() else f"_{clean}"


Build = Callable[[Sequence[Any]], Any]


def builder(kind: type[Record], key_names: tuple[str, ...], aggregate_names: tuple[str, ...], *, window: bool) -> Build:
    """A function from (key parts, [start, end], results), in that order, to the Record."""
    names = [*key_names, *(("start", "end") if window else ()), *aggregate_names]
    wanted = [field for field in kind.__struct_fields__ if field in names]
    if wanted == names and wanted == list(kind.__struct_fields__):
        return lambda parts: kind(*parts)
    places = [(field, names.index(field)) for field in wanted]
    return lambda parts: kind(**{field: parts[place] for field, place in places})
