"""The engine's log: one line per event on stderr, as JSON or as text.

A line holds what happened and its subject (a client's id and address, a listener's name, a file's path). It never holds a
command's arguments, a value, a key or a password, so that a collection of logs is no copy of the data.
"""

import faulthandler
import json
import logging
import sys
import time
from typing import Final, Literal, TextIO

LogFormat = Literal["json", "text", "legacy", "logfmt"]
"""``legacy`` and ``logfmt`` are Valkey's names; legacy is text here as there."""

VERBOSE: Final = 15

LEVELS: Final[dict[str, int]] = {
    "debug": logging.DEBUG,
    "verbose": VERBOSE,
    "notice": logging.INFO,
    "warning": logging.WARNING,
    "nothing": logging.CRITICAL + 1,
}
"""Valkey's ``loglevel`` values, most talkative first, and the level of the standard library each one starts at."""

_NAMES: Final[dict[int, str]] = {
    logging.DEBUG: "debug",
    VERBOSE: "verbose",
    logging.INFO: "notice",
    logging.WARNING: "warning",
    logging.ERROR: "error",
    logging.CRITICAL: "critical",
}

log: Final = logging.getLogger("cachetwin.engine")
"""The engine's logger. Facts beside the message go in ``extra={"fields": {...}}``."""


def _timestamp(seconds: float) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{int(seconds * 1000) % 1000:03d}Z"


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ``time`` (UTC, ISO 8601), ``level``, ``message``, then the event's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Render one event."""
        line: dict[str, object] = {
            "time": _timestamp(record.created),
            "level": _NAMES.get(record.levelno, record.levelname.lower()),
            "message": record.getMessage(),
        }
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class TextFormatter(logging.Formatter):
    """``2026-01-31T12:00:00.000Z notice message (field=value ...)``, for a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Render one event."""
        level = _NAMES.get(record.levelno, record.levelname.lower())
        fields: dict[str, object] = getattr(record, "fields", {})
        facts = f" ({' '.join(f'{name}={value}' for name, value in fields.items())})" if fields else ""
        line = f"{_timestamp(record.created)} {level} {record.getMessage()}{facts}"
        if record.exc_info:
            line = f"{line}\n{self.formatException(record.exc_info)}"
        return line


class LogfmtFormatter(logging.Formatter):
    """``timestamp="..." level=notice message="..." field="value"``: one line, every value findable by its name."""

    def format(self, record: logging.LogRecord) -> str:
        """Render one event."""
        fields: dict[str, object] = getattr(record, "fields", {})
        level = _NAMES.get(record.levelno, record.levelname.lower())
        pairs = [f"timestamp={json.dumps(_timestamp(record.created))}", f"level={level}"]
        pairs.append(f"message={json.dumps(record.getMessage())}")
        pairs += [f"{name}={json.dumps(str(value))}" for name, value in fields.items()]
        if record.exc_info:
            pairs.append(f"traceback={json.dumps(self.formatException(record.exc_info))}")
        return " ".join(pairs)


def _formatter(log_format: LogFormat) -> logging.Formatter:
    if log_format == "json":
        return JsonFormatter()
    return LogfmtFormatter() if log_format == "logfmt" else TextFormatter()


def log_crashes(stream: TextIO) -> None:
    """If the process dies of a signal like SIGSEGV or SIGABRT, write where its threads were: Python's lines, no values."""
    faulthandler.enable(stream)


def start_log(log_format: LogFormat, level: str, logfile: str = "") -> TextIO:
    """Send the engine's and asyncio's events to ``logfile``, or to stderr where it is empty; the stream they go to.

    ``level`` is one of ``LEVELS``. Raises OSError when the file cannot be opened for appending.
    """
    stream: TextIO = open(logfile, "a", encoding="utf-8") if logfile else sys.stderr  # noqa: SIM115, PTH123  (lives as long as the process)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(log_format))
    for logger, lowest in ((log, logging.NOTSET), (logging.getLogger("asyncio"), logging.WARNING)):
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(max(LEVELS[level], lowest))
    return stream
