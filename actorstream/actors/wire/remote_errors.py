"""Errors on their way to another process.

One of the project's own arrives as what it was: its class, its text, its attributes, so that whoever handles errors
need not know where they were raised. Any other becomes a `RemoteError`. So does the cause of one of ours.
"""

from __future__ import annotations

import traceback
from typing import Any

from actorstream import errors
from actorstream.errors import ActorstreamError, BadInput, RemoteError

TEXT_CHARACTERS_MAX, TRACE_CHARACTERS_MAX = 20_000, 20_000
"""How much of what an error says, and of its traceback, goes along with it; of the latter the end."""

_PLAIN = (str, int, float, bool, type(None))


def facts_of(error: BaseException) -> list[Any]:
    """An error as data: its class, what it says, where it was raised, and, of one of ours, its attributes and cause."""
    if isinstance(error, RemoteError):
        return [error.kind, error.text, error.trace]
    try:
        text = str(error)
    except Exception:  # An error that cannot even say what it is.
        text = "(it cannot be shown)"
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    facts: list[Any] = [kind, _printable(text[:TEXT_CHARACTERS_MAX])]
    trace = "".join(traceback.format_exception(error))
    facts.append(_printable(trace[-TRACE_CHARACTERS_MAX:]))
    if _ours(kind) is type(error):
        facts.append({name: _shown(value) for name, value in vars(error).items() if isinstance(value, _PLAIN)})
        cause = error.__cause__
        facts.append(None if cause is None else _without_more(cause))
    return facts


def error_of(facts: Any) -> ActorstreamError:
    """The error again.

    Raises:
        BadInput: these are no such facts.
    """
    if not isinstance(facts, list) or len(facts) < 3 or not all(isinstance(one, str) for one in facts[:3]):
        raise BadInput("not an error")
    if len(facts) == 3:
        return RemoteError(*facts)
    if len(facts) != 5 or not isinstance(facts[3], dict):
        raise BadInput("not an error")
    kind, text, trace, attributes, cause = facts
    ours = _ours(kind)
    if ours is None:
        return RemoteError(kind, text, trace)
    error: ActorstreamError = ours.__new__(ours, text)  # Its constructor would make the text out of other facts.
    error.__dict__.update({name: value for name, value in attributes.items() if isinstance(value, _PLAIN)})
    error.__cause__ = RemoteError(*cause) if cause is not None else RemoteError(kind, text, trace)
    return error


def _ours(kind: str) -> type[ActorstreamError] | None:
    """The project's error of this name."""
    module, _, name = kind.rpartition(".")
    found = vars(errors).get(name) if module == errors.__name__ else None
    return found if isinstance(found, type) and issubclass(found, ActorstreamError) else None


def _without_more(cause: BaseException) -> list[Any]:
    return facts_of(cause)[:3]


def _shown(value: Any) -> Any:
    return _printable(value[:TEXT_CHARACTERS_MAX]) if isinstance(value, str) else value


def _printable(text: str) -> str:
    """Without halves of characters, which cannot be written."""
    return text.encode("utf-8", "backslashreplace").decode()
