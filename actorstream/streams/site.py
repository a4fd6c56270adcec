"""Where in the user's program something was written, and what their annotations mean there."""

from __future__ import annotations

import inspect
import os
import sys
import typing
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any, NamedTuple

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_OPS = _PACKAGE + "ops" + os.sep  # Programs that come with us, such as the demo's, are users as all others.


class Site(NamedTuple):
    """A line of the user's program."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{os.path.basename(self.file)}:{self.line}"


NOWHERE = Site("<unknown>", 0)
"""A line that is not known."""


def user_frame() -> FrameType | None:
    """The innermost frame that is not ours: the line that the user wrote."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def is_ours(file: str) -> bool:
    """Whether a file is of this package, and no program that comes with it."""
    return file.startswith(_PACKAGE) and not file.startswith(_OPS)


def user_site() -> Site:
    """Where the user's program calls us."""
    frame = user_frame()
    return NOWHERE if frame is None else Site(frame.f_code.co_filename, frame.f_lineno)


def user_module() -> str:
    """The name of the module of the user's program that calls us; "" if there is none."""
    frame = user_frame()
    return "" if frame is None else str(frame.f_globals.get("__name__", ""))


def hints(function: Callable[..., Any]) -> dict[str, Any]:
    """The function's annotations, resolved also when they are strings that name a caller's local variables.

    Returns:
        Parameter names, and `return`, to types; an annotation that cannot be resolved is absent.
    """
    target = _plain_function(function)
    if isinstance(target, type):
        return {"return": target}
    names = _visible_names()
    resolved: dict[str, Any] = {}
    for name, annotation in getattr(target, "__annotations__", {}).items():
        value = _resolve(annotation, getattr(target, "__globals__", {}), names)
        if value is not _UNRESOLVED:
            resolved[name] = value
    return resolved


def _plain_function(function: Callable[..., Any]) -> Any:
    """What carries the annotations: below wrappers and partials, the method of an object that is called."""
    function = inspect.unwrap(function)
    if isinstance(function, partial):
        return _plain_function(function.func)
    if isinstance(function, type) or inspect.isroutine(function):
        return function
    return type(function).__call__


_UNRESOLVED: Any = object()


def _visible_names() -> dict[str, Any]:
    """Local variables of the user's frames, the innermost last, so that they win."""
    frames: list[FrameType] = []
    frame = user_frame()
    while frame is not None and len(frames) < 16:
        frames.append(frame)
        frame = frame.f_back
    names: dict[str, Any] = {}
    for outer in reversed(frames):
        names.update(outer.f_locals)
    return names


def _resolve(annotation: Any, names: dict[str, Any], local: dict[str, Any]) -> Any:
    holder = type("_Holder", (), {"__annotations__": {"it": annotation}})
    try:
        return typing.get_type_hints(holder, names, local, include_extras=True)["it"]
    except (NameError, TypeError, AttributeError, SyntaxError):
        return _UNRESOLVED


def function_name(function: Callable[..., Any]) -> str | None:
    """The name a person gave the function; None for a lambda or an object without one."""
    name = getattr(function, "__name__", None)
    return None if name is None or name == "<lambda>" else str(name)
