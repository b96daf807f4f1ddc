"""Human-readable values, in the words and roundings of Ollama's output."""

from __future__ import annotations

from datetime import datetime, timedelta

from ollamars.durations import HOUR, MINUTE, SECOND

_DECIMAL = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "KB"))
_BINARY = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))
_FOREVER_YEARS = 20


def human_bytes(count: int) -> str:
    """Decimal units: `999 B`, `1.5 KB`, `12 MB`; from ten units on whole and cut, not rounded."""
    for unit, name in _DECIMAL:
        if count >= unit:
            value = count / unit
            if value >= 10:
                return f"{int(value)} {name}"
            return f"{value:.1f} {name}" if value != int(value) else f"{int(value)} {name}"
    return f"{count} B"


def human_bytes_binary(count: int) -> str:
    """Binary units with one decimal: `1023 B`, `1.0 KiB`, `574.7 GiB`."""
    for unit, name in _BINARY:
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count} B"


def human_number(count: int) -> str:
    """A count of parameters: `72`, `22K`, `134.52M`, `8.0B`, `7B`."""
    for unit, name, decimals in ((10**9, "B", 1), (10**6, "M", 2), (10**3, "K", 0)):
        if count >= unit:
            value = count / unit
            return f"{value:.0f}{name}" if value == int(value) else f"{value:.{decimals}f}{name}"
    return str(count)


def human_duration(ns: int) -> str:
    """A length of time in words: `About an hour`, `3 weeks`; `ns` in nanoseconds."""
    seconds, minutes = ns // SECOND, ns // MINUTE
    if seconds < 1:
        return "Less than a second"
    if seconds < 60:
        return "1 second" if seconds == 1 else f"{seconds} seconds"
    if minutes < 60:
        return "About a minute" if minutes == 1 else f"{minutes} minutes"
    hours = (2 * ns + HOUR) // (2 * HOUR)
    if hours == 1:
        return "About an hour"
    for limit, unit, name in _LONG_UNITS:
        if hours < limit:
            return f"{hours // unit} {name}"
    return f"{ns // HOUR // 24 // 365} years"


_LONG_UNITS = (
    (48, 1, "hours"),
    (24 * 14, 24, "days"),
    (24 * 60, 24 * 7, "weeks"),
    (24 * 365 * 2, 24 * 30, "months"),
)
"""Below so many hours: divisor in hours, and the unit's name."""


def human_time(moment: datetime | None, now: datetime, zero: str) -> str:
    """How far `moment` is from `now`: `2 days ago`, `4 minutes from now`, `Forever`.

    `zero` stands for a time that was never set (None, or the year 1).
    """
    if moment is None or moment.year == 1:
        return zero
    ns = _nanoseconds(now - moment)
    if ns >= 0:
        return f"{human_duration(ns)} ago"
    if -ns // HOUR // 24 // 365 > _FOREVER_YEARS:
        return "Forever"
    return f"{human_duration(-ns)} from now"


def human_time_lower(moment: datetime | None, now: datetime, zero: str) -> str:
    """`human_time` for the middle of a sentence."""
    return human_time(moment, now, zero).lower()


def _nanoseconds(delta: timedelta) -> int:
    return (delta // timedelta(microseconds=1)) * 1000


def parse_time(text: str) -> datetime | None:
    """An RFC 3339 time; None where it is empty or cannot be read."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.astimezone()
