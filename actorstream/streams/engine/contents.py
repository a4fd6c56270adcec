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
    gives_one = False  # Whether each window gives exactly one value; then `results_of_all` gives those of several.

    @abstractmethod
    def view(self, batch: Batch) -> View:
        """What `fold` needs of a batch; made once."""

    @abstractmethod
    def fold(self, view: View, places: Sequence[int]) -> Content:
        """The content of the records at `places`."""

    def fold_all(self, view: View, groups: Sequence[Sequence[int]]) -> list[Content]:
        """The contents of several groups of records of a batch."""
        return [self.fold(view, places) for places in groups]

    @abstractmethod
    def merge(self, contents: Sequence[Content]) -> Content:
        """The content of all, at least one, in any order; changes none."""

    def add(self, known: Content, more: Content) -> Content:
        """The content of both; `known` may be changed, and is not used any more."""
        return self.merge((known, more))

    @abstractmethod
    def results(self, key: Any, start: Instant, end: Instant, content: Content) -> Iterable[Any]:
        """What the window gives."""

    def results_of_all(
        self, keys: Sequence[Any], bounds: Sequence[tuple[Instant, Instant]], contents: Sequence[Content]
    ) -> list[Any]:
        """What several windows give, one value each; only where `gives_one`."""
        every = zip(keys, bounds, contents, strict=True)
        return [value for key, (start, end), content in every for value in self.results(key, start, end, content)]
