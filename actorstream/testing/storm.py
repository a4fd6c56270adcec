"""`storm`: everything that may befall a cluster of simulated nodes, from a seed; in the end all is well again.

Guarantees: the same system, faults and seed give the same storm. When it is over, no fault lasts: the network is whole,
all machines are awake, and their disks are sound. Leaves to others: what must hold afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from actorstream.actors import ActorSystem
from actorstream.actors.durations import Duration, as_us
from actorstream.actors.nodes.simulated import World
from actorstream.host import Entropy, MemoryDisk, Weather
from actorstream.testing.cluster_faults import ClusterFaults, Strike, strikes

WEATHER = {
    "delay": Weather(delay_us=(50, 250_000)),
    "loss": Weather(loss=0.1),
    "duplication": Weather(duplication=0.2),
    "reorder": Weather(reorder=0.2),
    "reset": Weather(reset=0.05),
}
"""What each fault of the network makes of it."""

JUMP_US = 10_000_000
"""How far a clock jumps, at most, in either direction."""

SYNC_US = (1_000, 1_000_000)
"""How long a sync of a slow disk takes, from and to."""

ROOM_BYTES_MAX = 256
"""What a full disk has left."""

OF_ACTORS = ("crash_actor", "hang")
"""The faults that need no nodes."""

_LIE_PROBABILITY = 0.5
_DRIVER = "node-0"


def storm(
    system: ActorSystem,
    faults: ClusterFaults | None = None,
    *,
    seed: int = 0,
    duration: Duration = "60s",
    settle: Duration = "40s",
) -> Counter[str]:
    """Let faults befall the nodes of a simulated system for `duration`, then mend everything, and let it `settle`.

    Args:
        system: `ActorSystem(nodes=n, runtime="simulation")`; without nodes only actors may crash and hang.
        faults: by default `ClusterFaults.all()`.
        seed: what happens, to whom, when, and for how long.
        duration: of virtual time.
        settle: how long everything is left alone afterwards: what is dead must be noticed, and start again.

    Returns:
        How often each fault struck; of loss, duplication, reorder and reset, how many frames or connections came to
        harm. Besides, `unreachable`, `replaced` and `woken`: see `World`.

    Raises:
        RuntimeError: the system is no simulation, or the faults need nodes and it has none.

    Example:
        >>> from actorstream.actors import Actor
        >>> with ActorSystem(nodes=2, runtime="simulation", seed=1) as system:
        ...     _ = system.spawn(Actor, name="one", node="any")
        ...     happened = storm(system, ClusterFaults(crash_process=3.0), seed=1)
        ...     happened["crash_process"] > 0, len(system.nodes)
        (True, 3)
    """
    asked = faults if faults is not None else ClusterFaults.all()
    needs_nodes = any(name not in OF_ACTORS for name in asked.rates())
    duration_us = as_us(duration, what="duration")
    entropy = Entropy(seed).stream("storm")
    blowing = _Storm(system, entropy, needs_nodes=needs_nodes)
    blowing.blow(strikes(asked, entropy, duration_us), duration_us)
    system.run_for(settle)
    return blowing.happened()


class _Storm:
    """One storm: who is struck, and what still lasts."""

    def __init__(self, system: ActorSystem, entropy: Entropy, *, needs_nodes: bool) -> None:
        self._entropy = entropy
        self._system = system
        self._world = system.world if needs_nodes or len(system.nodes) > 1 else None
        self._names = list(self._world.machines) if self._world is not None else []
        self._before = self._counts()
        self._happened: Counter[str] = Counter()
        self._ends: list[tuple[int, Callable[[], None]]] = []
        self._weather: list[str] = []

    def blow(self, plan: list[Strike], duration_us: int) -> None:
        """Let all of it happen, each at its time, and end what lasts."""
        start_us = self._now_us()
        for strike in plan:
            self._run_until(start_us + strike.at_us)
            end = self._strike(strike.fault)
            if end is not None:
                self._ends.append((self._now_us() + strike.lasts_us, end))
        self._run_until(start_us + duration_us)
        for _, end in self._ends:
            end()

    def happened(self) -> Counter[str]:
        """How often each fault struck."""
        return self._counts() - self._before + self._happened

    def _counts(self) -> Counter[str]:
        if self._world is None:
            return Counter()
        frames = {name: self._world.fabric.happened[name] for name in WEATHER if name != "delay"}
        return self._world.happened + Counter(frames)

    def _now_us(self) -> int:
        return self._system.host.clock.monotonic_us()

    def _run_until(self, until_us: int) -> None:
        """Let time pass, and end what ends meanwhile."""
        while True:
            due = min(self._ends, key=lambda end: end[0], default=None)
            if due is None or due[0] > until_us:
                break
            self._ends.remove(due)
            self._run_for(due[0] - self._now_us())
            due[1]()
        self._run_for(until_us - self._now_us())

    def _run_for(self, us: int) -> None:
        if us > 0:
            self._system.run_for(us)

    # --- faults: each gives back what ends it, if it lasts -----------------------------------------------------------

    def _strike(self, fault: str) -> Callable[[], None] | None:
        if fault in OF_ACTORS:
            self._strike_actor(fault)
            return None
        assert self._world is not None
        if fault in WEATHER:
            return self._change_weather(self._world, fault)
        name = self._entropy.choice(self._names)
        match fault:
            case "crash_process" | "crash_host":
                self._world.crash(name, host=fault == "crash_host")
            case "zombie":
                return partial(self._world.resume, name) if self._world.pause(name) else None
            case "cut" | "one_way_cut":
                return self._cut(self._world, name, fault)
            case "clock_jump":
                self._world.jump(name, self._entropy.between(-JUMP_US, JUMP_US))
            case _:
                return self._spoil_disk(self._world, name, fault)
        return None

    def _strike_actor(self, fault: str) -> None:
        here = self._system.actors()
        living = [*here, *(self._world.actors() if self._world is not None else ())]
        if not living:
            return
        struck = self._entropy.choice(living)
        hit = self._system.crash(struck) if fault == "crash_actor" else self._system.hang(struck)
        is_here = any(one.path == struck.path for one in here)  # Of others the world counts what happened.
        self._happened[fault] += hit and is_here

    def _change_weather(self, world: World, fault: str) -> Callable[[], None]:
        self._happened["delay"] += fault == "delay"
        self._weather.append(fault)
        world.fabric.weather = _mixed(self._weather)
        return partial(self._clear_up, world, fault)

    def _clear_up(self, world: World, fault: str) -> None:
        self._weather.remove(fault)
        world.fabric.weather = _mixed(self._weather)

    def _cut(self, world: World, name: str, fault: str) -> Callable[[], None]:
        others = [_DRIVER, *(other for other in self._names if other != name)]
        far = [self._entropy.choice(others)] if self._entropy.chance(0.5) else others
        near, far = ([name], far) if self._entropy.chance(0.5) else (far, [name])
        self._happened[fault] += 1
        world.fabric.cut(near, far, both_ways=fault == "cut")
        return world.fabric.heal

    def _spoil_disk(self, world: World, name: str, fault: str) -> Callable[[], None] | None:
        disk = world.disk(name)
        if disk is None:
            return None
        self._happened[fault] += 1
        match fault:
            case "slow_disk":
                disk.sync_us = self._entropy.between(*SYNC_US)
            case "full_disk":
                disk.capacity_bytes = disk.used_bytes + self._entropy.below(ROOM_BYTES_MAX + 1)
            case "lying_sync":
                disk.lie_probability, disk.entropy = _LIE_PROBABILITY, self._entropy.stream("lies")
        return partial(_mend, disk, fault)


def _mend(disk: MemoryDisk, fault: str) -> None:
    match fault:
        case "slow_disk":
            disk.sync_us = 0
        case "full_disk":
            disk.capacity_bytes = None
        case "lying_sync":
            disk.lie_probability = 0.0


def _mixed(names: Sequence[str]) -> Weather:
    """All of these at once."""
    parts = [WEATHER[name] for name in names]
    return Weather(
        delay_us=max((part.delay_us for part in parts), default=Weather().delay_us),
        loss=max((part.loss for part in parts), default=0.0),
        duplication=max((part.duplication for part in parts), default=0.0),
        reorder=max((part.reorder for part in parts), default=0.0),
        reset=max((part.reset for part in parts), default=0.0),
    )
