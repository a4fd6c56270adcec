"""Clocks of simulated nodes: one time that all share, and each node's own idea of it."""

from __future__ import annotations

from actorstream.host import SkewedClock, VirtualClock


def test_wall_time_jumps_for_one_node_alone() -> None:
    """Forward and back; jumps add up."""
    shared = VirtualClock(10_000_000)
    one, other = SkewedClock(shared), SkewedClock(shared)

    one.jump(3_000_000)
    one.jump(-5_000_000)

    assert (one.now_us(), other.now_us(), shared.now_us()) == (8_000_000, 10_000_000, 10_000_000)


def test_monotonic_time_never_jumps() -> None:
    """Timeouts and rates go by it."""
    shared = VirtualClock()
    clock = SkewedClock(shared)

    shared.advance_to(shared.now_us() + 7)
    clock.jump(-1_000_000)

    assert clock.monotonic_us() == shared.monotonic_us() == 7
