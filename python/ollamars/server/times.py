"""The present, as answers tell it."""

from __future__ import annotations

import datetime
import time

from ollamars.store.gotime import format_time


def now() -> str:
    """The time in UTC: RFC 3339 with nanoseconds."""
    return format_time(time.time_ns(), datetime.UTC)
