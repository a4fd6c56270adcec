"""What a channel lets in: nothing of another epoch, nothing twice, and nothing behind a gap. Pure."""

from __future__ import annotations

from actorstream.errors import ChannelBroken


class Fence:
    """Of one channel at its receiver. The receiver begins epochs; a sender sends in those that it was told of.

    So what carries a lower epoch is late, and dropped; a higher one cannot be, nor can a sequence be skipped or come
    again: then the sender and this receiver do not mean the same channel.
    """

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self.epoch = 0
        self.next_sequence = 0

    def begin(self, epoch: int) -> None:
        """An epoch begins; its first sequence is 0."""
        self.epoch = epoch
        self.next_sequence = 0

    def lets_in(self, epoch: int, sequence: int) -> bool:
        """Whether this is the next of the epoch; False if it belongs to an earlier one, and is to be dropped.

        Raises:
            ChannelBroken: an epoch that has not begun, or another sequence than the next. Close the channel.
        """
        if epoch < self.epoch:
            return False
        if epoch > self.epoch:
            raise ChannelBroken(self._channel, f"epoch {epoch} came, but it is open for epoch {self.epoch}")
        if sequence != self.next_sequence:
            raise ChannelBroken(self._channel, f"sequence {sequence} came in place of {self.next_sequence}")
        self.next_sequence += 1
        return True
