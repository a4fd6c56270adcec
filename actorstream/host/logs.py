"""Where log lines go: standard error, because standard output carries data only, unless the program says otherwise.

A program that configures structlog gets every line its own way. Until it does, warnings and above are shown, plainly.
An error of the user's program, or a person's mistake, is no log line then: whoever runs the program is told by an
exception.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from actorstream.errors import Mistake, OperatorError

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger


def logger(**facts: Any) -> FilteringBoundLogger:
    """A structlog logger that says `facts` with every line."""
    import structlog  # Here, because it loads much, and a healthy system never logs.

    if structlog.is_configured():
        configured: FilteringBoundLogger = structlog.get_logger("actorstream", **facts)
        return configured
    plain: FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[
            _without_what_is_raised,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
    )
    return plain.bind(**facts)


def _without_what_is_raised(_: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    import structlog

    if isinstance(event.get("exc_info"), OperatorError | Mistake):
        raise structlog.DropEvent
    return event


@contextmanager
def silence() -> Iterator[None]:
    """No log lines at all for a while: in memory and in simulations, failures are raised or expected."""
    import structlog

    before = structlog.get_config() if structlog.is_configured() else None
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        logger_factory=structlog.ReturnLoggerFactory(),
    )
    try:
        yield
    finally:
        structlog.reset_defaults()
        if before is not None:
            structlog.configure(**before)
