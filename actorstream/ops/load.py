"""Loads the App that a file holds: `FILE` or `FILE:APP`.

Guarantees: the file is imported once, by its path, never as `__main__`; whatever is wrong with it is told as a mistake
that names the file and, where there is one, the line.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from types import CodeType, ModuleType

from actorstream.errors import Mistake
from actorstream.ops.show import user_lines
from actorstream.streams.app import App


class BadProgram(Mistake):
    """A file that should hold an App does not."""


def load_app(where: str) -> App:
    """The App at `FILE` or `FILE:APP`.

    Raises:
        BadProgram: there is no such file, it cannot be imported, or it is not clear which App is meant.
        Mistake: something in the program needs a person.
    """
    file, name = _split(where)
    module = _import(Path(file))
    apps = {label: one for label, one in vars(module).items() if isinstance(one, App)}
    return _only(file, apps) if name is None else _named(file, name, apps, module)


def _split(where: str) -> tuple[str, str | None]:
    """The path, and what follows the last colon, unless the path itself holds it."""
    file, colon, name = where.rpartition(":")
    if not colon or os.path.exists(where):
        return where, None
    return file, name


def _only(file: str, apps: dict[str, App]) -> App:
    different = list(dict.fromkeys(apps.values()))
    if not different:
        raise BadProgram(f'{file} holds no App at module level; it needs one, such as: app = App("my-job")')
    if len(different) > 1:
        raise BadProgram(f"{file} holds several Apps: {', '.join(apps)}; say which, such as: {file}:{next(iter(apps))}")
    return different[0]


def _named(file: str, name: str, apps: dict[str, App], module: ModuleType) -> App:
    if name in apps:
        return apps[name]
    there = f"its Apps are: {', '.join(apps)}" if apps else "it holds no App at module level"
    if hasattr(module, name):
        raise BadProgram(f"{file}: {name} is a {type(getattr(module, name)).__name__}, not an App; {there}")
    raise BadProgram(f"{file} has no {name!r}; {there}")


def _import(path: Path) -> ModuleType:
    code = _compiled(path)
    name = _module_name(path)
    spec = ModuleSpec(name, None, origin=str(path))
    spec.has_location = True
    module = module_from_spec(spec)
    sys.modules[name] = module  # So that annotations are resolved, and a second import finds it.
    directory = str(path.resolve().parent)
    if directory not in sys.path:
        sys.path.append(directory)
    try:
        exec(code, vars(module))
    except Mistake:
        raise
    except (Exception, SystemExit) as error:
        raise _failed(path, error) from error
    return module


def _compiled(path: Path) -> CodeType:
    if path.is_dir():
        raise BadProgram(f"{path} is a directory; name the Python file in it")
    try:
        source = path.read_bytes()
    except FileNotFoundError:
        raise BadProgram(f"{path}: there is no such file; give the path of a Python file that holds an App") from None
    except OSError as error:
        raise BadProgram(f"{path} cannot be read: {error.strerror}") from None
    try:
        return compile(source, str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        raise BadProgram(_syntax_error(path, error)) from None
    except ValueError as error:  # Null bytes, on some versions of Python.
        raise BadProgram(f"{path} is no Python file: {error}") from None


def _syntax_error(path: Path, error: SyntaxError) -> str:
    if not error.lineno or error.text is None:
        return f"{path} is no Python file: {error.msg}"
    column = max(error.offset or 1, 1) - 1
    line = error.text.rstrip("\n")
    return f"{path}:{error.lineno}: syntax error: {error.msg}\n  {line}\n  {' ' * column}^"


def _module_name(path: Path) -> str:
    """The file's own name where nothing else has it, so that files beside it can import it."""
    name = path.stem
    taken = name in sys.modules or name in sys.stdlib_module_names or not name.isidentifier()
    return f"actorstream_program_{name}" if taken else name


def _failed(path: Path, error: BaseException) -> BadProgram:
    at = next(iter(user_lines(error)[-1:]), str(path))
    return BadProgram(f"{path} cannot be imported\n  at      {at}\n  error   {type(error).__name__}: {error}")
