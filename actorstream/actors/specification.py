"""What supervision is told: a child's specification, and a supervisor's strategy. Frozen data, to print and compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, TypeAlias, get_args

from actorstream.actors.actor import Actor
from actorstream.actors.durations import Duration, as_us
from actorstream.actors.poison import Poison

RestartRule: TypeAlias = Literal["permanent", "transient", "temporary"]
Place: TypeAlias = str | Mapping[str, Any] | None
"""Where an actor lives: beside its parent, on any node, on the node of that name, or on one with these capabilities."""

Scope: TypeAlias = Literal["one_for_one", "one_for_all", "rest_for_one", "region"]


@dataclass(frozen=True, slots=True)
class Backoff:
    """A pause before a restart: grows from `min_us` by `factor` up to `max_us`, less a part of up to `jitter`."""

    min_us: int = 100_000
    max_us: int = 5_000_000
    jitter: float = 0.2
    factor: float = 2.0

    def __post_init__(self) -> None:
        if not 0 <= self.min_us <= self.max_us:
            raise ValueError(f"backoff goes from {self.min_us} to {self.max_us} us; the first pause is the shortest")
        if not (0 <= self.jitter <= 1 and self.factor >= 1):
            raise ValueError(f"backoff has jitter={self.jitter}, factor={self.factor}; use 0 to 1, and at least 1")

    @staticmethod
    def of(value: str | Backoff) -> Backoff:
        """What was written as "100ms..5s", or is one already.

        Raises:
            ValueError: as `parse`.
        """
        return value if isinstance(value, Backoff) else Backoff.parse(value)

    @staticmethod
    @lru_cache(maxsize=256)  # process-wide: the same text means the same, and equal specifications share it.
    def parse(text: str) -> Backoff:
        """Read "100ms..5s" (or one duration, for a constant pause).

        Raises:
            ValueError: anything else.
        """
        low, _, high = text.partition("..")
        min_us, max_us = as_us(low, what="backoff"), as_us(high or low, what="backoff")
        if max_us < min_us:
            raise ValueError(f"backoff is {text!r}; the first pause must not be longer than the last")
        return Backoff(min_us, max_us)


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

    `intensity`: its own bound on restarts; None: it counts towards the supervisor's. `hang_after_us`: 0 is never.
    `region`: restarts together with the other children of that label; "" is alone. `node`: where it lives.
    """

    name: str
    actor: type[Actor]
    arguments: tuple[Any, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()
    restart: RestartRule = "permanent"
    backoff: Backoff = field(default_factory=Backoff)
    shutdown_us: int = 2_000_000
    intensity: Intensity | None = None
    hang_after_us: int = 30_000_000
    region: str = ""
    node: Place = None
    poison: Poison | None = None

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
    backoff: str | Backoff = "100ms..5s",
    shutdown: Duration = "2s",
    hang_after: Duration | None = "30s",
    region: str = "",
    poison: Poison | None = None,
    node: Place = None,
    **options: Any,
) -> ChildSpec:
    """A child of a `Supervisor`, made as `actor(*arguments, **options)` at each start.

    Args:
        name: the last part of its path.
        actor: its class.
        arguments: for its `__init__`, at each start.
        restart: `permanent` (always), `transient` (only after a failure) or `temporary` (never).
        backoff: pause before a restart, from the first to the longest: "100ms..5s", or a `Backoff`.
        shutdown: how long its background work may take to end before it is killed.
        hang_after: how long a handler may run before it counts as hung; None is for ever. On another node it is killed
            with its process; in the one that made the system it is only reported, with its stack.
        region: with the strategy `region`, restarts together with the other children of that label.
        poison: what becomes of a message that crashes it again and again. None: it is dropped the first time.
        node: where it lives: None (where its parent does), "any" (any node of the system), a node's name, or
            capabilities that the node must have, as {"gpu": 1}. If its node is lost it restarts on another that fits.
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
        Backoff.of(backoff),
        as_us(shutdown, what="shutdown"),
        hang_after_us=as_us(hang_after or 0, what="hang_after"),
        region=region,
        node=node,
        poison=poison,
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


def region(*, restarts: int = 5, within: Duration = "60s") -> Strategy:
    """When a child fails, all of its `region` restart, and no others: for children tied by what is lost with one."""
    return _strategy("region", restarts, within)
