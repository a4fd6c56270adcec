"""The sending ends of an actor's channels: offer, and it goes when there is credit."""

from __future__ import annotations

from typing import Any

from actorstream.actors.context import Context
from actorstream.actors.flow.amount import FIRST_WINDOW, NOTHING, Amount
from actorstream.actors.flow.messages import CloseChannel, Credit, Data, OpenChannel
from actorstream.actors.flow.outlet import Outgoing, Outlet
from actorstream.actors.message import Message, Terminated
from actorstream.actors.ref import NOBODY, Ref

CHANNELS_MAX = 1_024
"""Channels that one actor may send through."""


class _End:
    """What the lane holds in place of an element when nothing more will come."""


_THE_END = _End()


class _Channel:
    __slots__ = ("ended", "epoch", "name", "outlet", "receiver")

    def __init__(self, name: str, lane: Amount) -> None:
        self.name = name
        self.outlet: Outlet[Any] = Outlet(lane)
        self.epoch = 0
        self.receiver = NOBODY
        self.ended = False


class Sender:
    """The sending ends of the channels of one actor, which owns it and hands it the messages that it gets.

    A channel begins when its receiver opens it; the actor may offer before, and what it offers waits. It should stop
    when `is_full`, or memory grows: nothing is refused, and nothing is dropped. `lane` says how much may wait.

    The actor's handler of `OpenChannel`, `Credit`, `CloseChannel` and `Terminated` calls `handle`; then there may be
    room again.

    Guarantees: what is on its way is within the window that the receiver grants, but for one element larger than the
    window; elements arrive in the order in which they were offered, once, or the channel is broken.
    """

    def __init__(self, *channels: str, lane: Amount = FIRST_WINDOW) -> None:
        self._lane = lane
        self._channels: dict[str, _Channel] = {}
        for name in channels:
            self._channel(name)

    def handle(self, message: Message, context: Context) -> str | None:
        """Take in a message of a receiver, and send what may go now.

        Returns:
            the channel that began, whose lane is empty if it had begun before: what was on its way then may be lost,
            and the actor offers again what its receiver needs. None if no channel began.
        """
        match message:
            case OpenChannel():
                return self._opened(message, context)
            case Credit():
                self._credited(message, context)
            case CloseChannel():
                self._closed(message)
            case Terminated():
                self._receiver_ended(message)
        return None

    def offer(self, context: Context, channel: str, payload: Any, records: int, size_bytes: int) -> None:
        """Send `payload` after all before it, as soon as there is credit.

        With no records and no bytes it needs no credit, but keeps its place: for marks that say something of the order.

        Raises:
            ValueError: the channel has been ended, or there are too many channels.
        """
        if records < 0 or size_bytes < 0:
            raise ValueError(f"a payload of {records} records and {size_bytes} bytes cannot be sent")
        one = self._channel(channel)
        if one.ended:
            raise ValueError(f"channel {channel!r} has been ended; nothing can follow")
        one.outlet.offer(payload, Amount(records, size_bytes))
        self._pump(one, context)

    def end(self, context: Context, channel: str) -> None:
        """Nothing more will be offered to this channel: its receiver hears of it behind all that was."""
        one = self._channel(channel)
        if not one.ended:
            one.ended = True
            one.outlet.offer(_THE_END)
            self._pump(one, context)

    def is_open(self, channel: str) -> bool:
        """Whether the channel's receiver is there."""
        return channel in self._channels and self._channels[channel].outlet.is_open

    def is_full(self, channel: str | None = None) -> bool:
        """Whether the lane of a channel is full, or (None) that of any: then the actor should take no more input."""
        if channel is not None:
            return channel in self._channels and self._channels[channel].outlet.is_full
        return any(one.outlet.is_full for one in self._channels.values())

    def is_waiting(self, channel: str) -> bool:
        """Whether something offered to the channel has not gone yet."""
        return channel in self._channels and self._channels[channel].outlet.is_waiting

    def backlog(self, channel: str) -> Amount:
        """How much waits for credit."""
        return self._channels[channel].outlet.backlog if channel in self._channels else NOTHING

    def credit(self) -> dict[str, dict[str, int]]:
        """By channel: the credit left, of which window, and what waits for more, in records.

        An actor whose `observe` tells this under "credit" is shown with it in the tree.
        """
        return {name: one.outlet.describe() for name, one in self._channels.items()}

    # --- what receivers say ------------------------------------------------------------------------------------------

    def _opened(self, opened: OpenChannel, context: Context) -> str | None:
        one = self._channel(opened.channel)
        if opened.receiver == one.receiver and opened.epoch <= one.epoch:
            return None
        if one.epoch:
            one.outlet.reset()
            one.ended = False
        one.epoch, one.receiver = opened.epoch, opened.receiver
        one.outlet.open(Amount(opened.records, opened.size_bytes))
        context.watch(Ref(opened.receiver.path))
        self._pump(one, context)
        return one.name

    def _credited(self, credit: Credit, context: Context) -> None:
        one = self._channels.get(credit.channel)
        if one is not None and credit.epoch == one.epoch and one.outlet.is_open:
            one.outlet.credit(credit.taken, Amount(credit.records, credit.size_bytes))
            self._pump(one, context)

    def _closed(self, closed: CloseChannel) -> None:
        one = self._channels.get(closed.channel)
        if one is not None and closed.epoch == one.epoch:
            one.outlet.reset()

    def _receiver_ended(self, terminated: Terminated) -> None:
        gone = terminated.ref.pinned(terminated.incarnation)
        for one in self._channels.values():
            if one.receiver == gone or (one.receiver.path == gone.path and terminated.incarnation == 0):
                one.outlet.reset()

    # --- sending -----------------------------------------------------------------------------------------------------

    def _channel(self, name: str) -> _Channel:
        one = self._channels.get(name)
        if one is None:
            if len(self._channels) >= CHANNELS_MAX:
                raise ValueError(f"an actor sends through at most {CHANNELS_MAX} channels; use fewer, or more actors")
            one = self._channels[name] = _Channel(name, self._lane)
        return one

    def _pump(self, one: _Channel, context: Context) -> None:
        while (going := one.outlet.take()) is not None:
            context.send(one.receiver, _message(one, going, context.pinned))


def _message(one: _Channel, going: Outgoing[Any], sender: Ref) -> Message:
    if going.element is _THE_END:
        return CloseChannel(one.name, one.epoch, going.sequence)
    return Data(one.name, one.epoch, going.sequence, going.element, *going.weight, sender)
