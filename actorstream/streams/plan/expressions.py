"""Checks of Polars expressions where they are written: fields that exist, rows that do not mix."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from actorstream.errors import PlanError
from actorstream.model.record import Record, field_names
from actorstream.streams.frames import polars_schema, record_type_of
from actorstream.streams.plan.nodes import Columns
from actorstream.streams.site import user_site


def checked(kind: type[Record], operation: str, expressions: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
    """All of them as Polars expressions, each with its name.

    Raises:
        PlanError: not an expression, an unknown field, or an expression that mixes rows.
    """
    import polars

    every = [polars.col(one) if isinstance(one, str) else one for one in expressions]
    every += [_literal(one).alias(name) for name, one in named.items()]
    if not every:
        raise PlanError(f"{operation} at {user_site()} was given nothing; give it field names or Polars expressions")
    for one in every:
        if not isinstance(one, polars.Expr):
            raise PlanError(
                f"{operation} at {user_site()} was given {one!r}; give it field names or Polars expressions"
            )
        _check(kind, operation, one)
    return tuple(every)


def _literal(value: Any) -> Any:
    import polars

    return (
        value if isinstance(value, polars.Expr) else polars.col(value) if isinstance(value, str) else polars.lit(value)
    )


def _check(kind: type[Record], operation: str, expression: Any) -> None:
    for name in expression.meta.root_names():
        if name not in field_names(kind):
            there = ", ".join(field_names(kind))
            raise PlanError(f"{operation} at {user_site()}: {kind.__name__} has no field {name!r}; it has {there}")
    if not _is_row_wise(kind, expression):
        raise PlanError(
            f"{operation} at {user_site()}: {expression} mixes rows, and which rows share a batch means nothing; "
            "use a window and an aggregate"
        )


def _is_row_wise(kind: type[Record], expression: Any) -> bool:
    """Whether each row's result depends on that row alone: sample rows one by one give what all of them together give.

    Polars' own word for it (`meta.is_row_separable`) says yes to `x - x.mean()`, so it is tried instead.
    """
    import polars

    schema = polars_schema(kind)
    frame = polars.DataFrame(_samples(schema), schema=schema, strict=False)
    try:
        together = frame.select(expression.alias("it")).to_series()
        apart = [frame[row].select(expression.alias("it")).to_series() for row in range(frame.height)]
    except polars.exceptions.PolarsError:
        return True  # Samples that the expression cannot take prove nothing; the real values will tell.
    if len(together) != frame.height:
        return not expression.meta.root_names()  # A constant is stretched to the rows there are.
    return bool(together.equals(polars.concat(apart)))


def _samples(schema: dict[str, Any]) -> dict[str, list[Any]]:
    return {name: _sample(kind) for name, kind in schema.items()}


def _sample(kind: Any) -> list[Any]:
    """Three different values of a column type, in no order; nothing for types that are rarely computed with."""
    if kind.is_numeric():
        return [7, 3, 5]
    if kind.is_temporal():
        days = [datetime(2024, 1, day, tzinfo=UTC) for day in (7, 3, 5)]
        return [day.date() for day in days] if str(kind) == "Date" else days
    if str(kind) == "Boolean":
        return [True, False, True]
    return ["b", "a", "c"] if str(kind) == "String" else [None, None, None]


def expression_type(kind: type[Record], operation: str, expressions: tuple[Any, ...], name: str) -> Any:
    """The Record type that an operation on columns yields, from the schema that Polars works out."""
    import polars

    frame = polars.LazyFrame(schema=polars_schema(kind))
    try:
        schema = getattr(frame, operation)(*expressions).collect_schema()
    except polars.exceptions.PolarsError as error:
        raise PlanError(f"{operation} at {user_site()}: {str(error).splitlines()[0]}") from error
    return record_type_of(schema, name)


def check_condition(kind: type[Record], condition: Any) -> None:
    """Refuse a condition that Polars refuses, or that is neither true nor false.

    Raises:
        PlanError: with what it is.
    """
    import polars

    try:
        types = polars.LazyFrame(schema=polars_schema(kind)).select(condition).collect_schema().dtypes()
    except polars.exceptions.PolarsError as error:
        raise PlanError(f"where at {user_site()}: {str(error).splitlines()[0]}") from error
    for one in types:
        if one not in (polars.Boolean, polars.Null, polars.Unknown):
            raise PlanError(f"where at {user_site()}: {condition} is {one}, and neither true nor false; compare it")


def leaves_alone(operation: Columns, condition: Any) -> bool:
    """Whether a condition says of a row before a `select` or `with_columns` what it says of it after."""
    import polars

    names = condition.meta.root_names()
    before, after = polars_schema(operation.inputs[0].type), polars_schema(operation.type)
    if not all(name in before and before[name] == after.get(name) for name in names):
        return False
    if operation.operation == "select":
        return all(any(one.meta.eq(polars.col(name)) for one in operation.expressions) for name in names)
    try:
        written = [one.meta.output_name() for one in operation.expressions]
    except polars.exceptions.PolarsError:  # One that stands for several columns.
        return False
    return not any(name in written for name in names)
