"""`explain`: a program's plan at one of its stages, drawn in one of three formats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from actorstream.errors import PlanError
from actorstream.streams.job.planning import splits
from actorstream.streams.plan import drawing
from actorstream.streams.plan.outline import Outline, outline
from actorstream.streams.plan.physical import optimise, physical
from actorstream.streams.program import Program

T = TypeVar("T")


def explain(program: Program, stage: str, format: str) -> str:  # noqa: A002 - the word of the interface
    """The plan of a program, as text without a newline at its end.

    Args:
        program: what an App has declared.
        stage: "logical": as written; "optimised": after the rewrite rules; "physical": as tasks, with what they keep.
        format: "text": for people; "mermaid": a flowchart; "json": for programs.

    Raises:
        PlanError: another stage or format, or the program is not complete.
    """
    outlined = _chosen("stage", stage, STAGES)
    draw = _chosen("format", format, FORMATS)
    return draw(outlined(program))


def _chosen(what: str, choice: str, choices: Mapping[str, T]) -> T:
    if choice not in choices:
        raise PlanError(f"explain was given the {what} {choice!r}; it is one of {', '.join(map(repr, choices))}")
    return choices[choice]


def _logical(program: Program) -> Outline:
    return outline(program.name, "logical", program.complete())


def _optimised(program: Program) -> Outline:
    return outline(program.name, "optimised", optimise(program.complete()))


def _physical(program: Program) -> Outline:
    ends = optimise(program.complete())
    return outline(program.name, "physical", ends, physical(ends, splits))


STAGES: Final[Mapping[str, Callable[[Program], Outline]]] = {
    "logical": _logical,
    "optimised": _optimised,
    "physical": _physical,
}
FORMATS: Final[Mapping[str, Callable[[Outline], str]]] = {
    "text": drawing.text,
    "mermaid": drawing.mermaid,
    "json": drawing.json,
}
