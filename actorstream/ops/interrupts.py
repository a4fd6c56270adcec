"""SIGINT and SIGTERM while a command runs: the first one ends it in order, the second one at once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


class Interrupted(BaseException):
    """Somebody wants the command to end.

    Not a KeyboardInterrupt: when one passes through an `exec` of text, as in the making of a named tuple, CPython ends
    the process by the signal, also where the exception was caught.
    """


@contextmanager
def interruptible() -> Iterator[None]:
    """Within it, SIGINT and SIGTERM raise `Interrupted`, once; the next one ends the process.

    A signal that was ignored stays so.
    """
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        for one in before:
            signal.signal(one, signal.SIG_DFL)
        raise Interrupted

    try:
        for one, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(one, interrupt)
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
