"""Log lines: an event name and fields, for people or as JSON."""

import logging
import sys

import structlog
from structlog.typing import FilteringBoundLogger, Processor

_QUIET = ("apscheduler", "httpx", "httpcore", "stamina", "uvicorn.access")
"""Libraries that log every call; what matters of it we say ourselves, once per change."""


def configure(log_format: str, level: str) -> None:
    """Send our lines, and those of the libraries, to standard error in one form."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _renderer(log_format),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)


def _renderer(log_format: str) -> Processor:
    if log_format == "json" or (log_format == "auto" and not sys.stderr.isatty()):
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())


def get_logger() -> FilteringBoundLogger:
    """A logger; call it with an event name and fields."""
    logger: FilteringBoundLogger = structlog.get_logger("isbitcoinlit")
    return logger
