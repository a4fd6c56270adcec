"""Modules of the user's program, loaded on another node by name, or from the file where they stand.

The file that the program was started with is loaded under another name than `__main__`, and only up to where it makes
an actor system: a script needs no `if __name__ == "__main__"` for what it does with its system, but what it does before
happens on each node.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType

from actorstream.model.tagged import MAIN, MAIN_ELSEWHERE


class Enough(BaseException):
    """The program's file has been loaded far enough."""


_loading: list[str] = []  # process-wide: the module that is being loaded, as imports are.
_programs: list[str] = []  # process-wide: the same, if it is a program that somebody else runs.


def on_system() -> None:
    """An actor system is about to be made; not while this node only loads the program that made its own.

    Raises:
        Enough: so it is.
    """
    if _loading:
        raise Enough


def on_data() -> None:
    """A data directory is about to be opened; not while this node only loads a program that another one runs.

    Raises:
        Enough: so it is.
    """
    if _programs:
        raise Enough


def load_module(name: str, file: str) -> ModuleType:
    """The module called `name` in the driver, whose file is `file` ("" if it has none).

    Raises:
        ImportError: it cannot be found here.
    """
    if name == MAIN and getattr(sys.modules[MAIN], "__file__", None) != file:
        name = MAIN_ELSEWHERE  # Under another name, so that its main part does not run.
    loaded = sys.modules.get(name)
    if loaded is not None:
        return loaded
    try:
        if name != MAIN_ELSEWHERE:
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if not file or (error.name or "") not in (name, name.partition(".")[0]):
            raise
    return _load_file(name, file)


def load_program(name: str, file: str) -> ModuleType:
    """The module called `name` in the driver, from its file: a program, which need not be where modules are looked for.

    Raises:
        ImportError: it cannot be found here.
        Exception: what the file raises.
    """
    if name == MAIN:
        name = MAIN_ELSEWHERE
    _programs.append(name)
    try:
        if "." in name:  # Of a package, which must be imported first.
            return load_module(name, file)
        return sys.modules.get(name) or _load_file(name, file)
    finally:
        _programs.pop()


def _load_file(name: str, file: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file) if file else None
    if spec is None or spec.loader is None:
        raise ImportError(f"another process cannot find the module {name!r}, which has no file; write it into one")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    _loading.append(name)
    try:
        spec.loader.exec_module(module)
    except Enough:
        return module
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        _loading.pop()
    return module
