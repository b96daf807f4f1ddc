"""The server's log: lines of `key=value` on standard error, as Go's `slog` writes them."""

from __future__ import annotations

import datetime
import logging
import sys
from collections.abc import Mapping
from typing import Any

from ollamars.store.gotext import quote

TRACE = 5
"""The level below DEBUG."""
_LEVELS = {0: logging.INFO, -4: logging.DEBUG}
_PLAIN = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'()*+,-./:;<>?@[]^_`{|}~"
)


def set_up(go_level: int) -> None:
    """Log to standard error. `go_level`: 0 info, -4 debug, lower trace."""
    logging.addLevelName(TRACE, "TRACE")
    logging.addLevelName(logging.WARNING, "WARN")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_LEVELS.get(go_level, TRACE if go_level < 0 else logging.INFO))
    for foreign in ("hypercorn.error", "quart.app", "quart.serving"):
        logging.getLogger(foreign).propagate = True


class Formatter(logging.Formatter):
    """One line for each record; a traceback follows on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """`time=... level=... source=... msg=...` and what `info` was given."""
        moment = datetime.datetime.fromtimestamp(record.created).astimezone()
        values: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "source": f"{record.filename}:{record.lineno}",
            "msg": record.getMessage(),
            **getattr(record, "values", {}),
        }
        line = " ".join(f"{key}={_text(value)}" for key, value in values.items())
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        value = "map[" + " ".join(f"{key}:{item}" for key, item in value.items()) + "]"
    text = str(value)
    return text if text and _PLAIN.issuperset(text) else quote(text)


def info(log: logging.Logger, message: str, **values: Any) -> None:
    """Log a message with values."""
    if log.isEnabledFor(logging.INFO):
        log.info(message, extra={"values": values}, stacklevel=2)
