"""Values of classes of our own that know how they travel."""

from __future__ import annotations

from typing import Any


class Carried:
    """Base of such classes: an instance leaves this process as `parts`, and arrives as what `arrived` makes of them.

    Parts are data that may be sent: lists, numbers, texts, data frames; long bytes as a memoryview, so that they go
    beside the rest. What arrives may be another form of the value, which is completed by whoever knows more.
    """

    __slots__ = ()

    def parts(self) -> Any:
        """What this goes as."""
        raise AssertionError(f"{type(self).__name__} says nothing of how it travels")

    @classmethod
    def arrived(cls, parts: Any) -> Any:
        """What has come.

        Raises:
            BadInput: no such parts.
        """
        raise AssertionError(f"{cls.__name__} says nothing of how it travels")
