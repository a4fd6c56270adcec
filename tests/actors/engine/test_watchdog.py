"""What a watchdog decides."""

from __future__ import annotations

from actorstream.actors.engine import Busy, Verdict, Watchdog


def busy(elapsed_us: int, handler: str = "Greet", hang_after_us: int | None = None) -> Busy:
    return Busy("desk/greeter", handler, elapsed_us, hang_after_us)


def test_a_loop_that_waits_is_fine() -> None:
    """Nothing runs, so nothing hangs."""
    assert Watchdog().look(None) is Verdict.FINE


def test_a_long_handler_is_reported_once() -> None:
    """However often somebody looks, one run of one handler is one report."""
    watchdog = Watchdog(report_us=100)

    assert [watchdog.look(busy(us)) for us in (50, 150, 250)] == [Verdict.FINE, Verdict.REPORT, Verdict.FINE]


def test_the_next_long_run_is_reported_again() -> None:
    """A run that is shorter than the one before is another one."""
    watchdog = Watchdog(report_us=100)
    watchdog.look(busy(200))

    assert watchdog.look(busy(150)) is Verdict.REPORT


def test_another_handler_is_reported_again() -> None:
    """What hangs is a handler, not an actor."""
    watchdog = Watchdog(report_us=100)
    watchdog.look(busy(200))

    assert watchdog.look(busy(250, "Ask")) is Verdict.REPORT


def test_a_handler_that_takes_longer_than_its_actor_allows_is_ended() -> None:
    """`hang_after` is a limit, and reaching it is not yet past it."""
    watchdog = Watchdog()

    assert watchdog.look(busy(100, hang_after_us=100)) is Verdict.FINE
    assert watchdog.look(busy(101, hang_after_us=100)) is Verdict.END


def test_a_watchdog_that_may_not_end_reports() -> None:
    """In a process that it shares with others a hung handler is only told of, and after its own limit."""
    watchdog = Watchdog(may_end=False)

    assert watchdog.look(busy(101, hang_after_us=100)) is Verdict.REPORT
    assert watchdog.look(busy(201, hang_after_us=100)) is Verdict.FINE
