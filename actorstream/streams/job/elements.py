"""What flows through a data channel, strictly in order: batches, watermarks, barriers, the end.

Marks, barriers and ends need no credit, but they never overtake a batch.
"""

from __future__ import annotations

import msgspec

from actorstream.model.instant import Instant
from actorstream.streams.engine.batch import Batch


class Mark(msgspec.Struct, frozen=True):
    """The channel's watermark; `idle`: the split behind it is silent and holds nothing back."""

    watermark: Instant
    idle: bool = False


class Barrier(msgspec.Struct, frozen=True):
    """What came before belongs to `checkpoint` or an earlier one; what comes after does not."""

    checkpoint: int


class Loaded(msgspec.Struct, frozen=True):
    """Everything that was in the table when the epoch began has come."""


class End(msgspec.Struct, frozen=True):
    """Nothing but barriers will come."""


Element = Batch | Mark | Barrier | Loaded | End
