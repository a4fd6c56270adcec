"""Where a job's log lines go: standard error, because standard output carries data only."""

from __future__ import annotations

import logging
import sys


def log_to_stderr() -> None:
    """Send log lines of warnings and above to standard error, unless the program has configured structlog itself."""
    import structlog  # Here, because it loads much.

    if structlog.is_configured():
        return
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
