"""What supervision is told: a child's specification, and a supervisor's strategy. Frozen data, to print and compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, TypeAlias, get_args

from actorstream.actors.actor import Actor
from actorstream.actors.durations import Duration, as_us

RestartRule: TypeAlias = Literal["permanent", "transient", "temporary"]
HANG_AFTER_US = 30_000_000
"""A handler that runs longer hangs, unless its actor says something else."""

Place: TypeAlias = str | Mapping[str, Any] | None
"""Where an actor lives: beside its parent, on any node, on the node of that name, or on one with these capabilities."""

Scope: TypeAlias = Literal["one_for_one", "one_for_all", "rest_for_one"]


@dataclass(frozen=True, slots=True)
class Backoff:
    """The pause before a restart: doubles from `min_us` up to `max_us`, less a random part of up to `jitter`."""

    min_us: int = 100_000
    max_us: int = 5_000_000
    jitter: float = 0.2

    @staticmethod
    @lru_cache(maxsize=256)  # process-wide: the same text means the same, and equal specifications share it.
    def parse(text: str) -> Backoff:
        """Read "100ms..5s" (or one duration, for a constant pause).

        Raises:
            ValueError: anything else.
        """
        low, _, high = text.partition("..")
        backoff = Backoff(as_us(low, what="backoff"), as_us(high or low, what="backoff"))
        if backoff.max_us < backoff.min_us:
            raise ValueError(f"backoff is {text!r}; the first pause must not be longer than the last")
        return backoff


@dataclass(frozen=True, slots=True)
class Intensity:
    """At most `restarts` restarts within `within_us` microseconds."""

    restarts: int = 5
    within_us: int = 60_000_000


@dataclass(frozen=True, slots=True)
class Strategy:
    """Which children restart when one fails, and how often before the supervisor itself fails."""

    scope: Scope = "one_for_one"
    intensity: Intensity = field(default_factory=Intensity)


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """How to start a child, and what to do when it ends.

    `intensity`: its own bound on restarts; None: it counts towards the supervisor's. `node`: where it lives.
    `hang_after_us`: a handler that runs longer is reported, and the node it runs on is killed (never this process); 0
    is never.
    """

    name: str
    actor: type[Actor]
    arguments: tuple[Any, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()
    restart: RestartRule = "permanent"
    backoff: Backoff = field(default_factory=Backoff)
    shutdown_us: int = 2_000_000
    intensity: Intensity | None = None
    node: Place = None
    hang_after_us: int = HANG_AFTER_US

    def __post_init__(self) -> None:
        check_name(self.name)
        if not (isinstance(self.actor, type) and issubclass(self.actor, Actor)):
            raise TypeError(f"{self.name}: {self.actor!r} is not an Actor class")
        if self.restart not in get_args(RestartRule):
            raise ValueError(f"{self.name}: restart is {self.restart!r}; use permanent, transient or temporary")

    def make(self) -> Actor:
        """A new instance."""
        return self.actor(*self.arguments, **dict(self.options))


def check_name(name: str) -> None:
    """Refuse names that cannot be part of a path.

    Raises:
        ValueError: empty, with a slash, or beginning with a question mark.
    """
    if not name or "/" in name or name.startswith("?"):
        raise ValueError(f"an actor cannot be named {name!r}; use a name without '/' that does not begin with '?'")


def child(
    name: str,
    actor: type[Actor],
    *arguments: Any,
    restart: RestartRule = "permanent",
    backoff: str = "100ms..5s",
    shutdown: Duration = "2s",
    node: Place = None,
    hang_after: Duration = "30s",
    **options: Any,
) -> ChildSpec:
    """A child of a `Supervisor`, made as `actor(*arguments, **options)` at each start.

    Args:
        name: the last part of its path.
        actor: its class.
        arguments: for its `__init__`, at each start.
        restart: `permanent` (always), `transient` (only after a failure) or `temporary` (never).
        backoff: pause before a restart, from the first to the longest, as "100ms..5s".
        shutdown: how long its background work may take to end before it is killed.
        node: where it lives: None (where its parent does), "any" (any node of the system), a node's name, or
            capabilities that the node must have, as {"gpu": 1}. If its node is lost it restarts on another that fits.
        hang_after: a handler that runs longer is reported with its stack, and the node it runs on is killed, unless
            that is the process that made the system; 0 (microseconds) is never.
        options: for its `__init__`, at each start.

    Raises:
        ValueError: a name, rule or pause that makes no sense.
    """
    return ChildSpec(
        name,
        actor,
        arguments,
        tuple(options.items()),
        restart,
        Backoff.parse(backoff),
        as_us(shutdown, what="shutdown"),
        node=node,
        hang_after_us=as_us(hang_after, what="hang_after"),
    )


@lru_cache(maxsize=256)  # process-wide: as for `Backoff.parse`.
def intensity_of(restarts: int, within: Duration) -> Intensity:
    """At most `restarts` restarts within `within`.

    Raises:
        ValueError: no length of time.
    """
    return Intensity(restarts, as_us(within, what="within"))


def _strategy(scope: Scope, restarts: int, within: Duration) -> Strategy:
    return Strategy(scope, intensity_of(restarts, within))


def one_for_one(*, restarts: int = 5, within: Duration = "60s") -> Strategy:
    """A child that fails restarts alone. More than `restarts` within `within`: the supervisor fails."""
    return _strategy("one_for_one", restarts, within)


def one_for_all(*, restarts: int = 5, within: Duration = "60s") -> Strategy:
    """When a child fails, all restart: for children that share what none may outlive."""
    return _strategy("one_for_all", restarts, within)


def rest_for_one(*, restarts: int = 5, within: Duration = "60s") -> Strategy:
    """When a child fails, it and those started after it restart: for children that build on the earlier ones."""
    return _strategy("rest_for_one", restarts, within)
