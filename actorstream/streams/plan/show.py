"""Polars expressions as a person would write them, for `explain`.

Polars' own text says more than there is to say: `[(col("price")) * (dyn float: 0.9)].alias("price")`. What is not
recognised here stays as it is.
"""

from __future__ import annotations

import re
from typing import Any

_ALIAS = re.compile(r"(.*)\.alias\(\"([^\"]*)\"\)", re.DOTALL)
_SIMPLER = (
    (re.compile(r"col\(\"(\w+)\"\)"), r"\1"),
    (re.compile(r"(?<!\w)\(dyn (?:int|float|str): ([^()]*)\)"), r"\1"),
    (re.compile(r"dyn (?:int|float|str): "), ""),
    (re.compile(r"(?<![\w.])\((\w+|\"[^\"]*\")\)"), r"\1"),
)


def show_expression(expression: Any) -> str:
    """The text of an expression.

    Example:
        >>> import polars as pl
        >>> show_expression((pl.col("price") * 0.9).alias("cheaper"))
        'cheaper=price * 0.9'
        >>> show_expression((pl.col("price") > 1) & (pl.col("item") == "tea"))
        '(price > 1) & (item == "tea")'
    """
    text = str(expression)
    named = _ALIAS.fullmatch(text)
    if named is not None:
        return f"{named[2]}={_simpler(named[1])}"
    return _simpler(text)


def _simpler(text: str) -> str:
    for pattern, plain in _SIMPLER:
        text = pattern.sub(plain, text)
    text = text.replace("([", "(").replace("])", ")")
    return text[1:-1] if text.startswith("[") and text.endswith("]") and text.count("[") == 1 else text
