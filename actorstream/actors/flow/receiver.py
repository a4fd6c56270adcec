"""The receiving ends of an actor's channels: what came, in turn, and credit for what was taken."""

from __future__ import annotations

from typing import Any, NamedTuple

from actorstream.actors.context import Context
from actorstream.actors.flow.amount import NOTHING, Amount
from actorstream.actors.flow.inlet import Inlet
from actorstream.actors.flow.messages import CloseChannel, Credit, Data, OpenChannel
from actorstream.actors.flow.pace import HORIZON_US
from actorstream.actors.flow.turns import Turns
from actorstream.actors.message import ExitReason, Message, Normal, Terminated
from actorstream.actors.ref import Ref


class Taken(NamedTuple):
    """One element of a channel."""

    channel: str
    payload: Any
    records: int
    size_bytes: int


class Ended(NamedTuple):
    """A channel's last: nothing more will come. `reason`: `Normal` if its sender said so, or why the sender ended."""

    channel: str
    reason: ExitReason


class _Channel:
    __slots__ = ("inlet", "sender")

    def __init__(self, inlet: Inlet[Any], sender: Ref) -> None:
        self.inlet = inlet
        self.sender = sender


class Receiver:
    """The receiving ends of the channels of one actor, which owns it and hands it the messages that it gets.

    The actor's handler of `Data`, `CloseChannel` and `Terminated` calls `handle`; the actor calls `take` whenever it is
    ready for more, and only then does the sender get credit. Channels are served in turns, by bytes.

    Guarantees: elements of a channel come in order, once; `Ended` comes behind all of them, also when the sender died.
    Memory is bounded by the windows, and by one element larger than the window from each sender.
    """

    def __init__(self, *, horizon_us: int = HORIZON_US) -> None:
        self._horizon_us = horizon_us
        self._channels: dict[str, _Channel] = {}
        self._epochs: dict[str, int] = {}
        self._order: list[_Channel] = []
        self._turns = Turns(1)

    def open(self, context: Context, sender: Ref, channel: str) -> None:
        """Ask `sender` for what it offers to `channel`; from a channel that is open, nothing is lost but its place.

        A channel that is opened again, after its sender has ended or was not there, begins anew.
        """
        one = _Channel(Inlet(channel, self._horizon_us), sender)
        epoch = max(self._epochs.get(channel, 0), context.incarnation << 20) + 1
        self._epochs[channel] = epoch
        self._channels[channel] = one
        self._arrange()
        limit = one.inlet.open(epoch)
        context.watch(Ref(sender.path))
        context.send(sender, OpenChannel(channel, epoch, context.pinned, *limit))

    def handle(self, message: Message, context: Context) -> None:
        """Take in what came, for `take` to give.

        Raises:
            ChannelBroken: it is not what should come next. Let it end the actor, or open the channel again.
        """
        match message:
            case Data(channel, epoch, sequence, payload, records, size_bytes, sender):
                one = self._channels.get(channel)
                if one is not None and one.inlet.put(epoch, sequence, payload, Amount(records, size_bytes)):
                    one.sender = sender
            case CloseChannel(channel, epoch, sequence):
                one = self._channels.get(channel)
                if one is not None:
                    one.inlet.put(epoch, sequence, Ended(channel, Normal()), NOTHING)
            case Terminated():
                self._sender_ended(message)

    def take(self, context: Context) -> Taken | Ended | None:
        """The next element, whose sender gets its credit back; None if nothing is there."""
        now_us = context.host.clock.monotonic_us()
        number = self._turns.next(self._size_of)
        if number is None:
            for one in self._order:
                one.inlet.rest(now_us)
            return None
        one = self._order[number]
        payload, weight = one.inlet.take(now_us)
        if isinstance(payload, Ended):
            self._forget(payload.channel)
            return payload
        grant = one.inlet.grant()
        if grant is not None:
            context.send(one.sender, Credit(one.inlet.channel, one.inlet.epoch, grant.taken, *grant.limit))
        return Taken(one.inlet.channel, payload, *weight)

    def close(self, context: Context, channel: str) -> None:
        """Nothing more of this channel is wanted; what waits is dropped."""
        one = self._channels.get(channel)
        if one is not None:
            self._forget(channel)
            context.send(one.sender, CloseChannel(channel, one.inlet.epoch))

    @property
    def waiting(self) -> int:
        """How many elements wait to be taken."""
        return sum(len(one.inlet) for one in self._order)

    def window(self, channel: str) -> Amount:
        """The window of a channel, as its pace asks for it."""
        return self._channels[channel].inlet.window

    # --- channels ----------------------------------------------------------------------------------------------------

    def _sender_ended(self, terminated: Terminated) -> None:
        gone = terminated.ref
        for name, one in self._channels.items():
            if one.sender.path == gone.path and one.sender.incarnation in (0, terminated.incarnation):
                one.inlet.end(Ended(name, terminated.reason))

    def _forget(self, channel: str) -> None:
        del self._channels[channel]
        self._arrange()

    def _arrange(self) -> None:
        self._order = list(self._channels.values())
        self._turns = Turns(max(len(self._order), 1))

    def _size_of(self, number: int) -> int | None:
        if number >= len(self._order):
            return None
        weight = self._order[number].inlet.next_weight
        return None if weight is None else weight.size_bytes
