"""Log lines while a command runs a job: warnings and above, on standard error.

An error of the user's program, or a person's mistake, is no log line: the command tells it at its end.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

from actorstream.errors import Mistake, OperatorError


def log_to_stderr() -> None:
    """Set structlog up, unless the program has done so itself."""
    import structlog

    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            _without_what_is_told_later,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _without_what_is_told_later(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    import structlog

    if isinstance(event.get("exc_info"), OperatorError | Mistake):
        raise structlog.DropEvent
    return event
