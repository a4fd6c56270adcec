"""Where the input channels of a task meet: order, turns, alignment, and the merging of watermarks. Pure.

Theory of operation. Each channel is a queue. Channels are served in turn; one that has delivered a barrier gets no turn
until every channel has delivered it, and then the barrier is handed out once: what was taken before it belongs to the
checkpoint, what was not does not. The merged watermark is the least of all channels that are not idle; when all are
idle it is the greatest of theirs. Channels of tables have no part in time.

Source: Carbone et al., "Lightweight asynchronous snapshots for distributed dataflows" (2015).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from actorstream.model.instant import END_OF_TIME, START_OF_TIME, Instant
from actorstream.streams.engine.batch import Batch
from actorstream.streams.job.elements import Barrier, Element, End, Loaded, Mark

Weight = tuple[int, int]
"""Records and bytes, as flow control counted them."""


class _Channel:
    __slots__ = ("ended", "idle", "loaded", "name", "queue", "table", "waits_at", "watermark")

    def __init__(self, name: str, *, table: bool) -> None:
        self.name = name
        self.table = table
        self.queue: deque[tuple[Element, Weight]] = deque()
        self.clear()

    def clear(self) -> None:
        self.queue.clear()
        self.watermark: Instant = START_OF_TIME
        self.idle = False
        self.ended = False
        self.loaded = False
        self.waits_at: int | None = None  # the checkpoint whose barrier it has delivered


class Gate:
    """See the module.

    Guarantees: a barrier comes out once, after everything that came before it on any channel and before everything
    that came after it; the merged watermark never goes back.
    """

    def __init__(self, streams: Iterable[str], tables: Iterable[str]) -> None:
        self._channels = [_Channel(name, table=False) for name in streams]
        self._channels += [_Channel(name, table=True) for name in tables]
        self._by_name = {one.name: one for one in self._channels}
        self._turn = 0
        self._watermark: Instant = START_OF_TIME
        self._now = self._channels[0]

    @property
    def watermark(self) -> Instant:
        """The merged watermark."""
        return self._watermark

    def reset(self, watermarks: dict[str, Instant], merged: Instant = START_OF_TIME) -> None:
        """Begin an epoch: drop what the channels hold; watermarks are those of the checkpoint restored.

        Args:
            watermarks: of each channel.
            merged: the merged one; it is beyond the least of them when an idle channel was passed over.
        """
        self._watermark = merged
        for channel in self._channels:
            channel.clear()
            channel.watermark = watermarks.get(channel.name, START_OF_TIME)
        self._merge()

    def put(self, channel: str, element: Element, weight: Weight) -> None:
        """Take in what a channel brought."""
        self._by_name[channel].queue.append((element, weight))

    def take(self) -> tuple[str, Element, Weight] | None:
        """The next element that may be processed: (channel, element, its weight), or None.

        A barrier is given once for all channels, a mark only if it moved the merged watermark.
        """
        while (channel := self._next()) is not None:
            element, weight = channel.queue.popleft()
            self._now = channel
            match element:
                case Batch():
                    return channel.name, element, weight
                case Barrier(checkpoint):
                    channel.waits_at = checkpoint
                    if self._is_aligned():
                        return channel.name, element, weight
                case Mark() | End():
                    if self._on_time(channel, element):
                        return channel.name, element, weight
                case Loaded():
                    channel.loaded = True
                    if self._has_loaded(channel):
                        return channel.name, element, weight
        return None

    def floor(self) -> Instant:
        """How far the other channels are: no mark of a batch of the channel just served counts beyond it."""
        others = [one for one in self._channels if one is not self._now and not one.table and not one.idle]
        return min((one.watermark for one in others), default=END_OF_TIME)

    def is_table(self, channel: str) -> bool:
        """Whether the channel brings a table."""
        return self._by_name[channel].table

    def all_ended(self) -> bool:
        """Whether every channel has ended."""
        return all(one.ended for one in self._channels)

    def watermarks(self) -> dict[str, Instant]:
        """The watermark of each channel, for the checkpoint."""
        return {one.name: one.watermark for one in self._channels if not one.table}

    def queued(self) -> int:
        """Elements that wait."""
        return sum(len(one.queue) for one in self._channels)

    def _next(self) -> _Channel | None:
        count = len(self._channels)
        for step in range(count):
            channel = self._channels[(self._turn + step) % count]
            if channel.queue and channel.waits_at is None:
                self._turn = (self._turn + step + 1) % count
                return channel
        return None

    def _is_aligned(self) -> bool:
        waiting = {one.waits_at for one in self._channels}
        if None in waiting:
            return False
        assert len(waiting) == 1, f"channels deliver different barriers: {waiting}"
        for one in self._channels:
            one.waits_at = None
        return True

    def _on_time(self, channel: _Channel, element: Mark | End) -> bool:
        """Whether the merged watermark moved, or everything has ended."""
        if isinstance(element, End):
            channel.ended, channel.idle = True, False
            channel.watermark = END_OF_TIME
            moved = self._merge()
            return moved or self.all_ended()
        if channel.idle or element.idle:  # What idleness raised does not bind the channel once it goes on.
            channel.watermark = element.watermark
        else:
            channel.watermark = max(channel.watermark, element.watermark)
        channel.idle = element.idle
        return self._merge()

    def _has_loaded(self, channel: _Channel) -> bool:
        """Whether all channels of the same kind have brought what was there when the epoch began."""
        return all(one.loaded for one in self._channels if one.table == channel.table)

    def _merge(self) -> bool:
        before = self._watermark
        merged = _merged([one for one in self._channels if not one.table], END_OF_TIME if self.all_ended() else before)
        self._watermark = max(before, merged)
        return self._watermark > before


def _merged(channels: list[_Channel], nobody: Instant) -> Instant:
    active = [one.watermark for one in channels if not one.idle]
    if active:
        return min(active)
    return max((one.watermark for one in channels), default=nobody)
