"""What a kernel asks of its runtime: turns, timers, threads. `local` and `simulation` answer it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from actorstream.host.crew import Crew, Outcome

if TYPE_CHECKING:
    from actorstream.actors.cell import Cell

T = TypeVar("T")


Finished = Callable[[Any, BaseException | None], None]
"""Takes the result of background work, or what it raised."""


Function = Callable[[Any], Coroutine[Any, Any, Any]]
"""An async function that a crew calls."""

Ended = Callable[[list[Outcome]], None]
"""Takes what has ended of a crew's calls."""


class Timer(Protocol):
    """Something that will happen once."""

    def cancel(self) -> None:
        """Let it not happen; nothing if it has happened."""
        ...


class Scheduler(Protocol):
    """A runtime."""

    @property
    def is_own_thread(self) -> bool:
        """Whether the caller is on the system's thread."""
        ...

    @property
    def prefix(self) -> str:
        """What the paths of its actors begin with in a trace."""
        ...

    def admit(self, cell: Cell) -> bool:
        """Whether a cell whose turn it is may go on, in a simulation: its node may stand still, or be gone."""
        ...

    @property
    def hung(self) -> Cell | None:
        """Whose handler has run for longer than its `hang_after` now, as far as anybody can see; from any thread."""
        ...

    def ready(self, cell: Cell) -> None:
        """`cell` has something to do: call its `run` until that returns False."""
        ...

    def after(self, delay_us: int, fire: Callable[[], None]) -> Timer:
        """Call `fire` on the system's thread after so many microseconds."""
        ...

    def background(self, work: Callable[[], Any], finished: Finished) -> None:
        """Run `work` beside the actors, then `finished(result, error)` on the system's thread."""
        ...

    def crew(self, function: Function, hands: int, waits_us: Sequence[int], finished: Ended) -> Crew:
        """A crew whose outcomes come home by `finished`, on the system's thread."""
        ...

    def call(self, function: Callable[[], T]) -> T:
        """Run `function` on the system's thread and return its result, from any other thread."""
        ...

    def post(self, function: Callable[[], None]) -> None:
        """Run `function` on the system's thread, soon, in the order of the calls."""
        ...

    def wait(self, future: Future[T], timeout_us: int) -> T:
        """The result of `future`, once the actors have set it.

        Raises:
            TimeoutError: it took longer.
        """
        ...

    def close(self) -> None:
        """Let go of threads; nothing runs any more."""
        ...
