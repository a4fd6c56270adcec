"""Going on when the log's actors restart, or when the process that holds them ends.

An actor that crashed is back within a second or two; a directory whose holder ended can be held by whoever comes next,
such as the client itself. So what gets no answer is tried again, for a while, on a new way to the log if need be.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from actorstream.errors import ActorTerminated, AskTimeout
from actorstream.log.reaching import open_transport
from actorstream.log.transport import Transport

T = TypeVar("T")

ATTEMPTS = 30
PAUSE_US = 100_000


class Patience:
    """A way to a log that is replaced when it is lost.

    `given`: a transport to use as it is; then it is neither replaced nor closed. `on_replaced` is called when what was
    under way on the old one is lost.
    """

    def __init__(
        self, data: str | os.PathLike[str], *, create: bool, given: Transport | None, on_replaced: Callable[[], None]
    ) -> None:
        self._data, self._given, self._on_replaced = data, given, on_replaced
        self.transport: Transport = given if given is not None else open_transport(data, create=create)

    def keep_trying(self, action: Callable[[], T], *, before_again: Callable[[], None] | None = None) -> T:
        """The result of `action`, which is called again if whoever was asked is gone or does not answer.

        Raises:
            ActorstreamError: it did not help, or the answer is a refusal.
        """
        for _ in range(ATTEMPTS - 1):
            try:
                return action()
            except (ActorTerminated, AskTimeout):
                self.transport.pause(PAUSE_US)
                self._replace_if_lost()
                if before_again is not None:
                    before_again()
        return action()

    def _replace_if_lost(self) -> None:
        if self.transport.is_lost and self._given is None:
            self.transport.close()
            self.transport = open_transport(self._data, create=False)
            self._on_replaced()

    def close(self) -> None:
        """Let go of the way to the log."""
        if self._given is None:
            self.transport.close()
