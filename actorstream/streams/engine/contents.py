"""What a window holds of its records: accumulators, or the records themselves. When it is due is left to stages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

from actorstream.model.instant import Instant
from actorstream.streams.engine.batch import Batch

Content = Any
View = Any  # What contents need of a batch, to fold any of its records.


class Contents(ABC):
    """See the module. `kind` is the type of a content, for the state."""

    kind: Any = Any

    @abstractmethod
    def view(self, batch: Batch) -> View:
        """What `fold` needs of a batch; made once."""

    @abstractmethod
    def fold(self, view: View, places: Sequence[int]) -> Content:
        """The content of the records at `places`."""

    @abstractmethod
    def merge(self, contents: Sequence[Content]) -> Content:
        """The content of all, at least one, in any order; changes none."""

    def add(self, known: Content, more: Content) -> Content:
        """The content of both; `known` may be changed, and is not used any more."""
        return self.merge((known, more))

    @abstractmethod
    def results(self, key: Any, start: Instant, end: Instant, content: Content) -> Iterable[Any]:
        """What the window gives."""
