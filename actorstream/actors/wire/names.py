"""Functions and classes by their names: `module:qualified.name`.

Guarantees: nothing is imported, and no code runs, because of a name: only what stands in a module that this process has
loaded is found, and only as it stands there. What is sent by its name is found by it again, in this process at least.
"""

from __future__ import annotations

import sys
from types import BuiltinFunctionType, FunctionType
from typing import Any

from actorstream.errors import BadInput
from actorstream.model.tagged import MAIN, MAIN_ELSEWHERE, class_named, name_of

Thing = type | FunctionType | BuiltinFunctionType


def name_to_send(thing: Thing) -> str:
    """The name by which another process finds this.

    Raises:
        BadInput: it could not: it does not stand at the top level of a module, or goes by another name there.
    """
    name = name_of(thing)
    if _standing(name) is not thing:
        raise BadInput(
            f"{thing.__qualname__} of {thing.__module__} cannot leave this process, because another one could not find "
            "it; define it at the top level of a module"
        )
    return name


def thing_called(name: Any) -> Any:
    """What has this name here.

    Raises:
        BadInput: nothing does.
    """
    thing = _standing(name) if isinstance(name, str) else None
    if not isinstance(thing, Thing):
        raise BadInput(f"this process has nothing called {name!r:.100}")
    return thing


def class_called(base: type, name: Any) -> Any:
    """The class below `base` that has this name here; it may stand in a function, if `base` still knows it.

    Raises:
        BadInput: there is none.
    """
    if not isinstance(name, str):
        raise BadInput(f"{name!r:.100} is no name")
    thing = _standing(name)
    if not (isinstance(thing, type) and issubclass(thing, base)):
        thing = class_named(base, name, elsewhere=False)
    if base is tuple and not hasattr(thing, "_fields"):
        raise BadInput(f"{name!r:.100} is no named tuple")
    return thing


def _standing(name: str) -> Any:
    """What stands there; looked up in dicts, because asking a module or a class may run code of theirs."""
    module, _, qualified = name.partition(":")
    for place in (MAIN_ELSEWHERE, MAIN) if module == MAIN else (module,):
        thing: Any = sys.modules.get(place)
        for step in qualified.split("."):
            thing = _namespace(thing).get(step)
        if isinstance(thing, staticmethod):
            thing = thing.__func__
        if thing is not None:
            return thing
    return None


def _namespace(thing: Any) -> Any:
    if isinstance(thing, type):
        return type.__getattribute__(thing, "__dict__")
    if isinstance(thing, type(sys)):
        return object.__getattribute__(thing, "__dict__")
    return {}
