"""A program's plan before and after rewrite rules, as text."""

from __future__ import annotations

import re

from actorstream import App
from actorstream.streams.plan import drawing
from actorstream.streams.plan.outline import outline
from actorstream.streams.plan.physical import Rule, optimise


def after(app: App, *rules: Rule) -> str:
    """The program's plan after some rules, drawn, without title and lines."""
    drawn = drawing.text(outline("app", "optimised", optimise(app._program.complete(), rules)))
    lines = [re.sub(r"  \(\w+\.py:\d+\)$", "", line) for line in drawn.splitlines()[1:]]
    return "\n".join(line for line in lines if line)


def written(app: App) -> str:
    """The program's plan before any rule."""
    return after(app)


def unchanged(app: App, rule: Rule) -> bool:
    """Whether a rule leaves the plan as it is, every node the same object."""
    ends = app._program.complete()
    return optimise(ends, [rule]) == ends
