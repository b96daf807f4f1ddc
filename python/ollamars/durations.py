"""Durations as Go reads and prints them: whole nanoseconds in, `1h30m0s` out.

Ollama's clients send and show durations in Go's notation (`5m`, `1.5h`, `300ms`), so the texts of
errors and results here are those of Go's `time` package, measured on Ollama v0.33.
"""

from __future__ import annotations

import re
from typing import Any

NANOSECOND = 1
MICROSECOND = 1_000
MILLISECOND = 1_000_000
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

FOREVER = 2**63 - 1
"""The longest duration there is, in ns; it stands for "never"."""

_UNITS = {
    "ns": NANOSECOND,
    "us": MICROSECOND,
    "µs": MICROSECOND,  # U+00B5 micro sign
    "μs": MICROSECOND,  # U+03BC Greek mu
    "ms": MILLISECOND,
    "s": SECOND,
    "m": MINUTE,
    "h": HOUR,
}
_TERM = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^.0-9]*)", re.DOTALL)
_LIMIT = 2**63
_FRACTION_LIMIT = (2**63 - 1) // 10


def parse_duration(text: str) -> int:
    """Nanoseconds of a Go duration such as `-1.5h` or `1m30s`; `0` needs no unit.

    Raises `ValueError` with Go's own text (`time: missing unit in duration "10"`).
    """
    rest = text[1:] if text[:1] in ("-", "+") else text
    if rest == "0":
        return 0
    total = 0
    position = 0
    if not rest:
        raise _invalid(text)
    while position < len(rest):
        match = _TERM.match(rest, position)
        assert match is not None  # every part of the pattern may be empty
        total += _term(text, *match.groups())
        if total > _LIMIT:
            raise _invalid(text)
        position = match.end()
    if text.startswith("-"):
        return -total
    if total == _LIMIT:
        raise _invalid(text)
    return total


def _term(text: str, whole: str, fraction: str | None, unit: str) -> int:
    """Nanoseconds of one number with its unit; `text` is the whole duration, for errors."""
    if not whole and not fraction:
        raise _invalid(text)
    value = int(whole or "0")
    if value > _LIMIT:
        raise _invalid(text)
    if not unit:
        raise ValueError(f"time: missing unit in duration {_quote(text)}")
    scale = _UNITS.get(unit)
    if scale is None:
        raise ValueError(f"time: unknown unit {_quote(unit)} in duration {_quote(text)}")
    if value * scale > _LIMIT:
        raise _invalid(text)
    return value * scale + _fraction(fraction or "", scale)


def _fraction(digits: str, scale: int) -> int:
    """Nanoseconds of `0.digits` units, in float arithmetic and cut, as Go does it."""
    value = 0
    divisor = 1.0
    for digit in digits:
        if value > _FRACTION_LIMIT:
            break
        value = value * 10 + int(digit)
        divisor *= 10
    return int(value * (scale / divisor))


def _invalid(text: str) -> ValueError:
    return ValueError(f"time: invalid duration {_quote(text)}")


def _quote(text: str) -> str:
    """Quoted as Go's `time` quotes: bytes outside printable ASCII as `\\xNN`."""
    quoted = []
    for byte in text.encode("utf-8", "surrogateescape"):
        if byte < 0x20 or byte >= 0x80:
            quoted.append(f"\\x{byte:02x}")
        elif byte in b'"\\':
            quoted.append("\\" + chr(byte))
        else:
            quoted.append(chr(byte))
    return '"' + "".join(quoted) + '"'


def format_duration(ns: int) -> str:
    """A duration in ns as Go prints it: `5m0s`, `1.5ms`, `2562047h47m16.854775807s`."""
    sign = "-" if ns < 0 else ""
    ns = abs(ns)
    if ns == 0:
        return "0s"
    for unit, scale in (("ns", NANOSECOND), ("µs", MICROSECOND), ("ms", MILLISECOND)):
        if ns < scale * 1000:
            return sign + _decimal(ns, scale) + unit
    hours, ns = divmod(ns, HOUR)
    minutes, ns = divmod(ns, MINUTE)
    text = _decimal(ns, SECOND) + "s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    if hours:
        text = f"{hours}h{text}"
    return sign + text


def _decimal(ns: int, scale: int) -> str:
    """`ns / scale` without trailing zeros."""
    whole, rest = divmod(ns, scale)
    if not rest:
        return str(whole)
    return f"{whole}.{rest:0{len(str(scale)) - 1}d}".rstrip("0")


def wrap_int64(value: int) -> int:
    """`value` as Go's 64-bit arithmetic leaves it after an overflow."""
    return (value + _LIMIT) % (2 * _LIMIT) - _LIMIT


_GO_TYPES = {bool: "bool", list: "[]interface {}", dict: "map[string]interface {}"}


def parse_keep_alive(value: Any) -> int | None:
    """Nanoseconds of a request's `keep_alive` (decoded JSON); None when it is not set.

    A number counts seconds, a string is a duration; negative means for ever (`FOREVER`).
    Raises `ValueError` with Ollama's text.
    """
    if value is None:
        return None
    if isinstance(value, str):
        ns = parse_duration(value)
        return FOREVER if ns < 0 else ns
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        seconds = float(value)
        if seconds < 0:
            return FOREVER
        product = seconds * SECOND
        return int(product) if product < _LIMIT else -_LIMIT  # an overflow, as x86 converts it
    name = _GO_TYPES.get(type(value), type(value).__name__)
    raise ValueError(f"Unsupported type: '{name}'")
