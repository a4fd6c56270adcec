"""The calls of a `process` function for a batch, compiled: one list comprehension, with each key's handles looked up.

For a function of a value, a state and the key the text is

```python
def calls(rows, keys):
    return [f(v, a0[k], k) for v, k in zip(rows, keys)]
```

so that between two calls nothing of ours runs but a lookup for each handle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from actorstream.model.identity import encode_all
from actorstream.streams.engine.failure import CALLS
from actorstream.streams.engine.handles import Handle, Handles
from actorstream.streams.inject import Injection

PLAIN = (str, int, bytes, bool, date, UUID)
"""Keys of one of these classes are the same exactly if they are equal."""

Calls = Callable[[Iterable[Any], Sequence[Any]], list[Any]]


class CompiledCalls:
    """The calls of one function, for each class of keys.

    Args:
        function: called with a value, and what it asks for.
        injected: what that is.
        handles: where it comes from.
    """

    def __init__(self, function: Callable[..., Any], injected: Sequence[Injection], handles: Handles) -> None:
        self._function = function
        self._injected = injected
        self._handles = handles
        self._by_kind: dict[type, Calls] = {}
        self._lookups: dict[type, list[Handle]] = {}  # Of each class of keys.

    def of(self, keys: Sequence[Any]) -> Calls | None:
        """What calls the function for rows with such keys; None if they are not all of one plain class."""
        kinds = set(map(type, keys))
        kind = kinds.pop() if len(kinds) == 1 else None
        if kind not in PLAIN:
            return None
        return self._by_kind.get(kind) or self._compile(kind)

    def fetch(self, keys: Sequence[Any]) -> None:
        """Fetch the handles of keys of one plain class, before they are asked for one by one."""
        lookups = self._lookups.get(type(keys[0])) if len(keys) else None
        if lookups:
            first = lookups[0]
            missing = [key for key in dict.fromkeys(keys) if key not in first]
            self._handles.bind_all(missing, encode_all(missing), lookups)

    def _compile(self, kind: type) -> Calls:
        names: dict[str, Any] = {"f": self._function}
        arguments = ["v"]
        for number, one in enumerate(self._injected):
            if one.kind == "key":
                arguments.append("k")
            else:
                names[f"a{number}"] = lookup = self._handles.handle(one)
                self._lookups.setdefault(kind, []).append(lookup)
                arguments.append(f"a{number}[k]")
        source = f"def calls(rows, keys):\n    return [f({', '.join(arguments)}) for v, k in zip(rows, keys)]"
        exec(compile(source, CALLS, "exec"), names)
        calls: Calls = names["calls"]
        self._by_kind[kind] = calls
        return calls
