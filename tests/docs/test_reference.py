"""The reference says what the code is: signatures, bounds, errors, and that nothing public is left out."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import actorstream
from actorstream import actors, errors, testing
from actorstream.connectors import files
from actorstream.connectors.console import console
from actorstream.log.client import Consumer, Producer
from actorstream.streams.job.handle import Job
from actorstream.streams.keyed import KeyedStream, ProcessedStream
from actorstream.streams.pattern import Pattern
from actorstream.streams.stream import Stream
from actorstream.streams.table import Table
from actorstream.streams.windowed import WindowedStream

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"
PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted(REFERENCE.glob("*.md"))}

NAMES: dict[str, Any] = {
    **{name: getattr(actorstream, name) for name in actorstream.__all__},
    **{name: getattr(actors, name) for name in actors.__all__},
    **{name: getattr(testing, name) for name in testing.__all__},
    **{
        one.__name__: one
        for one in (Stream, KeyedStream, ProcessedStream, WindowedStream, Pattern, Producer, Consumer, Job, Table)
    },
    "files": files,
    "console": console,
}

HEADING_AND_SIGNATURE = re.compile(r"^### `([\w.]+)`\n\n```python\n([\w.]+)\((.*?)\)\n```$", re.MULTILINE | re.DOTALL)
BOUND = re.compile(r"^\| `([a-z_.]+)\.([A-Z_]+)` \| (.+?) \|", re.MULTILINE)
ERROR = re.compile(r"^\| `(\w+)` \| .* \| (yes|no) \| (\d) \|$", re.MULTILINE)


class Documented(NamedTuple):
    """A signature as a page shows it."""

    page: str
    name: str
    parameters: str


def documented() -> Iterator[Documented]:
    """Every signature of the reference."""
    for page, text in PAGES.items():
        for heading, name, parameters in HEADING_AND_SIGNATURE.findall(text):
            assert heading == name, f"{page}: {heading} is followed by the signature of {name}"
            yield Documented(page, name, parameters)


@pytest.mark.parametrize("shown", list(documented()), ids=lambda shown: shown.name)
def test_signatures_are_those_of_the_code(shown: Documented) -> None:
    """Names, order, defaults, and what is by keyword only; a decorator's function is shown as if it had no default."""
    function = NAMES[shown.name.split(".")[0]]
    for part in shown.name.split(".")[1:]:
        function = getattr(function, part)

    assert _as_shown(shown.parameters) == _as_written(function, _as_shown(shown.parameters))


def test_every_operator_has_a_section() -> None:
    """Nothing that a stream can do is left out."""
    streams = (Stream, KeyedStream, ProcessedStream, WindowedStream, Table)
    public = {f"{kind.__name__}.{name}" for kind in streams for name in vars(kind) if not name.startswith("_")}
    sections = set(re.findall(r"^### `([\w.]+)`$", "\n".join(PAGES.values()), re.MULTILINE))

    assert sorted(one for one in public - sections if not one.endswith(".name")) == []


def test_every_public_name_is_in_the_reference() -> None:
    """What can be imported can be looked up."""
    text = "\n".join(PAGES.values())
    public = [*actorstream.__all__, *actors.__all__, *testing.__all__, *errors.__all__, *files.__all__]
    public += [f"agg.{name}" for name in actorstream.agg.__all__ if name != "Aggregate"]

    assert [name for name in public if not re.search(rf"\b{re.escape(name)}\b", text)] == []


@pytest.mark.parametrize(("module", "name", "value"), BOUND.findall(PAGES["settings.md"]))
def test_bounds_are_those_of_the_code(module: str, name: str, value: str) -> None:
    """A bound that is changed is changed on its page, too."""
    found = getattr(importlib.import_module(f"actorstream.{module}"), name)

    assert ast.literal_eval(value.strip("`").replace(",", "")) == found


def test_errors_are_those_of_the_code() -> None:
    """Each with whether to try again, and with its exit status."""
    shown = {name: (retriable == "yes", int(status)) for name, retriable, status in ERROR.findall(PAGES["errors.md"])}
    there = {name: getattr(errors, name) for name in errors.__all__}

    assert shown == {name: (kind.retriable, kind.exit_status) for name, kind in there.items()}


Parameter = tuple[str, bool, Any]
"""A name, whether it is by keyword only, and its default; `...` where there is none."""


def _as_shown(parameters: str) -> list[Parameter]:
    function = ast.parse(f"def f({parameters}): ...").body[0]
    assert isinstance(function, ast.FunctionDef)
    every = function.args
    defaults = [*[None] * (len(every.args) - len(every.defaults)), *every.defaults]
    found = [*_named(every.args, defaults, by_keyword=False), *_rest(every.vararg)]
    return [*found, *_named(every.kwonlyargs, every.kw_defaults, by_keyword=True), *_rest(every.kwarg)]


def _named(names: list[ast.arg], defaults: Sequence[ast.expr | None], *, by_keyword: bool) -> Iterator[Parameter]:
    for one, default in zip(names, defaults, strict=True):
        yield one.arg, by_keyword, _value(default)


def _rest(name: ast.arg | None) -> list[Parameter]:
    return [] if name is None else [(name.arg, False, ...)]


def _value(default: ast.expr | None) -> Any:
    return ... if default is None else eval(ast.unparse(default), {"Any": Any, "range": range})


def _as_written(function: Any, shown: list[Parameter]) -> list[Parameter]:
    without_default = {name for name, _, default in shown if default is ...}
    found: list[Parameter] = []
    for one in inspect.signature(function).parameters.values():
        if one.name == "self":
            continue
        default = ... if one.default is one.empty else one.default
        if one.kind is one.POSITIONAL_ONLY and default is None and one.name in without_default:
            default = ...  # None stands for "used as a decorator".
        found.append((one.name, one.kind is one.KEYWORD_ONLY, default))
    return found
