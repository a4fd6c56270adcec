"""Where the input channels of a task meet: order, turns, alignment, and the merging of watermarks. Pure.

Theory of operation. Each channel is a queue under credit. Channels are served in turns, by bytes; one that has
delivered a barrier gets no turn until every channel has delivered it, and then the barrier is handed out once: what was
taken before it belongs to the checkpoint, what was not does not. The merged watermark is the least of all channels that
are not idle; when all are idle it is the greatest of theirs. Channels of tables have no part in time.

Source: Carbone et al., "Lightweight asynchronous snapshots for distributed dataflows" (2015).
"""

from __future__ import annotations

from collections.abc import Iterable

from actorstream.actors.flow import HORIZON_US, NOTHING, Amount, Grant, Inlet, Turns
from actorstream.model.instant import END_OF_TIME, START_OF_TIME, Instant
from actorstream.streams.engine.batch import Batch
from actorstream.streams.job.elements import Barrier, Element, End, Loaded, Mark


class _Channel:
    __slots__ = ("ended", "idle", "inlet", "loaded", "name", "table", "waits_at", "watermark")

    def __init__(self, name: str, horizon_us: int, first: Amount | None, *, table: bool) -> None:
        self.name = name
        self.table = table
        self.inlet: Inlet[Element] = Inlet(name, horizon_us, first)
        self.clear(0)

    def clear(self, epoch: int) -> None:
        self.inlet.open(epoch)
        self.watermark: Instant = START_OF_TIME
        self.idle = False
        self.ended = False
        self.loaded = False
        self.waits_at: int | None = None  # the checkpoint whose barrier it has delivered


class Gate:
    """See the module. `horizon_us`: of the windows; `first_window`: what they are to begin with.

    Guarantees: a barrier comes out once, after everything that came before it on any channel and before everything
    that came after it; the merged watermark never goes back.
    """

    def __init__(
        self,
        streams: Iterable[str],
        tables: Iterable[str],
        horizon_us: int = HORIZON_US,
        first_window: Amount | None = None,
    ) -> None:
        self._channels = [_Channel(name, horizon_us, first_window, table=False) for name in streams]
        self._channels += [_Channel(name, horizon_us, first_window, table=True) for name in tables]
        self._by_name = {one.name: one for one in self._channels}
        self._turns = Turns(len(self._channels))
        self._watermark: Instant = START_OF_TIME
        self._now = self._channels[0]

    @property
    def watermark(self) -> Instant:
        """The merged watermark."""
        return self._watermark

    def reset(self, epoch: int, watermarks: dict[str, Instant], merged: Instant = START_OF_TIME) -> None:
        """Begin an epoch: drop what the channels hold; watermarks are those of the checkpoint restored.

        Args:
            epoch: nothing of another one comes in.
            watermarks: of each channel.
            merged: the merged one; it is beyond the least of them when an idle channel was passed over.
        """
        self._watermark = merged
        self._turns.reset()
        for channel in self._channels:
            channel.clear(epoch)
            channel.watermark = watermarks.get(channel.name, START_OF_TIME)
        self._merge()

    def limits(self) -> dict[str, Amount]:
        """How far the sender of each channel may go, to open the channels with."""
        return {one.name: one.inlet.limit for one in self._channels}

    def put(self, channel: str, epoch: int, sequence: int, element: Element, weight: Amount = NOTHING) -> bool:
        """Take in what a channel brought; False if it belongs to an earlier epoch, and was dropped.

        Raises:
            ChannelBroken: it belongs to a later one, or is not the next of its channel.
        """
        return self._by_name[channel].inlet.put(epoch, sequence, element, weight)

    def take(self, now_us: int) -> tuple[str, Element] | None:
        """The next element that may be processed, and its channel; or None.

        A barrier is given once for all channels, a mark only if it moved the merged watermark.
        """
        while (channel := self._next()) is not None:
            element, _ = channel.inlet.take(now_us)
            self._now = channel
            match element:
                case Batch():
                    return channel.name, element
                case Barrier(checkpoint):
                    channel.waits_at = checkpoint
                    channel.inlet.rest(now_us)
                    if self._is_aligned():
                        return channel.name, element
                case Mark() | End():
                    if self._on_time(channel, element):
                        return channel.name, element
                case Loaded():
                    channel.loaded = True
                    if self._has_loaded(channel):
                        return channel.name, element
        for one in self._channels:
            one.inlet.rest(now_us)
        return None

    def grant(self, channel: str) -> Grant | None:
        """What the sender of a channel should be told, now that something of it was taken."""
        return self._by_name[channel].inlet.grant()

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
        return sum(len(one.inlet) for one in self._channels)

    def next_place(self, channel: str) -> tuple[int, int]:
        """The epoch and the sequence that should come next through a channel."""
        inlet = self._by_name[channel].inlet
        return inlet.epoch, inlet.next_sequence

    def _next(self) -> _Channel | None:
        number = self._turns.next(self._size_of)
        return None if number is None else self._channels[number]

    def _size_of(self, number: int) -> int | None:
        """The bytes of a channel's next element; None if there is none, or a barrier keeps it from its turn."""
        channel = self._channels[number]
        weight = channel.inlet.next_weight
        return None if weight is None or channel.waits_at is not None else weight.size_bytes

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
