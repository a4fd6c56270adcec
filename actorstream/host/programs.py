"""The programs that a node has: what is not sent to it, because it is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

_NONE: Mapping[str, Callable[[], Any]] = MappingProxyType({})


class Programs:
    """Programs by name. Each is made when somebody first asks for it, and then is the same as long as the node lives.

    Example:
        >>> Programs({"answer": lambda: 42}).find("answer")
        42
    """

    def __init__(self, makers: Mapping[str, Callable[[], Any]] = _NONE) -> None:
        self._makers = makers
        self._made: dict[str, Any] = {}

    def find(self, name: str, make: Callable[[], Any] | None = None) -> Any:
        """The program of this name.

        Args:
            name: of the program.
            make: makes it, if nothing else does.

        Raises:
            LookupError: this node has none.
        """
        if name not in self._made:
            maker = self._makers.get(name, make)
            if maker is None:
                raise LookupError(name)
            self._made[name] = maker()
        return self._made[name]
