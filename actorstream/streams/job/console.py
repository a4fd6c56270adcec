"""Where a job's log lines go: standard error, because standard output carries data only.

An error of the user's program, or a person's mistake, is no log line: whoever runs the job is told by an exception.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from actorstream.errors import Mistake, OperatorError


def log_to_stderr() -> None:
    """Send log lines of warnings and above to standard error, unless the program has configured structlog itself."""
    import structlog  # Here, because it loads much.

    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            _without_what_is_raised,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _without_what_is_raised(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    import structlog

    if isinstance(event.get("exc_info"), OperatorError | Mistake):
        raise structlog.DropEvent
    return event


@contextmanager
def silence() -> Iterator[None]:
    """No log lines at all for a while: in memory and in simulations, failures are raised or expected."""
    import structlog

    before = structlog.get_config()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        logger_factory=structlog.ReturnLoggerFactory(),
    )
    try:
        yield
    finally:
        structlog.configure(**before)
