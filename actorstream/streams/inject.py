"""What a `process` function asks for: each parameter after the first, by its annotation."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from actorstream.errors import PlanError
from actorstream.streams.site import hints, user_site
from actorstream.streams.state import KEY, ListState, MapState, State, Timer, ValueState

_KINDS: dict[Any, str] = {ValueState: "value", ListState: "list", MapState: "map", Timer: "timer"}


@dataclass(frozen=True, slots=True)
class Injection:
    """One injected parameter: "key", "timer", "value", "list" or "map", and the types that its content is kept as."""

    parameter: str
    kind: str
    types: tuple[Any, ...] = ()
    default: Any = None
    ttl_us: int | None = None
    upgrade: Callable[[Any], Any] | None = None

    @property
    def content_type(self) -> Any:
        """The type that the state of one key is kept as."""
        if self.kind == "value":
            return self.types[0] if self.types else Any
        if self.kind == "list":
            return list[self.types[0]] if self.types else list  # type: ignore[name-defined]
        return dict[self.types[0], self.types[1]] if len(self.types) == 2 else dict  # type: ignore[name-defined]

    def __str__(self) -> str:
        return f"{self.parameter}: {self.kind}"


def injections(function: Callable[..., Any], *, skip: int) -> tuple[Injection, ...]:
    """The injected parameters of a function, in order, after the first `skip`.

    Raises:
        PlanError: a parameter without an annotation that says what to inject.
    """
    annotated = hints(function)
    parameters = list(inspect.signature(function).parameters.values())[skip:]
    return tuple(_injection(one.name, annotated.get(one.name)) for one in parameters)


def _injection(parameter: str, annotation: Any) -> Injection:
    options = State()
    if typing.get_origin(annotation) is Annotated:
        annotation, *extras = typing.get_args(annotation)
        if KEY in extras:
            return Injection(parameter, "key", (annotation,))
        options = next((one for one in extras if isinstance(one, State)), options)
    kind = _KINDS.get(typing.get_origin(annotation) or annotation)
    if kind is None:
        how = "has no annotation" if annotation is None else f"is annotated {annotation!r}"
        raise PlanError(
            f"parameter {parameter!r} of the function at {user_site()} {how}; annotate it as Key[...], "
            "ValueState[...], ListState[...], MapState[...] or Timer, so that it can be injected"
        )
    default = options.default if options.has_default() else None
    return Injection(parameter, kind, typing.get_args(annotation), default, options.ttl_us, options.upgrade)
