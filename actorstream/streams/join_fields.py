"""What fills the fields of a join's Record type: checked where the join is written."""

from __future__ import annotations

import types
import typing
from typing import Any

import msgspec

from actorstream.errors import PlanError
from actorstream.model.record import field_names
from actorstream.streams import checks
from actorstream.streams.plan.joins import KEY, LEFT, RIGHT, Filled
from actorstream.streams.plan.nodes import KeyBy
from actorstream.streams.site import user_site

SUFFIX = "_right"
"""What tells a field of the right from one of the same name of the left."""


def filled(into: Any, left: KeyBy, right: KeyBy, how: str) -> tuple[Filled, ...]:
    """What fills each field of `into`; those with a default that nothing fills are left out.

    Raises:
        PlanError: a side has no Record type, nothing fills a field, or what fills it has another type.
    """
    for side in (left, right):
        if not checks.is_record_stream(side.type):
            raise PlanError(
                f"join at {user_site()}: into= takes fields of both sides, and the values of {side.inputs[0].name!r} "
                "have no known Record type; give the topic a type, or the join a function"
            )
    there = _there(left, right)
    checks.check_filled(into, there, "join")
    found = [there[one.name]._replace(name=one.name) for one in msgspec.structs.fields(into) if one.name in there]
    for one in found:
        _check_type(into, one, left.type, right.type, how)
    return tuple(found)


def _there(left: KeyBy, right: KeyBy) -> dict[str, Filled]:
    """All that may fill a field, by the name that it has then."""
    found = {name + SUFFIX: Filled(name, RIGHT, name) for name in field_names(right.type)}
    found.update({name: Filled(name, RIGHT, name) for name in field_names(right.type)})
    found.update({name: Filled(name, LEFT, name) for name in field_names(left.type)})
    if len(left.fields) == len(right.fields):
        alike = [name for name, other in zip(left.fields, right.fields, strict=True) if name == other]
        found.update({name: Filled(name, KEY, name) for name in alike})
    return found


def _check_type(into: Any, one: Filled, left: Any, right: Any, how: str) -> None:
    kind = checks.field_type(into, one.name)
    given = checks.field_type(right if one.side == RIGHT else left, one.field)
    where = f"join at {user_site()}: the field {one.name!r} of {into.__name__}"
    if kind is not Any and _without_none(kind) != _without_none(given):
        raise PlanError(
            f"{where} is {_show(kind)}, and what fills it is {_show(given)}; give it that type, or the join a function"
        )
    may_miss = (how == "outer" and one.side == LEFT) or (how != "inner" and one.side == RIGHT)
    if not _admits_none(kind) and (may_miss or _admits_none(given)):
        why = f"of how={how!r} a side may be missing" if may_miss else "what fills it may be None"
        raise PlanError(f"{where} is {_show(kind)}, and {why}; make it {_show(kind)} | None")


def _without_none(kind: Any) -> Any:
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        left = frozenset(one for one in typing.get_args(kind) if one is not types.NoneType)
        return next(iter(left)) if len(left) == 1 else left
    return kind


def _admits_none(kind: Any) -> bool:
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        return types.NoneType in typing.get_args(kind)
    return kind is Any or kind is None or kind is types.NoneType


def _show(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) and not typing.get_args(kind) else str(kind).replace("typing.", "")
