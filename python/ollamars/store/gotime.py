"""Times as Go's JSON writes them."""

from __future__ import annotations

import datetime

_SECOND = 1_000_000_000


def format_time(ns: int, zone: datetime.tzinfo | None = None) -> str:
    """An instant, in ns since 1970, as RFC 3339 with as many decimals as it has.

    In local time without `zone`: `2025-01-31T12:00:00.5+01:00`, `2025-01-31T11:00:00Z`.
    """
    seconds, fraction = divmod(ns, _SECOND)
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC).astimezone(zone)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    if fraction:
        text += f".{fraction:09d}".rstrip("0")
    offset = moment.strftime("%z")
    return text + ("Z" if offset == "+0000" else f"{offset[:3]}:{offset[3:5]}")
