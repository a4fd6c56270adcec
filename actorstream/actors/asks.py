"""Questions from outside that wait for an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass

from actorstream.actors.limits import ASKS_MAX
from actorstream.actors.message import Message
from actorstream.actors.ref import Ref
from actorstream.actors.scheduler import Timer
from actorstream.errors import ActorTerminated, AskTimeout, MailboxFull

Answer = Future[Message]


@dataclass(slots=True)
class _Ask:
    target: str
    answer: Answer
    timer: Timer | None = None


class Asks:
    """Open questions, each at a path of its own to which the answer is sent.

    Guarantees: each gets its answer, or an error, once.
    """

    def __init__(self) -> None:
        self._number = 0
        self._asks: dict[str, _Ask] = {}
        self._by_target: dict[str, dict[str, None]] = {}

    def open(self, target: Ref, answer: Answer) -> Ref:
        """A new question; returns the sender to send it from.

        Raises:
            MailboxFull: too many are open.
        """
        if len(self._asks) >= ASKS_MAX:
            raise MailboxFull(f"{ASKS_MAX} questions wait for an answer already")
        self._number += 1
        path = f"?{self._number}"
        self._asks[path] = _Ask(target.path, answer)
        self._by_target.setdefault(target.path, {})[path] = None
        return Ref(path)

    def arm(self, sender: Ref, timeout_us: int, after: Callable[[int, Callable[[], None]], Timer]) -> None:
        """Let the question end in `AskTimeout` after so long, if it is open."""
        ask = self._asks.get(sender.path)
        if ask is not None:
            ask.timer = after(timeout_us, lambda: self._on_timeout(sender.path, timeout_us))

    def resolve(self, path: str, message: Message) -> bool:
        """An answer came; False if nobody waits for it."""
        ask = self._take(path)
        if ask is None:
            return False
        if ask.answer.set_running_or_notify_cancel():
            ask.answer.set_result(message)
        return True

    def reject(self, path: str, error: Exception) -> None:
        """No answer will come; nothing if nobody waits."""
        ask = self._take(path)
        if ask is not None and ask.answer.set_running_or_notify_cancel():
            ask.answer.set_exception(error)

    def on_ended(self, target: str, waiting: Iterable[str], last: int | None = None) -> None:
        """An incarnation of `target` ended: what it was asked is lost, but for questions that wait in its mailbox.

        Args:
            target: its path.
            waiting: the questions in its mailbox.
            last: the number of the last question that had reached it; later ones are on their way. None: all had.
        """
        if target not in self._by_target:
            return
        waiting = frozenset(waiting)
        lost = [path for path in self._by_target[target] if last is None or int(path[1:]) <= last]
        for path in [path for path in lost if path not in waiting]:
            self.reject(path, ActorTerminated(f"{target} ended before it answered"))

    def reject_all(self, why: str) -> None:
        """Nothing will be answered any more."""
        for path in list(self._asks):
            self.reject(path, ActorTerminated(f"{self._asks[path].target} did not answer: {why}"))

    def _on_timeout(self, path: str, timeout_us: int) -> None:
        target = self._asks[path].target
        self.reject(path, AskTimeout(f"{target} did not answer within {timeout_us / 1e6:g} s"))

    def _take(self, path: str) -> _Ask | None:
        ask = self._asks.pop(path, None)
        if ask is None:
            return None
        same = self._by_target[ask.target]
        del same[path]
        if not same:
            del self._by_target[ask.target]
        if ask.timer is not None:
            ask.timer.cancel()
        return ask
