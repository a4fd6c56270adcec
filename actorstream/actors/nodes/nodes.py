"""The nodes of an actor system, as its door sees them: from another thread than the actors'."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

from actorstream.actors.engine import Engine
from actorstream.actors.nodes.driver import Driver
from actorstream.actors.scheduler import Scheduler
from actorstream.errors import ActorTerminated

if TYPE_CHECKING:
    from actorstream.actors.nodes.simulated import World

T = TypeVar("T")

START_US = 60_000_000
"""How long a system waits for its nodes before it gives up."""

QUESTION_US = 5_000_000
"""How long a question to other nodes may take."""


class Nodes:
    """See the module. All nodes are up when this returns.

    Raises:
        ActorTerminated: they could not be started.
    """

    def __init__(
        self, driver: Driver, scheduler: Scheduler, engine: Engine, count: int, world: World | None = None
    ) -> None:
        self._driver = driver
        self._scheduler = scheduler
        self._engine = engine
        self.world = world
        complete = scheduler.call(lambda: driver.start(count, engine))
        try:
            scheduler.wait(complete, START_US)
        except BaseException as error:
            self.close()
            if isinstance(error, TimeoutError):
                raise ActorTerminated(f"{count} nodes did not start within {START_US / 1e6:g} s") from None
            raise

    def names(self) -> list[str]:
        """The nodes that live."""
        return self._scheduler.call(self._driver.names)

    def locate(self, path: str) -> int | None:
        """The number of the node where `path` lives; None: there is no such actor."""
        return self._ask(lambda: self._driver.locate(path))

    def describe(self) -> Mapping[str, bytes]:
        """What lives on other nodes, by path, as JSON."""
        return self._ask(self._driver.describe)

    def close(self) -> None:
        """End all nodes; nothing of them is left."""
        self._scheduler.call(self._driver.stop)
        self._engine.close()
        self._scheduler.call(self._driver.close)

    def _ask(self, question: Callable[[], Future[T]]) -> T:
        return self._scheduler.wait(self._scheduler.call(question), QUESTION_US)
